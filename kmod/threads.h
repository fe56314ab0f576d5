/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_THREADS_H
#define _VMSHARE_THREADS_H

#include <linux/sched.h>
#include <linux/types.h>

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

/* Of all threads of a process, those that have ended included where the kernel
 * keeps their sum (not for ready_ns and migrations).
 */
void vmshare_process_cpu_use(struct task_struct *leader,
			     struct vmshare_cpu_use *use);

#endif
