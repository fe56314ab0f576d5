// SPDX-License-Identifier: GPL-2.0
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "threads.h"

static u64 ready_time(struct task_struct *t)
{
#ifdef CONFIG_SCHED_INFO
	return t->sched_info.run_delay;
#else
	return 0;
#endif
}

void vmshare_thread_cpu_use(struct task_struct *t, struct vmshare_cpu_use *use)
{
	*use = (struct vmshare_cpu_use) {
		.run_ns = t->se.sum_exec_runtime,
		.ready_ns = ready_time(t),
		.guest_ns = t->gtime,
		.voluntary = t->nvcsw,
		.involuntary = t->nivcsw,
		.migrations = t->se.nr_migrations,
	};
}

static void add_ended_threads(struct signal_struct *sig,
			      struct vmshare_cpu_use *sum)
{
	sum->run_ns += sig->sum_sched_runtime;
	sum->guest_ns += sig->gtime;
	sum->voluntary += sig->nvcsw;
	sum->involuntary += sig->nivcsw;
}

void vmshare_process_cpu_use(struct task_struct *leader,
			     struct vmshare_cpu_use *sum)
{
	struct task_struct *t;

	*sum = (struct vmshare_cpu_use) {};
	rcu_read_lock();
	for_each_thread(leader, t) {
		struct vmshare_cpu_use use;

		vmshare_thread_cpu_use(t, &use);
		sum->run_ns += use.run_ns;
		sum->ready_ns += use.ready_ns;
		sum->guest_ns += use.guest_ns;
		sum->voluntary += use.voluntary;
		sum->involuntary += use.involuntary;
		sum->migrations += use.migrations;
	}
	/* A reaped process has no threads, but its counts are still there. */
	add_ended_threads(leader->signal, sum);
	rcu_read_unlock();
}
