/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_SEARCH_H
#define VMSHARE_POLICY_SEARCH_H

#include "policy/division.h"

/*
 * Branch and bound over the states of a division's items. bound and reduced
 * costs are those of the node looked at last.
 */
struct search {
	struct cover *cover;		/* best, found, visited are kept up to date */
	struct division *division;
	const uint32_t *twin;		/* per item: an equal one before it, or UINT32_MAX */
	unsigned __int128 best;		/* cost of the best cover so far */
	uint64_t step;			/* divides all costs */
	double limit;			/* what a better cover costs at most */
	double bound;			/* what a cover costs at least */
	unsigned __int128 doubt;	/* the least cost of what may fit and was left out */
	bool *in;			/* room for a set of items */
	uint32_t *order;
	double *reduced;		/* cost less what its part is worth */
	struct decision *stack;
	size_t depth;
};

int search_init(struct search *search, struct cover *cover, struct division *division,
		const uint32_t *twin);
void search_free(struct search *search);

/* The price at which the knapsack over the parts breaks; 0: nothing is missing, or they are not enough. */
double search_price(struct search *search);

/* The bound of the linear relaxation, as far as the division is levelled. */
double search_bound(struct search *search);

/* A cover found elsewhere; taken if it is one, and cheaper. True if it was. */
bool search_offer(struct search *search, const bool *in);

/*
 * Looks for cheaper covers until there are none, or the division has counted so
 * much work. True if there are none; else search->bound holds for all covers.
 */
bool search_run(struct search *search, uint64_t work);

#endif
