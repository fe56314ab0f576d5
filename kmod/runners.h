/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose a thread is, as the scheduler's hooks ask: a map from threads and
 * address spaces to VMs, made by a census and read with interrupts off.
 *
 * Life of a runner: made when a census sees its thread; holds a reference on
 * the task, so that no other thread can be taken for it; leaves the map when a
 * later census does not see the thread any more; is freed a grace period after
 * that, once its thread is off the CPU, because a CPU keeps the runner that it
 * looked up until it switches. What it counted is added to its VM's sum before.
 */
#ifndef _VMSHARE_RUNNERS_H
#define _VMSHARE_RUNNERS_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "census.h"
#include "threads.h"

#define VMSHARE_WAIT_BUCKETS	40	/* the last begins at 9 minutes */

/* Counted since the hooks were attached. */
struct vmshare_waits {
	u64 waits, wakeups, wait_ns;
	u64 histogram[VMSHARE_WAIT_BUCKETS];
	u64 entries, in_guest_ns;
};

/*
 * A thread of a VM. Written by the CPU that switches away from the thread, or
 * that moves it between run queues, under the lock of the thread's run queue.
 */
struct vmshare_runner {
	struct task_struct *task;	/* referenced */
	struct vmshare_tracked *vm;
	u64 seen_delay;			/* run delay that was dealt with */
	u64 pending_ns;			/* of the wait under way */
	u64 seen_sleeps;		/* voluntary switches until its last one */
	bool slept;			/* its last switch was one of these */
	u64 entered;			/* guest mode, when; 0: it is not in it */
	struct vmshare_waits waits;

	struct list_head list;
	u64 round;			/* last census that saw it */
};

/* Of threads that have ended. */
struct vmshare_ended {
	struct vmshare_waits waits;
	u64 ready_ns, migrations;	/* since their birth */
};

/* A VM while the hooks are attached. */
struct vmshare_tracked {
	u32 number;			/* from VMSHARE_OWNER_VM on, never given again */
	struct mm_struct *mm;		/* mmgrab()ed: no other can be taken for it */
	pid_t pid;
	struct vmshare_ended ended;
	/* what it waited, of which not even the CPU is known */
	atomic64_t unknown_ns, unknown_pieces;
	bool gone;

	struct list_head list;
	u64 round;
};

/**
 * vmshare_runners_refresh() - bring the map up to date
 * @forget: called when many VMs are gone, before their numbers are dropped
 *
 * Sleeps, and may wait for a grace period. One caller at a time.
 *
 * Return: 0 or -ENOMEM; then the map is as it was.
 */
int vmshare_runners_refresh(const struct vmshare_census *census,
			    const struct vmshare_threads *threads,
			    void (*forget)(void));

/*
 * Right before the scheduler's hooks are attached: what threads have waited up to
 * now is not theirs to count.
 */
void vmshare_runners_begin(void);

/*
 * Before KVM's hooks are attached: what earlier ones have counted is not theirs. And
 * when they are gone: nobody tells any more when a thread leaves guest mode.
 */
void vmshare_runners_begin_entries(void);
void vmshare_runners_end_entries(void);

/* Drop everything. No hook may be attached. */
void vmshare_runners_clear(void);

/* Did the last refresh find a thread or a VM that was not in the map? */
bool vmshare_runners_found_new(void);

/* KVM has a notifier on the address space, and hardly anything else has. */
static inline bool vmshare_may_be_of_vm(const struct task_struct *t)
{
	return t->mm && READ_ONCE(t->mm->notifier_subscriptions);
}

/*
 * Of a thread that may be of a VM its runner, or NULL if it is not in the map; and
 * the number of the VM whose address space it is, VMSHARE_OWNER_HOST if none is
 * known. With interrupts off, for a thread that cannot exit meanwhile.
 */
struct vmshare_runner *vmshare_runner_of(const struct task_struct *t);
u32 vmshare_runners_owner_of(const struct mm_struct *mm);

/* The rest for who calls refresh: not concurrently with it. */
struct vmshare_runner *vmshare_runners_find(const struct task_struct *t);
struct vmshare_tracked *vmshare_runners_vm(const struct mm_struct *mm);
u32 vmshare_runners_nr_vms(void);
/* The pid of a VM by its number, gone or not; 0 if it was dropped. */
pid_t vmshare_runners_pid(u32 number);
/* Is it somebody's? A VM's until it was dropped. */
bool vmshare_runners_has_number(u32 number);
/* Is it somebody's who is not gone? */
bool vmshare_runners_is_kept(u32 number);

/*
 * What a VM's ended threads have counted, up to the last refresh; and one more whose
 * thread has ended since: the next refresh adds just that.
 */
void vmshare_runners_ended(const struct vmshare_tracked *vm,
			   struct vmshare_ended *sum);
void vmshare_runners_add_ended(struct vmshare_ended *sum,
			       const struct vmshare_runner *r);

#endif
