// SPDX-License-Identifier: GPL-2.0
/*
 * The set function behind every choice of victims. It is supermodular: a frame
 * comes free only when the last VM that maps it has left, so that a set of VMs
 * frees at least as much as its members one by one.
 */
#include "policy/freed.h"

#include <stdlib.h>

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

static size_t index_of(const struct snapshot *snap, uint32_t pid)
{
	return (size_t)(snapshot_vm(snap, pid) - snap->vms);
}

/* The frames of a set go to the gain of the last of its VMs that stays. */
static void credit_last(struct departure *departure, const struct set *set)
{
	size_t i;

	for (i = 0; i < set->n_pids; i++) {
		size_t vm = index_of(departure->snap, set->pids[i]);

		if (!departure->gone[vm])
			departure->gain[vm] = add_saturating(departure->gain[vm],
							     set->frames_bytes);
	}
}

/* What a process that is no VM maps never comes free, so its set is nobody's. */
static size_t count_sets(struct departure *departure)
{
	const struct snapshot *snap = departure->snap;
	size_t i, j;

	for (i = 0; i < snap->n_sets; i++) {
		for (j = 0; !snap->sets[i].outside && j < snap->sets[i].n_pids; j++)
			departure->first[index_of(snap, snap->sets[i].pids[j]) + 1]++;
	}
	for (i = 0; i < snap->n_vms; i++)
		departure->first[i + 1] += departure->first[i];
	return departure->first[snap->n_vms];
}

/* Each VM's first place moves on as it is filled, and is moved back at the end. */
static void index_sets(struct departure *departure)
{
	const struct snapshot *snap = departure->snap;
	size_t i, j;

	for (i = 0; i < snap->n_sets; i++) {
		for (j = 0; !snap->sets[i].outside && j < snap->sets[i].n_pids; j++)
			departure->sets[departure->first[index_of(snap, snap->sets[i].pids[j])]++] = i;
	}
	for (i = snap->n_vms; i > 0; i--)
		departure->first[i] = departure->first[i - 1];
	departure->first[0] = 0;
}

int departure_init(struct departure *departure, const struct snapshot *snap)
{
	size_t i;

	departure->snap = snap;
	departure->freed = 0;
	departure->gone = calloc(snap->n_vms + 1, sizeof(*departure->gone));
	departure->gain = calloc(snap->n_vms + 1, sizeof(*departure->gain));
	departure->staying = calloc(snap->n_sets + 1, sizeof(*departure->staying));
	departure->first = calloc(snap->n_vms + 2, sizeof(*departure->first));
	departure->sets = departure->first ?
			  calloc(count_sets(departure) + 1, sizeof(*departure->sets)) : NULL;
	if (!departure->gone || !departure->gain || !departure->staying || !departure->sets) {
		departure_free(departure);
		return -1;
	}
	index_sets(departure);
	for (i = 0; i < snap->n_vms; i++)
		departure->gain[i] = freed_own(&snap->vms[i]);
	for (i = 0; i < snap->n_sets; i++) {
		departure->staying[i] = snap->sets[i].n_pids;
		if (departure->staying[i] == 1 && !snap->sets[i].outside)
			credit_last(departure, &snap->sets[i]);
	}
	return 0;
}

void departure_leave(struct departure *departure, size_t vm)
{
	const struct snapshot *snap = departure->snap;
	size_t i;

	departure->gone[vm] = true;
	departure->freed = add_saturating(departure->freed, departure->gain[vm]);
	for (i = departure->first[vm]; i < departure->first[vm + 1]; i++) {
		size_t set = departure->sets[i];

		if (--departure->staying[set] == 1)
			credit_last(departure, &snap->sets[set]);
	}
}

void departure_free(struct departure *departure)
{
	free(departure->gone);
	free(departure->gain);
	free(departure->staying);
	free(departure->first);
	free(departure->sets);
}
