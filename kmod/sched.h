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
 * until after the other; @new_thread() is called, with interrupts off, when a
 * thread runs that may be a VM's but is not in the map. What was counted is
 * there until vmshare_sched_free().
 *
 * Return: 0 or a negative error.
 */
int vmshare_sched_attach(void (*new_thread)(void));
void vmshare_sched_detach(void);
void vmshare_sched_free(void);

/* While attached, and not concurrently with each other, _detach() or _tidy(): */
void vmshare_sched_totals(struct vmshare_sched_totals *totals);
/* Each row of one CPU's displacement table, and how many it can have at most. */
void vmshare_sched_for_each(int cpu,
			    void (*row)(const struct vmshare_displacement *row,
					void *data), void *data);
u32 vmshare_sched_room(int cpu);
/* Larger tables where they are tight; VMs that are gone are forgotten. */
void vmshare_sched_tidy(void);
bool vmshare_sched_is_tight(void);

/* For KVM's hooks, with preemption off, while attached: the runner on this CPU,
 * or NULL; this CPU's clock; a runner's time in guest mode has ended.
 */
struct vmshare_runner *vmshare_sched_current(void);
u64 vmshare_sched_clock(void);
void vmshare_sched_leave_guest(struct vmshare_runner *r);

#endif
