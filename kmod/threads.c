// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat/schedinfo.h"
#include "ptrmap.h"
#include "threads.h"

void vmshare_thread_cpu_use(struct task_struct *t, struct vmshare_cpu_use *use)
{
	*use = (struct vmshare_cpu_use) {
		.run_ns = READ_ONCE(t->se.sum_exec_runtime),
		.ready_ns = vmshare_run_delay(t),
		.guest_ns = READ_ONCE(t->gtime),
		.voluntary = READ_ONCE(t->nvcsw),
		.involuntary = READ_ONCE(t->nivcsw),
		.migrations = READ_ONCE(t->se.nr_migrations),
	};
}

void vmshare_ended_cpu_use(struct task_struct *leader,
			   struct vmshare_cpu_use *use)
{
	const struct signal_struct *sig = leader->signal;

	*use = (struct vmshare_cpu_use) {
		.run_ns = sig->sum_sched_runtime,
		.guest_ns = sig->gtime,
		.voluntary = sig->nvcsw,
		.involuntary = sig->nivcsw,
	};
}

static void add_use(struct vmshare_cpu_use *sum,
		    const struct vmshare_cpu_use *use)
{
	sum->run_ns += use->run_ns;
	sum->ready_ns += use->ready_ns;
	sum->guest_ns += use->guest_ns;
	sum->voluntary += use->voluntary;
	sum->involuntary += use->involuntary;
	sum->migrations += use->migrations;
}

void vmshare_process_cpu_use(struct task_struct *leader,
			     struct vmshare_cpu_use *sum)
{
	struct vmshare_cpu_use use;
	struct task_struct *t;

	/* A reaped process has no threads, but its counts are still there. */
	vmshare_ended_cpu_use(leader, sum);
	rcu_read_lock();
	for_each_thread(leader, t) {
		vmshare_thread_cpu_use(t, &use);
		add_use(sum, &use);
	}
	rcu_read_unlock();
}

static int index_vms(struct vmshare_ptrmap *vms,
		     const struct vmshare_census *census)
{
	u32 i;

	if (vmshare_ptrmap_init(vms, census->nr_vms))
		return -ENOMEM;
	for (i = 0; i < census->nr_vms; i++)
		vmshare_ptrmap_put(vms, census->vms[i].mm, &census->vms[i]);
	return 0;
}

/* Return: whether there was room for all of them. */
static bool collect(struct vmshare_threads *threads,
		    const struct vmshare_census *census,
		    const struct vmshare_ptrmap *vms)
{
	struct task_struct *p, *t;
	bool fits = true;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		/* Compared, never followed: the census holds those it knows. */
		const void *mm = READ_ONCE(t->mm);
		const struct vmshare_vm_seen *vm =
			mm ? vmshare_ptrmap_get(vms, mm) : NULL;

		if (!vm)
			continue;
		if (threads->nr == threads->room) {
			fits = false;
			break;
		}
		threads->seen[threads->nr++] = (struct vmshare_thread_seen) {
			.task = get_task_struct(t),
			.vm = vm - census->vms,
		};
	}
	rcu_read_unlock();
	return fits;
}

int vmshare_threads_list(struct vmshare_threads *threads,
			 const struct vmshare_census *census)
{
	struct vmshare_ptrmap vms;
	u32 room = census->nr_vcpus + 8 * census->nr_vms + 64;
	int err = index_vms(&vms, census);

	*threads = (struct vmshare_threads) {};
	while (!err) {
		threads->room = room;
		threads->seen = kvmalloc_array(room, sizeof(*threads->seen),
					       GFP_KERNEL);
		if (!threads->seen)
			err = -ENOMEM;
		else if (collect(threads, census, &vms))
			break;
		vmshare_threads_release(threads);
		room *= 2;
	}
	vmshare_ptrmap_free(&vms);
	return err;
}

void vmshare_threads_release(struct vmshare_threads *threads)
{
	while (threads->nr)
		put_task_struct(threads->seen[--threads->nr].task);
	kvfree(threads->seen);
	threads->seen = NULL;
}
