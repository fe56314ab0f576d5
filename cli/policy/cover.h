/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_COVER_H
#define VMSHARE_POLICY_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Minimum-cost cover of a need by items, each with a gain of its own, and by
 * groups, whose gain comes only with all their items: the problem behind the
 * choice of victims without anything about VMs in it.
 */
struct cover_group {
	size_t first, count;		/* its items in cover->members */
	uint64_t gain;
};

struct cover {
	uint64_t need;
	size_t items;
	uint64_t *cost, *gain;		/* per item */
	struct cover_group *groups;
	size_t n_groups;
	size_t *members;
	size_t max_items;		/* SIZE_MAX: any number */
	uint64_t nodes;			/* limit of the search */

	/* the answer */
	bool *best;			/* per item, given by the caller */
	bool found;
	uint64_t best_cost;
	uint64_t lower_bound;		/* UINT64_MAX: proved that there is none */
	uint64_t visited;
};

/* Returns -1 for want of memory. */
int cover_solve(struct cover *cover);

#endif
