/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one look at the CPU half of all VMs gives: threads, and what displaced
 * them. No memory is walked. Made for one dump, and freed with it.
 */
#ifndef _VMSHARE_CPU_H
#define _VMSHARE_CPU_H

#include <linux/sched.h>

#include "exits.h"
#include "runners.h"
#include "sched.h"
#include "threads.h"

struct vmshare_cpu_thread {
	u32 pid;			/* of its VM */
	u32 tid;			/* 0: sum of those that have ended */
	u32 kind;			/* enum vmshare_thread_kind */
	char comm[TASK_COMM_LEN];
	bool is_vcpu, is_tracked;
	bool is_in_process;		/* so it will be in the sum */
	u32 vcpu_id;
	struct vmshare_exits exits;	/* vCPU */
	struct vmshare_cpu_use use;	/* since birth */
	struct vmshare_waits waits;	/* if tracked */
};

struct vmshare_preemption {
	u32 pid;			/* of the VM that was ready */
	u32 by;				/* pid of the VM that ran; 0: none */
	u64 count, ns;
	u64 idle_ns, unknown_ns;	/* parts of ns, by none only */
};

struct vmshare_cpu_report {
	u32 hooks;			/* that are attached */
	bool is_brief;			/* without preemptions */
	struct vmshare_sched_totals totals;
	struct vmshare_cpu_thread *threads;	/* VM by VM is not promised */
	struct vmshare_preemption *preemptions;	/* ascending by pid, by */
	u32 nr_threads, nr_preemptions;
};

/* Sleeps. Return: 0, -ENOMEM, -EINTR on a fatal signal, -E2BIG. */
int vmshare_cpu_report(struct vmshare_cpu_report **report, bool brief);
void vmshare_cpu_report_free(struct vmshare_cpu_report *report);

#endif
