/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_FREED_H
#define VMSHARE_POLICY_FREED_H

#include "model.h"

/* Pure functions of a snapshot: what leaving VMs give back, and cause elsewhere. */

/*
 * What goes with one VM whoever else stays: its unmerged memory, the shared
 * memory that nobody else has, its page tables. Merged frames come on top.
 */
uint64_t freed_own(const struct vm *vm);

/* What the host gets back when all marked VMs leave; one flag per VM. */
uint64_t freed_together(const struct snapshot *snap, const bool *leaving);

/* Resident memory that has to be sent: it arrives page by page, unshared. */
uint64_t freed_resident(const struct vm *vm);

/* What the VM takes at a destination where nothing is shared with it yet. */
uint64_t freed_growth(const struct vm *vm);

/*
 * VMs leaving one after the other, and what the next one would add. Cheap for
 * thousands of sets, where freed_together() for every step would not be.
 */
struct departure {
	const struct snapshot *snap;
	bool *gone;			/* per VM */
	uint64_t *gain;			/* what this VM's leaving now would free */
	size_t *staying;		/* members of each set that have not left */
	size_t *first;			/* sets of VM i: sets[first[i]..first[i + 1]] */
	size_t *sets;
	uint64_t freed;			/* by those that have left */
};

/* Returns -1 for want of memory. */
int departure_init(struct departure *departure, const struct snapshot *snap);
void departure_leave(struct departure *departure, size_t vm);
void departure_free(struct departure *departure);

#endif
