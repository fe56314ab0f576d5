/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_MODEL_H
#define VMSHARE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "facts.h"

/* One snapshot of a host, wherever it came from. */

/* Parts of a snapshot that are only taken where asked for, as they cost more. */
enum need {
	NEED_VCPUS = 1,
	NEED_SETS = 2,
	NEED_PSS = 4,			/* a walk of every VM's page tables */
	NEED_CPU = 8,			/* threads one by one */
	NEED_OWNER = 16,		/* user and slice */
};

enum host_field {
	HOST_GENERATION,
	HOST_TIME_NS,
	HOST_UPTIME_NS,			/* since boot, asleep too: as VM_START_TIME_NS */
	HOST_CONSISTENT,
	HOST_CPUS,
	HOST_MEM_TOTAL,
	HOST_MEM_AVAILABLE,
	HOST_IDLE_CPU_NS,
	HOST_KSM_RUN,
	HOST_KSM_PAGES_SHARED,
	HOST_KSM_PAGES_SHARING,
	HOST_KSM_STALE_ITEMS,
	HOST_KSM_MERGED_FRAMES,
	HOST_KSM_MERGED_MAPPINGS,
	HOST_WALK_NS,
	HOST_WALK_ITEMS,
	HOST_WALK_NODES,
	HOST_CHECKED_NODES,
	HOST_LONGEST_HOLD_NS,
	HOST_FIELDS
};

enum vm_field {
	VM_START_TIME_NS,
	VM_ANON,
	VM_UNIQUE,
	VM_SELF_SHARED,
	VM_SELF_FRAMES,
	VM_INTER_SHARED,
	VM_SHMEM,
	VM_PRIVATE_SHMEM,
	VM_HUGETLB,
	VM_SWAP,
	VM_PAGE_TABLES,
	VM_FREED,
	VM_PSS,
	VM_RUN_NS,
	VM_READY_NS,
	VM_GUEST_NS,
	VM_VMM_NS,
	VM_VOLUNTARY_SWITCHES,
	VM_INVOLUNTARY_SWITCHES,
	VM_MIGRATIONS,
	VM_DIRTY_RATE,
	VM_COST,
	VM_VCPUS,
	VM_FIELDS
};

enum vcpu_field {
	VCPU_TID,
	VCPU_RUN_NS,
	VCPU_READY_NS,
	VCPU_GUEST_NS,
	VCPU_VOLUNTARY_SWITCHES,
	VCPU_INVOLUNTARY_SWITCHES,
	VCPU_MIGRATIONS,
	VCPU_EXITS,
	VCPU_FIELDS
};

struct vcpu {
	uint32_t id;
	struct facts facts;
};

struct vm {
	uint32_t pid;
	char *name;			/* NULL: not known */
	char *uuid;
	char *user;			/* whose process it is */
	char *slice;			/* its control group, as systemd names slices */
	bool pinned;			/* must not be moved */
	struct facts facts;
	struct vcpu *vcpus;		/* ascending by id */
	size_t n_vcpus;
	bool vcpus_known;
};

struct set {
	uint32_t *pids;			/* ascending */
	size_t n_pids;
	bool outside;			/* a process that is no VM maps it too */
	uint64_t frames_bytes;
};

enum engine { ENGINE_UNKNOWN, ENGINE_TREE, ENGINE_PAGES };

struct snapshot {
	char *kernel;
	enum engine engine;
	struct facts host;
	struct vm *vms;			/* ascending by pid */
	size_t n_vms;
	struct set *sets;
	size_t n_sets;
	bool sets_known;
	struct cpu cpu;			/* since each thread's birth; not known if n_threads is 0 */
	struct cpu window;		/* a time before the snapshot; window_ns 0: not known */
};

/* Names of the fields in JSON; NULL for one that JSON has in another shape. */
extern const char *const host_field_key[HOST_FIELDS];
extern const char *const vm_field_key[VM_FIELDS];
extern const char *const vcpu_field_key[VCPU_FIELDS];

void snapshot_init(struct snapshot *snap);
void snapshot_free(struct snapshot *snap);

/* The VM with that pid, or NULL. */
struct vm *snapshot_vm(const struct snapshot *snap, uint32_t pid);

/*
 * The same VM in another snapshot, or NULL: same pid and same birth, so not
 * another that was given its pid.
 */
const struct vm *vm_same(const struct snapshot *snap, const struct vm *vm);

/*
 * Adds a VM, vCPU or set; NULL with errno EEXIST if it is there already, or
 * ENOMEM. What was returned before for the same array is no longer valid.
 */
struct vm *snapshot_add_vm(struct snapshot *snap, uint32_t pid);
struct vcpu *vm_add_vcpu(struct vm *vm, uint32_t id);
struct set *snapshot_add_set(struct snapshot *snap, const uint32_t *pids, size_t n_pids);

/* Drops the VMs without their flag, and the sets, which could name them. */
void snapshot_keep(struct snapshot *snap, const bool *chosen);

/* An order in which equal sets of equal kind are neighbours. */
int set_compare(const struct set *a, const struct set *b);
void snapshot_sort_sets(struct snapshot *snap);

/* The name, or the pid where there is none or an empty one, in a buffer of the caller's. */
const char *vm_label(const struct vm *vm, char *buffer, size_t size);

const char *engine_name(enum engine engine);
bool engine_parse(const char *name, enum engine *engine);

#endif
