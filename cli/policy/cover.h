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
	size_t first, count;		/* its items in cover->members, all different */
	uint64_t gain;
};

enum cover_fit { COVER_FITS, COVER_FITS_NOT, COVER_FIT_UNKNOWN };

struct cover {
	uint64_t need;
	uint32_t items;
	uint64_t *cost, *gain;		/* per item */
	struct cover_group *groups;
	size_t n_groups;
	uint32_t *members;
	size_t max_items;		/* SIZE_MAX: any number */

	/*
	 * Covers may have to fit somewhere. A part of what fits has to fit as well;
	 * fits decides, the sizes and the room only save it work.
	 */
	const uint64_t *size;		/* per item; NULL: everything fits */
	uint64_t room;			/* all sizes together are at most that */
	const uint32_t *kind;		/* per item: equal items of one kind are as good as each other */
	enum cover_fit (*fits)(void *data, const bool *in);
	void *fits_data;

	uint64_t work;			/* limit of the search: members looked at */

	/* the answer */
	bool *best;			/* per item, given by the caller */
	bool found;
	bool proved;			/* that it is the best, or that there is none */
	uint64_t best_cost;		/* UINT64_MAX also stands for more than that */
	uint64_t lower_bound;		/* no cover costs less */
	uint64_t visited;		/* nodes of the search */
};

/* Returns -1 for want of memory. The groups are reduced on the way. */
int cover_solve(struct cover *cover);

#endif
