// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "compat/schedinfo.h"
#include "displace.h"
#include "ptrmap.h"
#include "runners.h"

/* So many VMs may be gone before what was counted of them is dropped. */
#define GONE_MAX	256

/* Read by the hooks, with interrupts off, which RCU waits for; immutable. */
struct map {
	struct vmshare_ptrmap by_task;	/* -> struct vmshare_runner */
	struct vmshare_ptrmap by_mm;	/* -> struct vmshare_tracked */
};

static struct map __rcu *map;

/* The rest belongs to who refreshes. */
static LIST_HEAD(runners);	/* in the map */
static LIST_HEAD(leaving);	/* not any more */
static LIST_HEAD(vms);
static DEFINE_XARRAY(vm_by_number);
static u32 nr_gone, last_number = VMSHARE_OWNER_VM - 1;
static u64 this_round, last_listed_ns;
static bool found_new;

/* ---- read by the hooks ---- */

struct vmshare_runner *vmshare_runner_of(const struct task_struct *t)
{
	return vmshare_ptrmap_get(&rcu_dereference_sched(map)->by_task, t);
}

u32 vmshare_runners_owner_of(const struct mm_struct *mm)
{
	const struct vmshare_tracked *vm =
		vmshare_ptrmap_get(&rcu_dereference_sched(map)->by_mm, mm);

	return vm ? vm->number : VMSHARE_OWNER_HOST;
}

/* ---- refreshed by a census ---- */

static const struct map *this_map(void)
{
	return rcu_dereference_protected(map, true);
}

struct vmshare_runner *vmshare_runners_find(const struct task_struct *t)
{
	const struct map *m = this_map();

	return m ? vmshare_ptrmap_get(&m->by_task, t) : NULL;
}

struct vmshare_tracked *vmshare_runners_vm(const struct mm_struct *mm)
{
	const struct map *m = this_map();

	return m ? vmshare_ptrmap_get(&m->by_mm, mm) : NULL;
}

u32 vmshare_runners_nr_vms(void)
{
	const struct vmshare_tracked *vm;
	u32 nr = 0;

	list_for_each_entry(vm, &vms, list)
		nr += !vm->gone;
	return nr;
}

pid_t vmshare_runners_pid(u32 number)
{
	const struct vmshare_tracked *vm = xa_load(&vm_by_number, number);

	return vm ? vm->pid : 0;
}

bool vmshare_runners_has_number(u32 number)
{
	return number < VMSHARE_OWNER_VM || xa_load(&vm_by_number, number);
}

bool vmshare_runners_is_kept(u32 number)
{
	const struct vmshare_tracked *vm;

	if (number < VMSHARE_OWNER_VM)
		return true;
	vm = xa_load(&vm_by_number, number);
	return vm && !vm->gone;
}

static void add_waits(struct vmshare_waits *sum, const struct vmshare_waits *w)
{
	int i;

	sum->waits += w->waits;
	sum->wakeups += w->wakeups;
	sum->wait_ns += w->wait_ns;
	sum->entries += w->entries;
	sum->in_guest_ns += w->in_guest_ns;
	for (i = 0; i < VMSHARE_WAIT_BUCKETS; i++)
		sum->histogram[i] += w->histogram[i];
}

void vmshare_runners_add_ended(struct vmshare_ended *sum,
			       const struct vmshare_runner *r)
{
	const struct vmshare_waits waits = data_race(r->waits); /* it may still leave its CPU */

	add_waits(&sum->waits, &waits);
	sum->ready_ns += vmshare_run_delay(r->task);
	sum->migrations += READ_ONCE(r->task->se.nr_migrations);
}

void vmshare_runners_ended(const struct vmshare_tracked *vm,
			   struct vmshare_ended *sum)
{
	const struct vmshare_runner *r;

	*sum = vm->ended;
	list_for_each_entry(r, &leaving, list)
		if (r->vm == vm)
			vmshare_runners_add_ended(sum, r);
}

bool vmshare_runners_found_new(void)
{
	return found_new;
}

static struct vmshare_tracked *new_vm(struct mm_struct *mm)
{
	struct vmshare_tracked *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return NULL;
	vm->number = ++last_number;
	if (xa_err(xa_store(&vm_by_number, vm->number, vm, GFP_KERNEL))) {
		kfree(vm);
		return NULL;
	}
	mmgrab(mm);
	vm->mm = mm;
	list_add(&vm->list, &vms);
	found_new = true;
	return vm;
}

static struct vmshare_tracked *see_vm(const struct vmshare_vm_seen *seen)
{
	struct vmshare_tracked *vm = vmshare_runners_vm(seen->mm);

	if (!vm)
		vm = new_vm(seen->mm);
	if (!vm)
		return NULL;
	vm->pid = seen->pid;
	vm->round = this_round;
	return vm;
}

static void count_unknown(struct vmshare_runner *r, u64 ns)
{
	r->waits.wait_ns = ns;
	atomic64_add(ns, &r->vm->unknown_ns);
	atomic64_add(!!ns, &r->vm->unknown_pieces);
}

/*
 * A thread that is new to us may be older than the hooks or its VM, or just
 * born. What it waited before there were both does not count; what a new one
 * waited until this census saw it does, but in whose place it ran is not known,
 * nor how many waits that were.
 */
static struct vmshare_runner *new_runner(struct task_struct *t,
					 struct vmshare_tracked *vm, bool is_old)
{
	struct vmshare_runner *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	r->task = get_task_struct(t);
	r->vm = vm;
	r->seen_delay = vmshare_run_delay(t);
	if (!is_old)
		count_unknown(r, r->seen_delay);
	r->seen_sleeps = READ_ONCE(t->nvcsw);
	list_add(&r->list, &runners);
	found_new = true;
	return r;
}

/*
 * The thread that calls exec() stays, but its process may be another VM then.
 * Its runner leaves with the VM that it was made for.
 */
static struct vmshare_runner *see_thread(struct task_struct *t,
					 struct vmshare_tracked *vm,
					 bool is_first)
{
	struct vmshare_runner *r = vmshare_runners_find(t);

	/* Born before the last list, but not in it: it was no VM's. */
	if (!r || r->vm != vm)
		r = new_runner(t, vm, is_first || r ||
				      READ_ONCE(t->start_time) < last_listed_ns);
	if (r)
		r->round = this_round;
	return r;
}

static int fill(struct map *m, const struct vmshare_census *census,
		const struct vmshare_threads *threads)
{
	bool is_first = !this_map();
	u32 i;

	for (i = 0; i < census->nr_vms; i++) {
		struct vmshare_tracked *vm = see_vm(&census->vms[i]);

		if (!vm)
			return -ENOMEM;
		vmshare_ptrmap_put(&m->by_mm, vm->mm, vm);
	}
	for (i = 0; i < threads->nr; i++) {
		const struct mm_struct *mm = census->vms[threads->seen[i].vm].mm;
		struct task_struct *t = threads->seen[i].task;
		struct vmshare_runner *r =
			see_thread(t, vmshare_ptrmap_get(&m->by_mm, mm), is_first);

		if (!r)
			return -ENOMEM;
		vmshare_ptrmap_put(&m->by_task, t, r);
	}
	return 0;
}

static void free_map(struct map *m)
{
	if (!m)
		return;
	vmshare_ptrmap_free(&m->by_task);
	vmshare_ptrmap_free(&m->by_mm);
	kfree(m);
}

static struct map *new_map(u32 nr_threads, u32 nr_vms)
{
	struct map *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return NULL;
	if (vmshare_ptrmap_init(&m->by_task, nr_threads) ||
	    vmshare_ptrmap_init(&m->by_mm, nr_vms)) {
		free_map(m);
		return NULL;
	}
	return m;
}

static void free_runner(struct vmshare_runner *r)
{
	list_del(&r->list);
	put_task_struct(r->task);
	kfree(r);
}

/* Runners in no map, after a grace period: only a CPU may still have one. */
static void reap(void)
{
	struct vmshare_runner *r, *next;

	list_for_each_entry_safe(r, next, &leaving, list) {
		if (vmshare_is_on_cpu(r->task))
			continue;
		vmshare_runners_add_ended(&r->vm->ended, r);
		free_runner(r);
	}
}

static void drop_unseen(void)
{
	struct vmshare_runner *r, *next;

	list_for_each_entry_safe(r, next, &runners, list)
		if (r->round != this_round)
			list_move(&r->list, &leaving);
}

static void free_vm(struct vmshare_tracked *vm)
{
	list_del(&vm->list);
	xa_erase(&vm_by_number, vm->number);
	mmdrop(vm->mm);
	kfree(vm);
}

static bool is_left_by_all(const struct vmshare_tracked *vm)
{
	const struct vmshare_runner *r;

	list_for_each_entry(r, &leaving, list)
		if (r->vm == vm)
			return false;
	return true;
}

/* VMs that are gone keep their numbers until there are many of them. */
static void drop_gone_vms(void (*forget)(void))
{
	struct vmshare_tracked *vm, *next;

	list_for_each_entry(vm, &vms, list) {
		if (vm->gone || vm->round == this_round)
			continue;
		vm->gone = true;
		nr_gone++;
	}
	if (nr_gone <= GONE_MAX)
		return;
	forget();
	list_for_each_entry_safe(vm, next, &vms, list) {
		if (!vm->gone || !is_left_by_all(vm))
			continue;
		free_vm(vm);
		nr_gone--;
	}
}

/* What was made for a map that is not to be. Nobody has seen it. */
static void drop_made(void)
{
	struct vmshare_runner *r, *next;
	struct vmshare_tracked *vm, *next_vm;

	list_for_each_entry_safe(r, next, &runners, list) {
		if (vmshare_runners_find(r->task) == r)
			continue;
		atomic64_sub(r->waits.wait_ns, &r->vm->unknown_ns);
		atomic64_sub(!!r->waits.wait_ns, &r->vm->unknown_pieces);
		free_runner(r);
	}
	list_for_each_entry_safe(vm, next_vm, &vms, list)
		if (!vm->gone && vmshare_runners_vm(vm->mm) != vm)
			free_vm(vm);
}

int vmshare_runners_refresh(const struct vmshare_census *census,
			    const struct vmshare_threads *threads,
			    void (*forget)(void))
{
	struct map *m = new_map(threads->nr, census->nr_vms), *old;

	if (!m)
		return -ENOMEM;
	this_round++;
	found_new = false;
	if (fill(m, census, threads)) {
		free_map(m);
		drop_made();
		return -ENOMEM;
	}
	last_listed_ns = threads->began_ns;
	old = rcu_replace_pointer(map, m, true);
	if (old)
		synchronize_rcu();
	free_map(old);
	drop_unseen();
	reap();
	drop_gone_vms(forget);
	return 0;
}

void vmshare_runners_begin(void)
{
	struct vmshare_runner *r;

	list_for_each_entry(r, &runners, list) {
		r->seen_delay = vmshare_run_delay(r->task);
		r->seen_sleeps = READ_ONCE(r->task->nvcsw);
	}
}

static void begin_entries(struct vmshare_waits *waits)
{
	waits->entries = 0;
	waits->in_guest_ns = 0;
}

void vmshare_runners_begin_entries(void)
{
	struct vmshare_tracked *vm;
	struct vmshare_runner *r;

	list_for_each_entry(r, &runners, list)
		begin_entries(&r->waits);
	list_for_each_entry(r, &leaving, list)
		begin_entries(&r->waits);
	list_for_each_entry(vm, &vms, list)
		begin_entries(&vm->ended.waits);
}

void vmshare_runners_end_entries(void)
{
	struct vmshare_runner *r;

	list_for_each_entry(r, &runners, list)
		WRITE_ONCE(r->entered, 0);
	list_for_each_entry(r, &leaving, list)
		WRITE_ONCE(r->entered, 0);
}

void vmshare_runners_clear(void)
{
	struct vmshare_runner *r, *next;
	struct vmshare_tracked *vm, *next_vm;

	free_map(rcu_replace_pointer(map, NULL, true));
	list_splice_init(&leaving, &runners);
	list_for_each_entry_safe(r, next, &runners, list)
		free_runner(r);
	list_for_each_entry_safe(vm, next_vm, &vms, list)
		free_vm(vm);
	nr_gone = 0;
}
