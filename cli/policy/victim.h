/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_VICTIM_H
#define VMSHARE_POLICY_VICTIM_H

#include "model.h"

/*
 * Which VMs have to leave so that at least so much comes free, at the least
 * total cost. A pure function of the snapshot: no input, no output, no clock.
 */

#define VICTIM_WORK 70000000ull		/* about a second's */

struct victim_request {
	uint64_t need;
	const bool *keep;		/* per VM: must stay; NULL: none */
	const bool *with;		/* per VM: leaves in any case; NULL: none */
	const uint64_t *costs;		/* per VM, in any one unit; NULL: resident bytes */
	size_t max_vms;			/* 0: any number */
	uint64_t work;			/* elementary steps of the search; 0: VICTIM_WORK */
	const struct victim_hosts *hosts;	/* where they go, all of them; NULL: anywhere */
};

/* Hosts that have to take the victims; the assignment is left in the destinations. */
struct victim_hosts {
	struct destination *destinations;
	size_t count;
	uint64_t work;			/* placements to try for the assignments, in all */
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
	bool no_host;			/* victims free the need, but none of these sets was found to fit */
	uint64_t cost_anywhere;		/* of the set that would be cheapest if it fitted; 0: it does */
	uint64_t cost, lower_bound;	/* no set costs less than the bound */
	uint64_t freed;
	uint64_t freed_all;		/* by all that may leave */
	size_t movable;			/* how many these are */
	uint64_t growth;		/* at a destination that shares nothing */
	uint64_t nodes;			/* that the search looked at */
	struct victim *victims;
	size_t count;
};

/* What one VM's leaving costs. */
uint64_t victim_cost(const struct snapshot *snap, const struct victim_request *request, size_t vm);

/* May the VM be chosen? */
bool victim_movable(const struct snapshot *snap, const struct victim_request *request, size_t vm);

/* Returns -1 only for want of memory. The plan's victims are the caller's. */
int victim_choose(const struct snapshot *snap, const struct victim_request *request,
		  struct victim_plan *plan);

/* How far from the best the plan can be at most: 0.1 is 10 % of its cost. */
double victim_gap(const struct victim_plan *plan);

void victim_plan_free(struct victim_plan *plan);

#endif
