/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot: what one walk found, immutable and numbered. Readers share it by
 * reference, so that a dump neither walks again nor sees two moments mixed.
 */
#ifndef _VMSHARE_SNAPSHOT_H
#define _VMSHARE_SNAPSHOT_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/sched.h>

#include "memory.h"
#include "threads.h"

struct vmshare_vm {
	u32 pid;
	u64 start_time_ns;
	char comm[TASK_COMM_LEN];
	u32 nr_vcpus;
	struct vmshare_memory memory;
	bool shmem_doubtful;	/* while it is built: others hold some of it */
	u64 unique, self_shared, self_frames, inter_shared, freed; /* bytes */
	struct vmshare_cpu_use cpu;
};

struct vmshare_vcpu {
	u32 pid;		/* of its VM */
	u32 id;
	u32 tid;		/* 0 before its first run, and when it has ended */
	u64 exits;
	struct vmshare_cpu_use cpu;
};

struct vmshare_shared {
	u32 first, nr;		/* pids: vmshare_snapshot.members[first..] */
	u64 frames;
	bool outside;
};

struct vmshare_snapshot {
	struct kref ref;
	struct list_head kept;	/* in the list of those that can be named */

	u64 generation;
	u32 engine;		/* enum vmshare_engine, never AUTO */
	ktime_t began;
	ktime_t kept_since;	/* a walk may take longer than it is kept */
	u64 time_ns;		/* the same moment, CLOCK_REALTIME */
	u64 walk_ns, items, nodes, checked_nodes, stale_items;
	u64 merged_frames, merged_mappings;
	u64 longest_hold_ns;
	bool consistent;

	struct vmshare_vm *vms;		/* in the order of birth */
	struct vmshare_vcpu *vcpus;	/* VM by VM */
	struct vmshare_shared *sets;
	u32 *members;			/* pids, ascending in each set */
	u32 nr_vms, nr_vcpus, nr_sets;
};

/**
 * vmshare_snapshot_get() - a snapshot that is fresh enough
 * @engine: enum vmshare_engine
 * @max_age_ms: the walk may have begun that long before now
 * @ret: the snapshot, referenced; give it back with vmshare_snapshot_put()
 *
 * Walks if no snapshot is fresh enough. Of several callers at a time one walks
 * and the others wait for it.
 *
 * Return: 0; -EOPNOTSUPP if this kernel does not have @engine; -EINTR on a
 * fatal signal; -ENOMEM; -EBUSY while memory is being off-lined; -EXFULL if
 * the tree engine finds too many dead nodes in a row; -E2BIG beyond
 * VMSHARE_MAX_VMS.
 */
int vmshare_snapshot_get(u32 engine, u32 max_age_ms,
			 struct vmshare_snapshot **ret);

/* Return: the kept snapshot of that number, referenced, or NULL. */
struct vmshare_snapshot *vmshare_snapshot_find(u64 generation);
void vmshare_snapshot_put(struct vmshare_snapshot *snap);

/* What VMSHARE_ENGINE_AUTO means on this kernel. */
u32 vmshare_snapshot_default_engine(void);

/* Drops what is kept. No request may be under way. */
void vmshare_snapshot_exit(void);

#endif
