/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_THREADS_H
#define _VMSHARE_THREADS_H

#include <linux/sched.h>
#include <linux/types.h>

#include "census.h"

/* What the scheduler itself counts, since birth; nanoseconds and counts. */
struct vmshare_cpu_use {
	u64 run_ns;
	u64 ready_ns;	/* runnable but not running */
	u64 guest_ns;
	u64 voluntary;
	u64 involuntary;
	u64 migrations;
};

/* Of one thread. */
void vmshare_thread_cpu_use(struct task_struct *t, struct vmshare_cpu_use *use);

/*
 * Of all threads of a process; those that have ended are in it, but for ready_ns
 * and migrations, of which the kernel keeps no sum.
 */
void vmshare_process_cpu_use(struct task_struct *leader,
			     struct vmshare_cpu_use *use);

/* A thread that runs or works for a VM. */
struct vmshare_thread_seen {
	struct task_struct *task;	/* referenced */
	u32 vm;				/* index into the census */
	bool is_own;			/* of its process, not a stranger that serves it */
	bool has_ended;			/* see vmshare_ended_cpu_use() */
};

struct vmshare_threads {
	struct vmshare_thread_seen *seen;
	u32 nr, room;
	u64 began_ns;			/* CLOCK_MONOTONIC */
	/* by VM: where its process's own threads are, which follow each other */
	struct vmshare_thread_span {
		u32 first, nr;
	} *spans;
};

/**
 * vmshare_threads_list() - every thread of a VM's process or in its address space
 * @threads: filled; give it back with vmshare_threads_release()
 * @census: the VMs
 *
 * Kernel threads that have taken on a VM's address space (vhost) are in it.
 * Sleeps.
 *
 * Return: 0 or -ENOMEM.
 */
int vmshare_threads_list(struct vmshare_threads *threads,
			 const struct vmshare_census *census);
void vmshare_threads_release(struct vmshare_threads *threads);

/*
 * Of the threads of a VM's process that have ended, but 0 for ready_ns and
 * migrations, of which the kernel keeps no sum. Which of those in the list are
 * among them is noted there: each is either in the sum or has not ended.
 */
void vmshare_ended_cpu_use(struct vmshare_threads *threads,
			   const struct vmshare_census *census, u32 vm,
			   struct vmshare_cpu_use *use);

#endif
