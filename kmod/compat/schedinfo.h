/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the scheduler itself notes of a thread's waiting (CONFIG_SCHED_INFO; all
 * distributions have it). Its clock is sched_clock_cpu() of the thread's CPU.
 */
#ifndef _VMSHARE_COMPAT_SCHEDINFO_H
#define _VMSHARE_COMPAT_SCHEDINFO_H

#include <linux/sched.h>

/* Ready but not running, since birth; the wait under way is not in it. */
static inline u64 vmshare_run_delay(const struct task_struct *t)
{
#ifdef CONFIG_SCHED_INFO
	return READ_ONCE(t->sched_info.run_delay);
#else
	return 0;
#endif
}

/*
 * Does it wait? Idle threads never do, and one that lost its CPU on its way to
 * sleep is ready but was not noted as such.
 */
static inline bool vmshare_is_waiting(const struct task_struct *t)
{
#ifdef CONFIG_SCHED_INFO
	return READ_ONCE(t->sched_info.last_queued);
#else
	return false;
#endif
}

/* When it was last given a CPU after it waited for one. */
static inline u64 vmshare_last_arrival(const struct task_struct *t)
{
#ifdef CONFIG_SCHED_INFO
	return READ_ONCE(t->sched_info.last_arrival);
#else
	return 0;
#endif
}

/*
 * Is it on a CPU, the switches to and from it included? If not, what was written
 * while it was is there to be read.
 */
static inline bool vmshare_is_on_cpu(const struct task_struct *t)
{
#ifdef CONFIG_SMP
	return smp_load_acquire(&t->on_cpu);	/* finish_task() */
#else
	return t == current;
#endif
}

#endif
