/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_HULL_H
#define VMSHARE_POLICY_HULL_H

#include "policy/cover.h"

/*
 * Corners of the lower convex hull of what all subsets of the items gain and
 * cost, whatever the need, the number of items or where they go: for some price
 * each corner has the best gain - price * cost. Gains are supermodular, so each
 * is found by a maximum flow, and corners are nested.
 */
struct hull_corner {
	uint32_t items;			/* the first so many of the order */
	uint64_t gain;
	unsigned __int128 cost;
};

struct hull {
	uint32_t *order;		/* all items, those of the first corner first */
	struct hull_corner *corners;	/* ascending, without nothing for nothing */
	size_t count;
	bool complete;			/* there are no other corners */
};

/*
 * The cover's groups are reduced on the way. After so much work (members looked
 * at) it stops with the corners so far. Gains beyond 2^52 in sum are not dealt
 * with: no corners, not complete. Returns -1 for want of memory; the hull is the
 * caller's in any case.
 */
int hull_find(struct cover *cover, uint64_t work, struct hull *hull);
void hull_free(struct hull *hull);

#endif
