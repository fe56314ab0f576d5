/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_PLACE_H
#define VMSHARE_POLICY_PLACE_H

#include "model.h"
#include "policy/destination.h"

/*
 * Which hosts could be emptied because the others take their VMs. A pure
 * function of the hosts' snapshots.
 *
 * What VMs of different hosts would share is not known: a snapshot has no page
 * contents. So sharing is counted only among VMs that are together now and go
 * to the same host. There a VM needs all of its memory at first; once KSM has
 * merged it again, what it shares with those that came before it counts once.
 * Moves come one by one in the order of the plan, each after KSM has merged
 * the one before. Memory alone is looked at, not CPUs. VMs of hosts that are
 * not emptied stay where they are, and hosts that are empty now take none.
 */

struct place_request {
	const struct snapshot *snaps;
	const struct destination *destinations;	/* per host: its room */
	size_t hosts;
	bool unshared;			/* count on no sharing at all */
	uint64_t work;			/* elementary steps at most, for all choices of hosts */
};

struct place_move {
	size_t from, vm, to;		/* hosts; the VM's index in its snapshot */
	uint64_t bytes;			/* to be sent */
};

struct place_plan {
	bool *emptied;			/* per host */
	size_t n_emptied;
	struct place_move *moves;	/* in the order in which they fit */
	size_t n_moves;
	uint64_t bytes;			/* to be sent by all */
	uint64_t *arriving;		/* per host: what its new VMs take unshared */
	uint64_t *settled;		/* per host: what they take once merged again */
	bool proved;			/* no more hosts can be emptied like this */
	uint64_t tried;			/* steps done: members looked at, placements tried */
};

/*
 * The VM because of which the host cannot be emptied: it is pinned, or its name
 * or UUID is on another host as well. NULL: there is none.
 */
const struct vm *place_obstacle(const struct place_request *request, size_t host);

/*
 * As many hosts as possible; of equal numbers those with the least to send.
 * Returns -1 only for want of memory. The plan is the caller's.
 */
int place_choose(const struct place_request *request, struct place_plan *plan);
void place_plan_free(struct place_plan *plan);

#endif
