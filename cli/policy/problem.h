/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_PROBLEM_H
#define VMSHARE_POLICY_PROBLEM_H

#include "policy/cover.h"
#include "policy/victim.h"

/* What a VM is that is no item of the cover. */
#define PROBLEM_STAYS SIZE_MAX
#define PROBLEM_LEAVES (SIZE_MAX - 1)

/* The choice of victims as a cover: VMs that may leave are items, sets are groups. */
struct problem {
	const struct snapshot *snap;
	const struct victim_request *request;
	struct cover cover;
	size_t *item_of;		/* per VM; PROBLEM_STAYS, PROBLEM_LEAVES */
	size_t *vm_of;			/* per item */
	size_t with;			/* VMs that leave in any case */
	uint64_t freed_first;		/* by these */
	uint64_t cost_first;		/* of these */
	uint64_t *size;			/* per item, once the hosts are bound */
	uint32_t *kind;
	bool no_memory;			/* to see whether some VMs fit */
};

/* Returns -1 for want of memory; the problem has to be released in any case. */
int problem_init(struct problem *problem, const struct snapshot *snap,
		 const struct victim_request *request);
void problem_release(struct problem *problem);

/* From now on a cover has to fit the request's hosts. Returns -1 for want of memory. */
int problem_bind_hosts(struct problem *problem);

/*
 * Do the VMs that leave in any case, with these items, fit the hosts? Without memory
 * that is not known, and the problem notes it: what follows from it is no answer.
 */
enum cover_fit problem_fits(struct problem *problem, const bool *in);

/* Is the VM among those that leave, by the cover's answer? */
bool problem_chosen(const struct problem *problem, size_t vm);

#endif
