// SPDX-License-Identifier: GPL-2.0
/*
 * What the module does, done from user space as well as it can be: the peer
 * that the module's walk is measured against.
 *
 * It reads the pagemap of the VMs alone, in large pieces, sorts the frames by
 * radix, asks kpagecount whether others map them and kpageflags whether they
 * are merged, in runs rather than one by one, and adds up the sets. Buffers are
 * kept from pass to pass. Where KPF_KSM is wrong it calls merged what is mapped
 * more than once, which spares it kpageflags and costs it the merged frames that
 * are mapped once.
 *
 * --page-by-page makes a read of each page and of each frame instead, as scripts
 * do, and as the frames of a host that has run for long come out: scattered.
 */
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../tests/oracle/kpage.h"
#include "../tests/oracle/pagemap.h"
#include "../tests/oracle/sets.h"

enum stage { AREAS, PAGEMAP, SORT, KPAGECOUNT, KPAGEFLAGS, SETS, NR_STAGES };

static const char *const stage_names[NR_STAGES] = {
	"areas_ns", "pagemap_ns", "sort_ns", "kpagecount_ns", "kpageflags_ns", "sets_ns",
};

struct frames {
	uint64_t *at;
	uint64_t *counts;
	uint64_t *flags;
	size_t nr;
	size_t room;
};

struct pass {
	struct zero_frames zero;
	struct mappings mappings;	/* kept from pass to pass */
	struct frames frames;		/* as well */
	bool flag_works;

	struct spaces spaces;
	struct sets sets;
	uint64_t merged_mappings;
	uint64_t merged_frames;
	uint64_t anon_pages;
	uint64_t stage_ns[NR_STAGES];
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static bool is_shared(const struct vma *vma)
{
	return vma->shared;
}

static uint64_t *resize(uint64_t *column, size_t room)
{
	column = reallocarray(column, room, sizeof(*column));
	if (!column)
		err(1, "no memory for %zu frames", room);
	return column;
}

static void read_frames(struct frames *frames, const struct mappings *mappings)
{
	if (frames->room < mappings->room) {
		frames->room = mappings->room;
		frames->at = resize(frames->at, frames->room);
		frames->counts = resize(frames->counts, frames->room);
		frames->flags = resize(frames->flags, frames->room);
	}
	frames->nr = mappings_frames(mappings, frames->at);
}

static void add_frame(struct pass *pass, const uint64_t *keys, size_t nr, uint64_t count)
{
	uint32_t members[nr], nr_members = 0;

	for (size_t i = 0; i < nr; i++)
		if (!i || keys[i] != keys[i - 1])
			members[nr_members++] = key_space(keys[i]);
	sets_add(&pass->sets, members, nr_members, count > nr, nr);
	pass->merged_frames++;
	pass->merged_mappings += nr;
}

static void add_frames(struct pass *pass)
{
	const struct mappings *mappings = &pass->mappings;
	const struct frames *frames = &pass->frames;
	size_t at = 0;

	for (size_t i = 0, end; i < mappings->nr; i = end, at++) {
		uint64_t count = frames->counts[at];

		end = mappings_frame_end(mappings, i);
		if (pass->flag_works ? frames->flags[at] & KPF_KSM : count > 1)
			add_frame(pass, mappings->keys + i, end - i, count);
	}
}

static void read_frame_values(const struct pass *pass, enum kpage_file file, uint64_t *values)
{
	const struct frames *frames = &pass->frames;

	if (pass->mappings.singly)
		kpage_read_singly(file, frames->at, frames->nr, values);
	else
		kpage_read(file, frames->at, frames->nr, values);
}

static void run_stage(struct pass *pass, enum stage stage, const char *vms)
{
	switch (stage) {
	case AREAS:
		spaces_add_vms(&pass->spaces, vms);
		spaces_read_areas(&pass->spaces, AREAS_FROM_MAPS);
		break;
	case PAGEMAP:
		mappings_read(&pass->mappings, &pass->spaces, &pass->zero, is_shared, NULL);
		break;
	case SORT:
		mappings_sort(&pass->mappings);
		read_frames(&pass->frames, &pass->mappings);
		break;
	case KPAGECOUNT:
		read_frame_values(pass, KPAGE_COUNT, pass->frames.counts);
		break;
	case KPAGEFLAGS:
		if (pass->flag_works)
			read_frame_values(pass, KPAGE_FLAGS, pass->frames.flags);
		break;
	default:
		add_frames(pass);
		break;
	}
}

static void run_pass(struct pass *pass, const char *vms)
{
	pass->spaces = (struct spaces){ 0 };
	pass->sets = (struct sets){ 0 };
	pass->mappings.nr = 0;
	pass->merged_mappings = 0;
	pass->merged_frames = 0;
	pass->anon_pages = 0;
	for (int stage = 0; stage < NR_STAGES; stage++) {
		uint64_t start = now_ns();

		run_stage(pass, stage, vms);
		pass->stage_ns[stage] = now_ns() - start;
	}
	for (size_t i = 0; i < pass->spaces.nr; i++) {
		if (pass->spaces.at[i].gone)
			errx(1, "process %d is gone; name processes that live",
			     pass->spaces.at[i].pid);
		pass->anon_pages += pass->spaces.at[i].anon_pages;
	}
}

static void print_pass(const struct pass *pass)
{
	uint64_t ns = 0;

	for (int stage = 0; stage < NR_STAGES; stage++)
		ns += pass->stage_ns[stage];
	printf("{\"ns\":%" PRIu64 ",\"anon_pages\":%" PRIu64, ns, pass->anon_pages);
	printf(",\"merged_mappings\":%" PRIu64 ",\"merged_frames\":%" PRIu64 ",\"sets\":%zu",
	       pass->merged_mappings, pass->merged_frames, pass->sets.nr);
	printf(",\"ns_per_mapping\":%.1f,\"by\":\"%s\"",
	       pass->merged_mappings ? (double)ns / pass->merged_mappings : 0.0,
	       pass->flag_works ? "ksm-flag" : "identity");
	for (int stage = 0; stage < NR_STAGES; stage++)
		printf(",\"%s\":%" PRIu64, stage_names[stage], pass->stage_ns[stage]);
	printf("}\n");
	fflush(stdout);
}

static void free_result(struct pass *pass)
{
	spaces_free(&pass->spaces);
	sets_free(&pass->sets);
}

static void free_buffers(struct pass *pass)
{
	zero_frames_release(&pass->zero);
	mappings_free(&pass->mappings);
	free(pass->frames.at);
	free(pass->frames.counts);
	free(pass->frames.flags);
}

static void fail_usage(void)
{
	errx(2, "usage: pagemap --vms PID,PID,... [--repeat N] [--page-by-page]\n"
	     "Attributes merged memory from user space and prints one line of JSON\n"
	     "per pass: the time of all of it, per merged mapping, and of each stage.");
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "vms", required_argument, NULL, 'v' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "page-by-page", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct pass pass = { .flag_works = kpage_ksm_flag_works() };
	const char *vms = NULL;
	int option, repeat = 1;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == 'v')
			vms = optarg;
		else if (option == 'r')
			repeat = atoi(optarg);
		else if (option == 'p')
			pass.mappings.singly = true;
		else
			fail_usage();
	}
	if (!vms || repeat < 1 || optind != argc)
		fail_usage();
	zero_frames_learn(&pass.zero);
	while (repeat--) {
		run_pass(&pass, vms);
		print_pass(&pass);
		free_result(&pass);
	}
	free_buffers(&pass);
	return 0;
}
