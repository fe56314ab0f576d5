// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <linux/vmshare.h>

#include "census.h"
#include "cpu.h"
#include "hooks.h"
#include "large.h"
#include "ptrmap.h"

/* ---- threads ---- */

static u32 kind_of(const struct task_struct *t)
{
	unsigned int kernel = PF_KTHREAD | PF_IO_WORKER;

#ifdef PF_USER_WORKER
	kernel |= PF_USER_WORKER;	/* vhost, since it is in its VM's process */
#endif
	return READ_ONCE(t->flags) & kernel ? VMSHARE_THREAD_KERNEL : VMSHARE_THREAD_VMM;
}

static void note_vcpu(struct vmshare_cpu_thread *thread,
		      const struct vmshare_vcpu_seen *vcpu)
{
	if (!vcpu)
		return;
	thread->kind = VMSHARE_THREAD_VCPU;
	thread->is_vcpu = true;
	thread->vcpu_id = vcpu->id;
	thread->exits = vcpu->exits;
}

static void add_thread(struct vmshare_cpu_report *report, u32 pid,
		       const struct vmshare_thread_seen *seen,
		       const struct vmshare_vcpu_seen *vcpu)
{
	struct task_struct *t = seen->task;
	struct vmshare_cpu_thread *thread = &report->threads[report->nr_threads++];
	const struct vmshare_runner *r =
		report->hooks ? vmshare_runners_find(t) : NULL;

	thread->pid = pid;
	thread->tid = task_pid_nr(t);
	thread->kind = kind_of(t);
	thread->is_in_process = seen->is_own;
	get_task_comm(thread->comm, t);
	note_vcpu(thread, vcpu);
	vmshare_thread_cpu_use(t, &thread->use);
	if (!r)
		return;
	thread->is_tracked = true;
	thread->waits = data_race(r->waits);	/* counted on meanwhile */
}

/* What the hooks have counted of all that the kernel's own sum has. */
static void sum_ended(struct vmshare_ended *sum, const struct vmshare_tracked *vm,
		      const struct vmshare_threads *threads,
		      const struct vmshare_thread_span *span)
{
	u32 i;

	vmshare_runners_ended(vm, sum);
	for (i = span->first; i < span->first + span->nr; i++) {
		const struct vmshare_thread_seen *seen = &threads->seen[i];
		const struct vmshare_runner *r =
			seen->has_ended ? vmshare_runners_find(seen->task) : NULL;

		if (r)
			vmshare_runners_add_ended(sum, r);
	}
}

/* Before its threads: which of them are in the sum is known after that. */
static void add_ended(struct vmshare_cpu_report *report,
		      const struct vmshare_census *census,
		      struct vmshare_threads *threads, u32 i)
{
	const struct vmshare_vm_seen *seen = &census->vms[i];
	struct vmshare_cpu_thread *thread = &report->threads[report->nr_threads++];
	const struct vmshare_tracked *vm =
		report->hooks ? vmshare_runners_vm(seen->mm) : NULL;
	struct vmshare_ended ended;

	thread->pid = seen->pid;
	thread->kind = VMSHARE_THREAD_VMM;
	memcpy(thread->comm, seen->comm, sizeof(thread->comm));
	vmshare_ended_cpu_use(threads, census, i, &thread->use);
	if (!vm)
		return;
	sum_ended(&ended, vm, threads, &threads->spans[i]);
	thread->is_tracked = true;
	thread->waits = ended.waits;
	thread->use.ready_ns = ended.ready_ns;
	thread->use.migrations = ended.migrations;
}

static int index_vcpus(struct vmshare_ptrmap *vcpus,
		       const struct vmshare_census *census)
{
	u32 i;

	if (vmshare_ptrmap_init(vcpus, census->nr_vcpus))
		return -ENOMEM;
	for (i = 0; i < census->nr_vcpus; i++)
		if (census->vcpus[i].pid)
			vmshare_ptrmap_put(vcpus, census->vcpus[i].pid,
					   &census->vcpus[i]);
	return 0;
}

static int add_threads(struct vmshare_cpu_report *report,
		       const struct vmshare_census *census,
		       struct vmshare_threads *threads)
{
	struct vmshare_ptrmap vcpus;
	u32 i, room = threads->nr + census->nr_vms + 1;

	report->threads = kvcalloc(room, sizeof(*report->threads),
				   VMSHARE_GFP_LARGE);
	if (!report->threads || index_vcpus(&vcpus, census))
		return -ENOMEM;
	for (i = 0; i < census->nr_vms; i++)
		add_ended(report, census, threads, i);
	for (i = 0; i < threads->nr; i++) {
		const struct vmshare_thread_seen *seen = &threads->seen[i];

		if (!seen->has_ended)
			add_thread(report, census->vms[seen->vm].pid, seen,
				   vmshare_ptrmap_get(&vcpus, task_pid(seen->task)));
		/* few are read in one go: it is meant to be one moment's report */
		if (i % 1024 == 1023)
			cond_resched();
	}
	vmshare_ptrmap_free(&vcpus);
	return 0;
}

/* ---- what displaced them ---- */

struct pairs {
	struct vmshare_preemption *at;
	u32 nr;
};

/* A row of one CPU; a VM that is gone is no victim any more. */
static void take_row(const struct vmshare_displacement *row, void *data)
{
	struct pairs *pairs = data;
	u32 by = vmshare_runners_pid(row->by);
	bool is_unknown = row->by >= VMSHARE_OWNER_UNKNOWN && !by;

	if (!vmshare_runners_is_kept(row->victim))
		return;
	pairs->at[pairs->nr++] = (struct vmshare_preemption) {
		.pid = vmshare_runners_pid(row->victim),
		.by = by,
		.ns = row->ns,
		.count = row->count,
		.idle_ns = row->by == VMSHARE_OWNER_IDLE ? row->ns : 0,
		.unknown_ns = is_unknown ? row->ns : 0,
	};
}

static int by_pair(const void *a, const void *b)
{
	const struct vmshare_preemption *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

/* Equal neighbours, of several CPUs or of several owners without a pid, in one. */
static u32 merge_pairs(struct vmshare_preemption *p, u32 nr)
{
	u32 i, last = 0;

	for (i = 1; i < nr; i++) {
		if (by_pair(&p[last], &p[i])) {
			p[++last] = p[i];
			continue;
		}
		p[last].count += p[i].count;
		p[last].ns += p[i].ns;
		p[last].idle_ns += p[i].idle_ns;
		p[last].unknown_ns += p[i].unknown_ns;
	}
	return nr ? last + 1 : 0;
}

/* Both ascend, and so does the sum. */
static u32 join(struct vmshare_preemption *sum, const struct pairs *a,
		const struct pairs *b)
{
	u32 i = 0, j = 0, nr = 0;

	while (i < a->nr || j < b->nr)
		if (j == b->nr || (i < a->nr && by_pair(&a->at[i], &b->at[j]) <= 0))
			sum[nr++] = a->at[i++];
		else
			sum[nr++] = b->at[j++];
	return merge_pairs(sum, nr);
}

static int add_pairs(struct vmshare_cpu_report *report, struct pairs *more)
{
	const struct pairs all = { report->preemptions, report->nr_preemptions };
	struct vmshare_preemption *sum;

	sort(more->at, more->nr, sizeof(*more->at), by_pair, NULL);
	more->nr = merge_pairs(more->at, more->nr);
	sum = kvmalloc_array(all.nr + more->nr + 1, sizeof(*sum),
			     VMSHARE_GFP_LARGE);
	if (!sum)
		return -ENOMEM;
	report->preemptions = sum;
	report->nr_preemptions = join(sum, &all, more);
	kvfree(all.at);
	return 0;
}

static int add_cpu(struct vmshare_cpu_report *report, int cpu)
{
	struct pairs here = {};
	int err;

	here.at = kvmalloc_array(vmshare_sched_room(cpu), sizeof(*here.at),
				 VMSHARE_GFP_LARGE);
	if (!here.at)
		return -ENOMEM;
	vmshare_sched_for_each(cpu, take_row, &here);
	err = add_pairs(report, &here);
	kvfree(here.at);
	return err;
}

/* What is in no CPU's table. */
static void take_unknown(struct pairs *pairs, const struct vmshare_vm_seen *seen)
{
	const struct vmshare_tracked *vm = vmshare_runners_vm(seen->mm);
	u64 ns = vm ? atomic64_read(&vm->unknown_ns) : 0;

	if (!ns)
		return;
	pairs->at[pairs->nr++] = (struct vmshare_preemption) {
		.pid = seen->pid,
		.count = atomic64_read(&vm->unknown_pieces),
		.ns = ns,
		.unknown_ns = ns,
	};
}

static int add_unknown(struct vmshare_cpu_report *report,
		       const struct vmshare_census *census)
{
	struct pairs all = {};
	int err;
	u32 i;

	all.at = kvmalloc_array(census->nr_vms + 1, sizeof(*all.at), VMSHARE_GFP_LARGE);
	if (!all.at)
		return -ENOMEM;
	for (i = 0; i < census->nr_vms; i++)
		take_unknown(&all, &census->vms[i]);
	err = add_pairs(report, &all);
	kvfree(all.at);
	return err;
}

/* CPU by CPU, since all of their rows may be very many, and grow meanwhile. */
static int add_preemptions(struct vmshare_cpu_report *report,
			   const struct vmshare_census *census)
{
	int cpu, err = add_unknown(report, census);

	for_each_possible_cpu(cpu) {
		if (err)
			break;
		err = add_cpu(report, cpu);
		cond_resched();
	}
	return err;
}

/* ---- the report ---- */

static int fill(struct vmshare_cpu_report *report,
		const struct vmshare_census *census,
		struct vmshare_threads *threads)
{
	int err = 0;

	if (report->hooks) {
		vmshare_sched_totals(&report->totals);
		if (!report->is_brief)
			err = add_preemptions(report, census);
	}
	if (!err)
		err = add_threads(report, census, threads);
	return err;
}

static int look(struct vmshare_cpu_report *report)
{
	struct vmshare_threads threads;
	struct vmshare_census census;
	int hooks = vmshare_hooks_hold(&census, &threads), err;

	if (hooks < 0)
		return hooks;
	report->hooks = hooks;
	err = fill(report, &census, &threads);
	vmshare_hooks_release(&census, &threads);
	return err;
}

int vmshare_cpu_report(struct vmshare_cpu_report **ret, bool brief)
{
	struct vmshare_cpu_report *report = kzalloc(sizeof(*report), GFP_KERNEL);
	int err = -ENOMEM;

	if (report) {
		report->is_brief = brief;
		err = look(report);
	}
	if (err) {
		vmshare_cpu_report_free(report);
		return err;
	}
	*ret = report;
	return 0;
}

void vmshare_cpu_report_free(struct vmshare_cpu_report *report)
{
	if (!report)
		return;
	kvfree(report->threads);
	kvfree(report->preemptions);
	kfree(report);
}
