/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler's hooks: who waited for a CPU, how long, and who ran meanwhile.
 */
#ifndef _VMSHARE_SCHED_H
#define _VMSHARE_SCHED_H

#include <linux/types.h>

#include "displace.h"
#include "runners.h"

/* All CPUs together, since the hooks were attached. */
struct vmshare_sched_totals {
	u64 tracked_ns;			/* since then, mean of the CPUs */
	u32 cpus;
	u64 vms_ns, host_ns, idle_ns;	/* sum: tracked_ns * cpus */
};

/* Return: NULL if the hooks can be attached, else why not. Once, at load. */
const char *vmshare_sched_init(void);

/*
 * Attach and detach. The map of runners must be there from before the one
 * until after the other. What was counted is there until vmshare_sched_free().
 * Called with a run queue locked:
 * @new_thread: when a thread runs that may be a VM's but is not in the map
 * @tight: when it is time for vmshare_sched_grow()
 * @nr_vms: how many there are
 *
 * Return: 0 or a negative error.
 */
int vmshare_sched_attach(void (*new_thread)(void), void (*tight)(void),
			 u32 nr_vms);
void vmshare_sched_detach(void);
void vmshare_sched_free(void);

/*
 * While attached, and not concurrently with each other, _detach(), _grow() or
 * _forget():
 */
void vmshare_sched_totals(struct vmshare_sched_totals *totals);
/* Each row of one CPU's displacement table, and how many it can have at most. */
void vmshare_sched_for_each(int cpu,
			    void (*row)(const struct vmshare_displacement *row,
					void *data), void *data);
u32 vmshare_sched_room(int cpu);
/* Larger tables where they are tight. */
void vmshare_sched_grow(void);
/* VMs that are gone leave all tables. */
void vmshare_sched_forget(void);

/* For KVM's hooks, with preemption off, while attached: the runner on this CPU,
 * or NULL; this CPU's clock; a runner's time in guest mode has ended.
 */
struct vmshare_runner *vmshare_sched_current(void);
u64 vmshare_sched_clock(void);
void vmshare_sched_leave_guest(struct vmshare_runner *r);

#endif
