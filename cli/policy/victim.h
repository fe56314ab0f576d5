/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_VICTIM_H
#define VMSHARE_POLICY_VICTIM_H

#include "model.h"

/*
 * Which VMs have to leave so that at least so much comes free, at the least
 * total cost. A pure function of the snapshot: no input, no output, no clock.
 */

enum victim_cost {
	VICTIM_BYTES,			/* resident memory that has to be sent */
	VICTIM_COUNT,			/* 1 per VM */
};

struct victim_request {
	uint64_t need;
	const bool *keep;		/* per VM: must stay */
	const bool *with;		/* per VM: leaves in any case */
	size_t max_vms;			/* 0: any number */
	enum victim_cost cost;		/* for VMs without a cost of their own */
	uint64_t nodes;			/* limit of the search; 0: by the size of the problem */
};

struct victim {
	size_t vm;			/* index in the snapshot */
	uint64_t cost;
	uint64_t freed_alone;
	uint64_t freed_with_previous;	/* together with those listed before it */
};

struct victim_plan {
	bool feasible;			/* victims free the need */
	bool proved;			/* that it is the best, or that there is none */
	uint64_t cost, lower_bound;	/* no set costs less than the bound */
	uint64_t freed;
	uint64_t freed_all;		/* by all that may leave */
	size_t movable;			/* how many these are */
	uint64_t growth;		/* at a destination that shares nothing */
	uint64_t nodes;			/* that the search looked at */
	struct victim *victims;
	size_t count;
};

/* The cost of one VM: its own if the document gives one. */
uint64_t victim_cost(const struct vm *vm, enum victim_cost cost);

/* May the VM be chosen? */
bool victim_movable(const struct snapshot *snap, const struct victim_request *request, size_t vm);

/* Returns -1 only for want of memory. The plan's victims are the caller's. */
int victim_choose(const struct snapshot *snap, const struct victim_request *request,
		  struct victim_plan *plan);

/* How far from the best the plan can be at most: 0.1 is 10 % of its cost. */
double victim_gap(const struct victim_plan *plan);

void victim_plan_free(struct victim_plan *plan);

#endif
