/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_THRESHOLD_H
#define VMSHARE_POLICY_THRESHOLD_H

#include "policy/division.h"

/*
 * Threshold accepting (Dueck, Scheuer 1990): item after item is put in or taken
 * out where that makes what is paid, with a price on what is missing, worse by
 * at most a threshold, which falls to nothing. A step that is not taken costs
 * next to nothing, so it goes through far more of them than exchange.h, for
 * problems that are too large for a proof. Proves nothing itself.
 */
struct threshold {
	const struct division *division;	/* whose index of groups is used */
	bool *in, *best;		/* per item: now, and in the cheapest cover so far */
	bool found;			/* there is one */
	unsigned __int128 best_cost;
	uint32_t *missing;		/* per group: members that are not in */
	uint32_t *last;			/* per group: these, combined by exclusive or */
	int64_t *change;		/* per item: what its coming or going changes */
	int64_t gained;
	unsigned __int128 cost, taken;
	uint32_t count;			/* items that are in */
	double price;			/* on what is missing */
	uint64_t random;
	uint64_t work;			/* members looked at */
};

int threshold_init(struct threshold *threshold, const struct division *division);
void threshold_free(struct threshold *threshold);

/*
 * From these items, with that price to begin with, until all steps are done or
 * so much work: the cheapest cover is in best, if found.
 */
void threshold_run(struct threshold *threshold, const bool *in, double price, uint64_t work);

#endif
