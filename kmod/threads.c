// SPDX-License-Identifier: GPL-2.0
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat/schedinfo.h"
#include "large.h"
#include "ptrmap.h"
#include "threads.h"

#define LOOKS	4	/* at a process whose threads end all the time */

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

static void read_sums(const struct signal_struct *sig,
		      struct vmshare_cpu_use *use)
{
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

static void add_threads(struct task_struct *leader, struct vmshare_cpu_use *sum)
{
	struct vmshare_cpu_use use;
	struct task_struct *t;

	rcu_read_lock();
	for_each_thread(leader, t) {
		vmshare_thread_cpu_use(t, &use);
		add_use(sum, &use);
	}
	rcu_read_unlock();
}

/*
 * A thread that ends is added to its process's sums and taken off the list of
 * threads with stats_lock held: what @look sees is of one instant between two of
 * these. Threads may end faster than it can look at thousands of others: after
 * some looks the lock is taken, with interrupts off, as the kernel does it for its
 * own sums. So @look must not sleep.
 */
static void look_between_ends(struct signal_struct *sig,
			      void (*look)(void *data), void *data)
{
	unsigned long flags;
	unsigned int seq;
	int looks;

	for (looks = 0; looks < LOOKS; looks++) {
		cond_resched();
		seq = read_seqbegin(&sig->stats_lock);
		look(data);
		if (!read_seqretry(&sig->stats_lock, seq))
			return;
	}
	read_seqlock_excl_irqsave(&sig->stats_lock, flags);
	look(data);
	read_sequnlock_excl_irqrestore(&sig->stats_lock, flags);
}

struct process_look {
	struct task_struct *leader;
	struct vmshare_cpu_use *sum;
};

static void sum_up(void *data)
{
	const struct process_look *l = data;

	read_sums(l->leader->signal, l->sum);
	add_threads(l->leader, l->sum);
}

/* A reaped process has no threads, but its sums are still there. */
void vmshare_process_cpu_use(struct task_struct *leader,
			     struct vmshare_cpu_use *sum)
{
	struct process_look look = { leader, sum };

	look_between_ends(leader->signal, sum_up, &look);
}

/* By address space; and by process, for threads that have none any more. */
static int index_vms(struct vmshare_ptrmap *vms,
		     const struct vmshare_census *census)
{
	u32 i;

	if (vmshare_ptrmap_init(vms, 2 * census->nr_vms))
		return -ENOMEM;
	for (i = 0; i < census->nr_vms; i++) {
		struct vmshare_vm_seen *vm = &census->vms[i];

		vmshare_ptrmap_put(vms, vm->mm, vm);
		vmshare_ptrmap_put(vms, vm->task->signal, vm);
	}
	return 0;
}

/*
 * A thread that ends lets go of the address space first, and only later is its time
 * added to the process's sums: the first thread's when all others have ended.
 * Pointers are compared, never followed: the census holds those it knows.
 */
static const struct vmshare_vm_seen *vm_of(const struct vmshare_ptrmap *vms,
					   const struct task_struct *t)
{
	const void *mm = READ_ONCE(t->mm);

	return vmshare_ptrmap_get(vms, mm ?: (const void *)t->signal);
}

static void add_seen(struct vmshare_threads *threads, struct task_struct *t,
		     u32 vm, bool is_own)
{
	struct vmshare_thread_span *span = &threads->spans[vm];
	u32 i = threads->nr++;

	threads->seen[i] = (struct vmshare_thread_seen) {
		.task = get_task_struct(t),
		.vm = vm,
		.is_own = is_own,
	};
	if (!is_own)
		return;
	if (!span->nr)
		span->first = i;
	span->nr = i + 1 - span->first;
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
		const struct vmshare_vm_seen *vm = vm_of(vms, t);

		if (!vm)
			continue;
		if (threads->nr == threads->room) {
			fits = false;
			break;
		}
		add_seen(threads, t, vm - census->vms,
			 t->signal == vm->task->signal);
	}
	rcu_read_unlock();
	return fits;
}

static int make_room(struct vmshare_threads *threads, u32 room, u32 nr_vms)
{
	threads->room = room;
	threads->seen = kvmalloc_array(room, sizeof(*threads->seen),
				       VMSHARE_GFP_LARGE);
	threads->spans = kvcalloc(nr_vms + 1, sizeof(*threads->spans),
				  VMSHARE_GFP_LARGE);
	return threads->seen && threads->spans ? 0 : -ENOMEM;
}

int vmshare_threads_list(struct vmshare_threads *threads,
			 const struct vmshare_census *census)
{
	struct vmshare_ptrmap vms;
	u32 room = census->nr_vcpus + 8 * census->nr_vms + 64;
	int err = index_vms(&vms, census);

	*threads = (struct vmshare_threads) { .began_ns = ktime_get_ns() };
	while (!err) {
		err = make_room(threads, room, census->nr_vms);
		if (!err && collect(threads, census, &vms))
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
	kvfree(threads->spans);
	threads->seen = NULL;
	threads->spans = NULL;
}

struct ended_look {
	struct vmshare_threads *threads;
	const struct vmshare_thread_span *span;
	const struct signal_struct *sig;
	struct vmshare_cpu_use *use;
};

/* What is off the list of threads has no number any more. */
static void see_who_ended(void *data)
{
	const struct ended_look *l = data;
	u32 i;

	read_sums(l->sig, l->use);
	for (i = l->span->first; i < l->span->first + l->span->nr; i++)
		l->threads->seen[i].has_ended =
			!pid_alive(l->threads->seen[i].task);
}

void vmshare_ended_cpu_use(struct vmshare_threads *threads,
			   const struct vmshare_census *census, u32 vm,
			   struct vmshare_cpu_use *use)
{
	struct signal_struct *sig = census->vms[vm].task->signal;
	struct ended_look look = { threads, &threads->spans[vm], sig, use };

	look_between_ends(sig, see_who_ended, &look);
}
