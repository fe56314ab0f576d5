/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which frames of the host's mergeable memory are merged, and who maps them.
 */
#ifndef ORACLE_TRUTH_H
#define ORACLE_TRUTH_H

#include "kpage.h"
#include "pagemap.h"
#include "sets.h"

/*
 * How a merged frame is told from an ordinary one:
 *
 * BY_IDENTITY   it is mapped more than once. Right on every kernel, but blind
 *               to merged frames that are mapped once.
 * BY_EXCLUSIVE  it is mapped more than once or not marked exclusive. From 5.19
 *               on; an unmerged page that was swapped in, or whose process
 *               forked, may have lost the mark.
 * BY_KSM_FLAG   the kernel says so. Wrong from 6.10 to 7.2.
 *
 * With the first two a frame mapped once by each of several forks may be
 * merged or just inherited: it is ambiguous.
 */
enum truth_by { BY_IDENTITY, BY_EXCLUSIVE, BY_KSM_FLAG };

struct vm_truth {
	uint64_t merged_pages;
	uint64_t self_shared_pages;
	uint64_t self_frames;
	uint64_t inter_shared_pages;
};

struct truth {
	struct vm_truth *vms;
	struct sets sets;
	uint64_t frames;		/* merged, over all processes */
	uint64_t mappings;
	uint64_t ambiguous_frames;
	uint64_t ambiguous_mappings;
	uint64_t disagreeing_frames;	/* kpagecount says otherwise */
	uint64_t smaps_ksm_pages;	/* or KSM_PAGES_UNKNOWN */
};

/* The mappings are sorted and cover all mergeable memory of all processes. */
void truth_find(struct truth *truth, enum truth_by by, const struct spaces *spaces,
		const struct mappings *mappings);
void truth_free(struct truth *truth);

/* The sum over all areas of a space, KSM_PAGES_UNKNOWN before 6.6. */
uint64_t space_ksm_pages(const struct space *space);

#endif
