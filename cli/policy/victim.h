/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_VICTIM_H
#define VMSHARE_POLICY_VICTIM_H

#include "model.h"

/*
 * Which VMs have to leave so that at least so much comes free, at the least
 * total cost. A pure function of the snapshot: no input, no output, no clock.
 */

struct victim_request {
	uint64_t need;
	const bool *keep;		/* per VM: must stay; NULL: none */
	const bool *with;		/* per VM: leaves in any case; NULL: none */
	const uint64_t *costs;		/* per VM, in any one unit; NULL: resident bytes */
	size_t max_vms;			/* 0: any number */
	uint64_t work;			/* elementary steps of the search; 0: about a second of them */
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

/* One answer of the whole trade-off between what comes free and what it costs. */
struct victim_point {
	uint64_t need;			/* the largest for which this is the answer, if proved */
	uint64_t cost, lower_bound;	/* no set that frees the need costs less than the bound */
	bool proved;			/* that none costs less than cost */
	bool hull;			/* a corner of the lower convex hull of the points */
	size_t *vms;			/* indices in the snapshot, ascending */
	size_t count;
};

/* Ascending by need and by cost. */
struct victim_sweep {
	struct victim_point *points;
	size_t count;
	uint64_t freed_all;		/* by all that may leave */
};

/* What one VM's leaving costs. */
uint64_t victim_cost(const struct snapshot *snap, const struct victim_request *request, size_t vm);

/* May the VM be chosen? */
bool victim_movable(const struct snapshot *snap, const struct victim_request *request, size_t vm);

/* Returns -1 only for want of memory. The plan's victims are the caller's. */
int victim_choose(const struct snapshot *snap, const struct victim_request *request,
		  struct victim_plan *plan);

/*
 * The trade-off, in at most max_points answers (at least 2) spread over all
 * needs; the request's need is not looked at, its work is for all points
 * together. Needs between two points may have cheaper answers than the upper
 * one. Returns -1 only for want of memory. The points are the caller's.
 */
int victim_sweep(const struct snapshot *snap, const struct victim_request *request,
		 size_t max_points, struct victim_sweep *sweep);
void victim_sweep_free(struct victim_sweep *sweep);

/* How far from the best the plan can be at most: 0.1 is 10 % of its cost. */
double victim_gap(const struct victim_plan *plan);

void victim_plan_free(struct victim_plan *plan);

#endif
