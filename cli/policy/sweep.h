/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_SWEEP_H
#define VMSHARE_POLICY_SWEEP_H

#include "policy/victim.h"

/* One answer of the whole trade-off between what comes free and what it costs. */
struct sweep_point {
	uint64_t need;			/* the largest for which this is the answer, if proved */
	uint64_t cost, lower_bound;	/* no set that frees the need costs less than the bound */
	bool proved;			/* that none costs less than cost */
	bool hull;			/* a corner of the lower convex hull of all sets */
	size_t *vms;			/* indices in the snapshot, ascending */
	size_t count;
};

/* Ascending by need and by cost. */
struct sweep {
	struct sweep_point *points;
	size_t count;
	size_t corners;			/* of the hull that were found, also those that are no points */
	bool corners_complete;		/* and there are no others; never with a limit of VMs */
	uint64_t freed_all;		/* by all that may leave */
};

/*
 * The trade-off in at most max_points answers (at least 2): corners of the hull,
 * exact, and as many needs as there is room for, spread evenly. With a limit of
 * VMs corners are those of the points' own hull. The request's need is not looked
 * at; its work is for all points together. Needs between two points may have
 * cheaper answers than the upper one. Returns -1 only for want of memory; the
 * points are the caller's.
 */
int sweep_make(const struct snapshot *snap, const struct victim_request *request,
	       size_t max_points, struct sweep *sweep);
void sweep_free(struct sweep *sweep);

#endif
