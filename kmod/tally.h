/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a walk finds: the engines write it, the snapshot is made from it.
 */
#ifndef _VMSHARE_TALLY_H
#define _VMSHARE_TALLY_H

#include <linux/types.h>

#include "census.h"
#include "sets.h"

/* Longest time a walk keeps a lock that others wait for, before it lets go. */
#define VMSHARE_HOLD_NS		(1 * NSEC_PER_MSEC)

struct vmshare_tally {
	const struct vmshare_census *census;
	struct vmshare_sets sets;
	u64 *ksm_mappings;	/* by VM: page-table entries on merged frames */
	u64 *anon_pages;	/* by VM: counted by the pages engine */

	u64 items;		/* rmap_items or page-table entries looked at */
	u64 nodes;
	u64 checked_nodes;	/* not certified: looked at item by item */
	u64 stale_items;
	u64 merged_frames;	/* these two over all processes: tree engine */
	u64 merged_mappings;
	u64 longest_hold_ns;
	bool changed;		/* something changed while no lock was held */
};

static inline void vmshare_tally_hold(struct vmshare_tally *tally, u64 ns)
{
	if (ns > tally->longest_hold_ns)
		tally->longest_hold_ns = ns;
}

#endif
