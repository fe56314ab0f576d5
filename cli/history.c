// SPDX-License-Identifier: GPL-2.0
/* A ring of samples per VM. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "usage.h"

static double percent(const struct usage *usage, enum thread_field field)
{
	uint64_t hundredths;

	if (!usage_percent(usage->elapsed_ns, &usage->process, field, &hundredths))
		return -1;
	return (double)hundredths / 100;
}

static int add_sample(struct track *track, const struct snapshot *snap,
		      const struct snapshot *before, const struct vm *vm)
{
	struct sample *sample = &track->samples[track->next];
	struct usage usage;
	uint64_t anon;

	if (usage_of(&usage, snap, before, vm))
		return -1;
	sample->cpu = percent(&usage, THREAD_RUN_NS);
	sample->ready = percent(&usage, THREAD_READY_NS);
	sample->anon = facts_get(&vm->facts, VM_ANON, &anon) ? (double)anon : -1;
	usage_free(&usage);
	track->next = (track->next + 1) % HISTORY_SAMPLES;
	track->count += track->count < HISTORY_SAMPLES;
	return 0;
}

int history_add(struct history *history, const struct snapshot *snap,
		const struct snapshot *before)
{
	struct track *tracks = calloc(snap->n_vms + 1, sizeof(*tracks));
	const struct track *old;
	size_t i;
	int ret = 0;

	if (!tracks)
		return -1;
	for (i = 0; i < snap->n_vms && !ret; i++) {
		const struct vm *vm = &snap->vms[i];

		old = history_of(history, vm);
		if (old)
			tracks[i] = *old;
		tracks[i].pid = vm->pid;
		tracks[i].start_ns = facts_or_zero(&vm->facts, VM_START_TIME_NS);
		ret = add_sample(&tracks[i], snap, before, vm);
	}
	free(history->tracks);
	history->tracks = tracks;
	history->count = i;
	return ret;
}

static int compare_tracks(const void *a, const void *b)
{
	const struct track *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

const struct track *history_of(const struct history *history, const struct vm *vm)
{
	const struct track *track, key = { .pid = vm->pid };

	if (!history->count)
		return NULL;
	track = bsearch(&key, history->tracks, history->count, sizeof(key), compare_tracks);
	if (!track || track->start_ns != facts_or_zero(&vm->facts, VM_START_TIME_NS))
		return NULL;
	return track;
}

const struct sample *history_sample(const struct track *track, size_t index)
{
	size_t first = track->count < HISTORY_SAMPLES ? 0 : track->next;

	return &track->samples[(first + index) % HISTORY_SAMPLES];
}

void history_free(struct history *history)
{
	free(history->tracks);
	memset(history, 0, sizeof(*history));
}
