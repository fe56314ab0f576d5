// SPDX-License-Identifier: GPL-2.0
/* The snapshot: its storage and the names of its fields. */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const host_field_key[HOST_FIELDS] = {
	[HOST_GENERATION] = "generation",
	[HOST_TIME_NS] = "time_ns",
	[HOST_UPTIME_NS] = "uptime_ns",
	[HOST_CONSISTENT] = "consistent",
	[HOST_CPUS] = "cpus",
	[HOST_MEM_TOTAL] = "mem_total_bytes",
	[HOST_MEM_AVAILABLE] = "mem_available_bytes",
	[HOST_IDLE_CPU_NS] = "idle_cpu_ns",
	[HOST_KSM_RUN] = "run",
	[HOST_KSM_PAGES_SHARED] = "pages_shared",
	[HOST_KSM_PAGES_SHARING] = "pages_sharing",
	[HOST_KSM_STALE_ITEMS] = "stale_items",
	[HOST_KSM_MERGED_FRAMES] = "merged_frames",
	[HOST_KSM_MERGED_MAPPINGS] = "merged_mappings",
	[HOST_WALK_NS] = "walk_ns",
	[HOST_WALK_ITEMS] = "walk_items",
	[HOST_WALK_NODES] = "walk_nodes",
	[HOST_CHECKED_NODES] = "checked_nodes",
	[HOST_LONGEST_HOLD_NS] = "longest_hold_ns",
};

const char *const vm_field_key[VM_FIELDS] = {
	[VM_START_TIME_NS] = "start_time_ns",
	[VM_ANON] = "anon_bytes",
	[VM_UNIQUE] = "unique_bytes",
	[VM_SELF_SHARED] = "self_shared_bytes",
	[VM_SELF_FRAMES] = "self_frames_bytes",
	[VM_INTER_SHARED] = "inter_shared_bytes",
	[VM_SHMEM] = "shmem_bytes",
	[VM_PRIVATE_SHMEM] = "private_shmem_bytes",
	[VM_HUGETLB] = "hugetlb_bytes",
	[VM_SWAP] = "swap_bytes",
	[VM_PAGE_TABLES] = "page_tables_bytes",
	[VM_FREED] = "freed_bytes",
	[VM_PSS] = "pss_bytes",
	[VM_RUN_NS] = "run_ns",
	[VM_READY_NS] = "ready_ns",
	[VM_GUEST_NS] = "guest_ns",
	[VM_VMM_NS] = "vmm_ns",
	[VM_VOLUNTARY_SWITCHES] = "voluntary_switches",
	[VM_INVOLUNTARY_SWITCHES] = "involuntary_switches",
	[VM_MIGRATIONS] = "migrations",
	[VM_DIRTY_RATE] = "dirty_bytes_per_s",
	[VM_COST] = "cost",
	[VM_VCPUS] = NULL,		/* the length of "vcpus" */
};

const char *const vcpu_field_key[VCPU_FIELDS] = {
	[VCPU_TID] = "tid",
	[VCPU_RUN_NS] = "run_ns",
	[VCPU_READY_NS] = "ready_ns",
	[VCPU_GUEST_NS] = "guest_ns",
	[VCPU_VOLUNTARY_SWITCHES] = "voluntary_switches",
	[VCPU_INVOLUNTARY_SWITCHES] = "involuntary_switches",
	[VCPU_MIGRATIONS] = "migrations",
	[VCPU_EXITS] = "exits",
};

_Static_assert((int)VM_FIELDS <= FACTS_MAX && (int)HOST_FIELDS <= FACTS_MAX, "facts hold them");

void snapshot_init(struct snapshot *snap)
{
	memset(snap, 0, sizeof(*snap));
}

static void vm_clear(struct vm *vm)
{
	free(vm->name);
	free(vm->uuid);
	free(vm->user);
	free(vm->slice);
	free(vm->vcpus);
}

void snapshot_free(struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->n_vms; i++)
		vm_clear(&snap->vms[i]);
	for (i = 0; i < snap->n_sets; i++)
		free(snap->sets[i].pids);
	free(snap->vms);
	free(snap->sets);
	free(snap->kernel);
	cpu_free(&snap->cpu);
	cpu_free(&snap->window);
	snapshot_init(snap);
}

/* Where the VM with that pid is, or would have to be put. */
static size_t vm_position(const struct snapshot *snap, uint32_t pid)
{
	size_t low = 0, high = snap->n_vms;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snap->vms[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct vm *snapshot_vm(const struct snapshot *snap, uint32_t pid)
{
	size_t at = vm_position(snap, pid);

	return at < snap->n_vms && snap->vms[at].pid == pid ? &snap->vms[at] : NULL;
}

const struct vm *vm_same(const struct snapshot *snap, const struct vm *vm)
{
	const struct vm *other = snapshot_vm(snap, vm->pid);

	if (!other || facts_or_zero(&other->facts, VM_START_TIME_NS) !=
		      facts_or_zero(&vm->facts, VM_START_TIME_NS))
		return NULL;
	return other;
}

/* Room for one more; grows to the next power of two when count is one. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? 2 * count : 1, size);
}

struct vm *snapshot_add_vm(struct snapshot *snap, uint32_t pid)
{
	size_t at = vm_position(snap, pid);
	struct vm *vms;

	if (snapshot_vm(snap, pid)) {
		errno = EEXIST;
		return NULL;
	}
	vms = grow(snap->vms, snap->n_vms, sizeof(*vms));
	if (!vms)
		return NULL;
	snap->vms = vms;
	memmove(vms + at + 1, vms + at, (snap->n_vms - at) * sizeof(*vms));
	memset(&vms[at], 0, sizeof(*vms));
	vms[at].pid = pid;
	snap->n_vms++;
	return &vms[at];
}

/* Where the vCPU with that id is, or would have to be put. */
static size_t vcpu_position(const struct vm *vm, uint32_t id)
{
	size_t low = 0, high = vm->n_vcpus;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vm->vcpus[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct vcpu *vm_add_vcpu(struct vm *vm, uint32_t id)
{
	size_t at = vcpu_position(vm, id);
	struct vcpu *vcpus;

	if (at < vm->n_vcpus && vm->vcpus[at].id == id) {
		errno = EEXIST;
		return NULL;
	}
	vcpus = grow(vm->vcpus, vm->n_vcpus, sizeof(*vcpus));
	if (!vcpus)
		return NULL;
	vm->vcpus = vcpus;
	memmove(vcpus + at + 1, vcpus + at, (vm->n_vcpus - at) * sizeof(*vcpus));
	memset(&vcpus[at], 0, sizeof(*vcpus));
	vcpus[at].id = id;
	vm->n_vcpus++;
	return &vcpus[at];
}

static int compare_pids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* A sorted copy without repetitions; NULL if there are any or no memory. */
static uint32_t *copy_pids(const uint32_t *pids, size_t count)
{
	uint32_t *copy = reallocarray(NULL, count ? count : 1, sizeof(*copy));
	size_t i;

	if (!copy)
		return NULL;
	memcpy(copy, pids, count * sizeof(*copy));
	qsort(copy, count, sizeof(*copy), compare_pids);
	for (i = 1; i < count; i++) {
		if (copy[i] == copy[i - 1]) {
			free(copy);
			errno = EEXIST;
			return NULL;
		}
	}
	return copy;
}

struct set *snapshot_add_set(struct snapshot *snap, const uint32_t *pids, size_t n_pids)
{
	uint32_t *copy = copy_pids(pids, n_pids);
	struct set *sets;

	if (!copy)
		return NULL;
	sets = grow(snap->sets, snap->n_sets, sizeof(*sets));
	if (!sets) {
		free(copy);
		return NULL;
	}
	snap->sets = sets;
	sets += snap->n_sets++;
	*sets = (struct set){ .pids = copy, .n_pids = n_pids };
	return sets;
}

static bool is_kept(uint32_t pid, const void *data)
{
	return snapshot_vm(data, pid) != NULL;
}

void snapshot_keep(struct snapshot *snap, const bool *chosen)
{
	size_t kept = 0, i;

	for (i = 0; i < snap->n_vms; i++) {
		if (chosen[i])
			snap->vms[kept++] = snap->vms[i];
		else
			vm_clear(&snap->vms[i]);
	}
	snap->n_vms = kept;
	for (i = 0; i < snap->n_sets; i++)
		free(snap->sets[i].pids);
	snap->n_sets = 0;
	snap->sets_known = false;
	cpu_keep(&snap->cpu, is_kept, snap);
	cpu_keep(&snap->window, is_kept, snap);
}

int set_compare(const struct set *a, const struct set *b)
{
	size_t i;

	if (a->n_pids != b->n_pids)
		return a->n_pids < b->n_pids ? -1 : 1;
	for (i = 0; i < a->n_pids; i++) {
		if (a->pids[i] != b->pids[i])
			return a->pids[i] < b->pids[i] ? -1 : 1;
	}
	return (int)a->outside - (int)b->outside;
}

static int compare_sets(const void *a, const void *b)
{
	return set_compare(a, b);
}

void snapshot_sort_sets(struct snapshot *snap)
{
	if (snap->n_sets)
		qsort(snap->sets, snap->n_sets, sizeof(*snap->sets), compare_sets);
}

const char *vm_label(const struct vm *vm, char *buffer, size_t size)
{
	if (vm->name && *vm->name)
		return vm->name;
	snprintf(buffer, size, "%u", vm->pid);
	return buffer;
}

static const char *const engine_names[] = {
	[ENGINE_UNKNOWN] = "auto", [ENGINE_TREE] = "tree", [ENGINE_PAGES] = "pages",
};

const char *engine_name(enum engine engine)
{
	return engine_names[engine];
}

bool engine_parse(const char *name, enum engine *engine)
{
	enum engine i;

	for (i = ENGINE_UNKNOWN; i <= ENGINE_PAGES; i++) {
		if (!strcmp(name, engine_names[i])) {
			*engine = i;
			return true;
		}
	}
	return false;
}
