/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_DIVISION_H
#define VMSHARE_POLICY_DIVISION_H

#include "policy/cover.h"

/*
 * The gain of every group divided among its open items. Whatever the division,
 * a set of items gains at most the sum of its parts, so a knapsack over the parts
 * bounds the cover from below. The division that levels the parts per cost as
 * far as it can gives the best of these bounds, which is that of the linear
 * relaxation, for all needs at once (Fujishige, Lexicographically optimal base
 * of a polymatroid with respect to a weight vector, 1980).
 *
 * Items are open, in or out; changes are undone in reverse order.
 */
enum division_state { ITEM_OPEN, ITEM_IN, ITEM_OUT };

struct division_change {
	uint32_t item;			/* that came in or went out; UINT32_MAX: a share */
	uint32_t place;			/* of the share */
	int64_t share;			/* before */
};

struct division {
	const struct cover *cover;
	unsigned int shift;		/* gains here are those of the cover >> shift, rounded up */
	int64_t need;			/* rounded down */
	double *weight;			/* cost per item, never 0 */
	double *per_weight;		/* 1 / weight */
	double *ratio;			/* part per weight */
	uint8_t *state;			/* enum division_state per item */
	int64_t *part;			/* per item: own gain and shares */
	int64_t *stake;			/* per item: own gain and whole gains of its living groups */
	int64_t gained;			/* by the items that are in */
	int64_t reach;			/* if all open items come in as well */
	unsigned __int128 spent;	/* by the items that are in */
	unsigned __int128 taken;	/* of the cover's room, by these */
	uint32_t n_open, n_in;

	/* groups: first[g]..first[g + 1] are places of members */
	uint32_t n_groups;
	uint32_t *first;
	uint32_t *member;		/* per place: the item */
	int64_t *share;			/* per place */
	int64_t *gain;			/* per group */
	uint32_t *lost;			/* per group: members that are out */
	uint32_t *open;			/* per group: open members */
	/* items: at[i]..at[i + 1] are indices into place */
	uint32_t *at;
	uint32_t *place;		/* places of the item */
	uint32_t *group_of;		/* per place: its group */

	struct division_change *trail;
	size_t n_trail, room;
	bool no_memory;			/* for the trail; the numbers still are a division */
	uint64_t work;			/* members looked at */
};

int division_init(struct division *division, const struct cover *cover);
void division_free(struct division *division);

void division_set(struct division *division, uint32_t item, enum division_state state);
size_t division_mark(const struct division *division);
void division_undo(struct division *division, size_t mark);

/*
 * Levels once every living group whose ratios differ by more than the tolerance;
 * returns the sum of the absolute changes. With recording, so that it is undone
 * with the rest; without, for good.
 */
int64_t division_level(struct division *division, double tolerance, bool record);

#endif
