// SPDX-License-Identifier: GPL-2.0
/*
 * The set function behind every choice of victims. It is supermodular: a frame
 * comes free only when the last VM that maps it has left, so that a set of VMs
 * frees at least as much as its members one by one.
 */
#include "policy/freed.h"

/* A document may not tell which of the shared memory is the VM's alone. */
static uint64_t private_shmem(const struct vm *vm)
{
	uint64_t bytes;

	if (facts_get(&vm->facts, VM_PRIVATE_SHMEM, &bytes))
		return bytes;
	return facts_or_zero(&vm->facts, VM_SHMEM);
}

uint64_t freed_own(const struct vm *vm)
{
	uint64_t bytes = facts_or_zero(&vm->facts, VM_UNIQUE);

	bytes = add_saturating(bytes, private_shmem(vm));
	return add_saturating(bytes, facts_or_zero(&vm->facts, VM_PAGE_TABLES));
}

static bool leaves_whole(const struct snapshot *snap, const struct set *set, const bool *leaving)
{
	size_t i;

	if (set->outside)
		return false;
	for (i = 0; i < set->n_pids; i++) {
		if (!leaving[snapshot_vm(snap, set->pids[i]) - snap->vms])
			return false;
	}
	return true;
}

uint64_t freed_together(const struct snapshot *snap, const bool *leaving)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		if (leaving[i])
			bytes = add_saturating(bytes, freed_own(&snap->vms[i]));
	}
	for (i = 0; i < snap->n_sets; i++) {
		if (leaves_whole(snap, &snap->sets[i], leaving))
			bytes = add_saturating(bytes, snap->sets[i].frames_bytes);
	}
	return bytes;
}

uint64_t freed_resident(const struct vm *vm)
{
	uint64_t bytes = facts_or_zero(&vm->facts, VM_ANON);

	bytes = add_saturating(bytes, facts_or_zero(&vm->facts, VM_SHMEM));
	return add_saturating(bytes, facts_or_zero(&vm->facts, VM_HUGETLB));
}

/* What was swapped out is read back to be sent, and is resident there. */
uint64_t freed_growth(const struct vm *vm)
{
	return add_saturating(freed_resident(vm), facts_or_zero(&vm->facts, VM_SWAP));
}
