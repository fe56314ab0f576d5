/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_EXCHANGE_H
#define VMSHARE_POLICY_EXCHANGE_H

#include "policy/division.h"

/*
 * Local search: from a cover to cheaper ones by taking items out, putting others
 * in, and dropping what is not needed any more. Proves nothing.
 */
struct exchange {
	const struct division *division;	/* whose index of groups is used */
	bool *in;			/* per item */
	bool scarce;			/* number counts, not cost */
	bool marginal;			/* what is gained at once counts, not what is promised */
	bool *barred;			/* not to be put in for now */
	uint32_t *missing;		/* per group: members that are not in */
	uint32_t *last;			/* per group: these, combined by exclusive or */
	int64_t *adds;			/* per item: what it would gain now */
	int64_t *loses;			/* per item: what would be lost without it */
	double *promise;		/* per item: gain / missing over its groups */
	int64_t gained;
	unsigned __int128 cost;
	unsigned __int128 taken;	/* of the cover's room */
	uint32_t count;			/* items that are in */
	uint32_t *list;			/* room for a list of items */
	uint32_t *undo;			/* items toggled since the last agreed state */
	size_t n_undo, undo_room;
	uint64_t random;
	uint64_t work;			/* members looked at */
};

int exchange_init(struct exchange *exchange, const struct division *division);
void exchange_free(struct exchange *exchange);

/* Makes the marked items those that are in; NULL: none. */
void exchange_set(struct exchange *exchange, const bool *in);

/* Takes out what is not needed, the dearest first. */
void exchange_drop(struct exchange *exchange);

/* From all items, those of little part for their cost are taken out as long as it covers. */
void exchange_shrink(struct exchange *exchange);

/* From this item alone, those that promise most are put in; false if that leads nowhere. */
bool exchange_grow(struct exchange *exchange, uint32_t item);

/* From none, those that gain most at once for their cost; false if that leads nowhere. */
bool exchange_greedy(struct exchange *exchange);

bool exchange_covers(const struct exchange *exchange);

/*
 * One attempt from the cover that is in; it stays as it was where the attempt
 * leads to nothing better or equal. True if it is cheaper now.
 */
bool exchange_try(struct exchange *exchange);

#endif
