// SPDX-License-Identifier: GPL-2.0
#include "truth.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

enum verdict { UNMERGED, MERGED, AMBIGUOUS };

/* All mappings of one frame. */
struct frame {
	const uint64_t *keys;
	size_t nr;
	uint64_t flags;
	uint64_t count;
};

/* Mapped once by each of several processes that are forks of each other. */
static bool may_be_inherited(const struct frame *frame, const struct spaces *spaces)
{
	uint64_t family = spaces->at[key_space(frame->keys[0])].family;

	for (size_t i = 1; i < frame->nr; i++)
		if (frame->keys[i] == frame->keys[i - 1] ||
		    spaces->at[key_space(frame->keys[i])].family != family)
			return false;
	return true;
}

static enum verdict judge(const struct frame *frame, enum truth_by by,
			  const struct spaces *spaces)
{
	if (by == BY_KSM_FLAG)
		return frame->flags & KPF_KSM ? MERGED : UNMERGED;
	if (frame->nr > 1)
		return may_be_inherited(frame, spaces) ? AMBIGUOUS : MERGED;
	if (by == BY_EXCLUSIVE)
		return frame->flags & KPF_ANON_EXCLUSIVE ? UNMERGED : MERGED;
	return UNMERGED;
}

static void add_merged(struct truth *truth, const struct frame *frame,
		       const struct spaces *spaces)
{
	uint32_t members[frame->nr], nr = 0, processes = 0;

	truth->frames++;
	truth->mappings += frame->nr;
	for (size_t i = 0; i < frame->nr; i++) {
		if (i && frame->keys[i] == frame->keys[i - 1])
			continue;
		processes++;
		if (key_space(frame->keys[i]) < spaces->nr_vms)
			members[nr++] = key_space(frame->keys[i]);
	}
	if (nr)
		sets_add(&truth->sets, members, nr, processes > nr, frame->nr);
	if (nr == 1 && processes == 1)
		truth->vms[members[0]].self_frames++;

	for (size_t i = 0; i < frame->nr; i++) {
		uint32_t space = key_space(frame->keys[i]);

		if (space >= spaces->nr_vms)
			continue;
		truth->vms[space].merged_pages++;
		if (processes == 1)
			truth->vms[space].self_shared_pages++;
		else
			truth->vms[space].inter_shared_pages++;
	}
}

static uint64_t *make_column(size_t nr)
{
	uint64_t *column = calloc(nr + 1, sizeof(*column));

	if (!column)
		err(1, "no memory for %zu frames", nr);
	return column;
}

struct pass {
	struct truth *truth;
	const struct spaces *spaces;
	const struct mappings *mappings;
	const uint64_t *counts;
	const uint64_t *flags;
	enum truth_by by;
};

static void for_each_frame(const struct pass *pass,
			   void (*visit)(const struct pass *pass, const struct frame *frame))
{
	const struct mappings *mappings = pass->mappings;
	size_t at = 0;

	for (size_t i = 0, end; i < mappings->nr; i = end, at++) {
		end = mappings_frame_end(mappings, i);
		visit(pass, &(struct frame){
			.keys = mappings->keys + i, .nr = end - i,
			.flags = pass->flags[at], .count = pass->counts[at],
		});
	}
}

static void add_if_ambiguous(const struct pass *pass, const struct frame *frame)
{
	if (judge(frame, pass->by, pass->spaces) == AMBIGUOUS)
		add_merged(pass->truth, frame, pass->spaces);
}

static void add_if_merged(const struct pass *pass, const struct frame *frame)
{
	struct truth *truth = pass->truth;

	if (frame->count != frame->nr)
		truth->disagreeing_frames++;
	switch (judge(frame, pass->by, pass->spaces)) {
	case MERGED:
		add_merged(truth, frame, pass->spaces);
		break;
	case AMBIGUOUS:
		truth->ambiguous_frames++;
		truth->ambiguous_mappings += frame->nr;
		break;
	case UNMERGED:
		break;
	}
}

uint64_t space_ksm_pages(const struct space *space)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < space->nr_vmas; i++) {
		if (space->vmas[i].ksm_pages == KSM_PAGES_UNKNOWN)
			return KSM_PAGES_UNKNOWN;
		sum += space->vmas[i].ksm_pages;
	}
	return sum;
}

static uint64_t all_ksm_pages(const struct spaces *spaces)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < spaces->nr; i++) {
		uint64_t pages = space_ksm_pages(&spaces->at[i]);

		if (pages == KSM_PAGES_UNKNOWN)
			return KSM_PAGES_UNKNOWN;
		if (!spaces->at[i].gone)
			sum += pages;
	}
	return sum;
}

/*
 * smaps counts merged pages rightly even where KPF_KSM is wrong. If its total
 * is what was found plus all that is ambiguous, that is merged as well; if it
 * is just what was found, nothing of it is.
 */
static void resolve_ambiguous(const struct pass *pass)
{
	struct truth *truth = pass->truth;
	uint64_t with_them = truth->mappings + truth->ambiguous_mappings;

	if (!truth->ambiguous_mappings || truth->smaps_ksm_pages == KSM_PAGES_UNKNOWN)
		return;
	if (truth->smaps_ksm_pages == with_them)
		for_each_frame(pass, add_if_ambiguous);
	else if (truth->smaps_ksm_pages != truth->mappings)
		return;
	truth->ambiguous_frames = 0;
	truth->ambiguous_mappings = 0;
}

void truth_find(struct truth *truth, enum truth_by by, const struct spaces *spaces,
		const struct mappings *mappings)
{
	uint64_t *frames = make_column(mappings->nr);
	uint64_t *counts = make_column(mappings->nr);
	uint64_t *flags = make_column(mappings->nr);
	size_t nr = mappings_frames(mappings, frames);
	struct pass pass = {
		.truth = truth, .spaces = spaces, .mappings = mappings,
		.counts = counts, .flags = flags, .by = by,
	};

	truth->vms = calloc(spaces->nr_vms + 1, sizeof(*truth->vms));
	if (!truth->vms)
		err(1, "no memory for %zu VMs", spaces->nr_vms);
	kpage_read(KPAGE_COUNT, frames, nr, counts);
	kpage_read(KPAGE_FLAGS, frames, nr, flags);
	truth->smaps_ksm_pages = all_ksm_pages(spaces);
	for_each_frame(&pass, add_if_merged);
	resolve_ambiguous(&pass);
	free(frames);
	free(counts);
	free(flags);
}

void truth_free(struct truth *truth)
{
	sets_free(&truth->sets);
	free(truth->vms);
}
