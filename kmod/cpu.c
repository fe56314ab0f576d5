// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <linux/vmshare.h>

#include "census.h"
#include "cpu.h"
#include "hooks.h"
#include "ptrmap.h"

/* ---- threads ---- */

static u32 kind_of(const struct task_struct *t)
{
	unsigned int kernel = PF_KTHREAD | PF_IO_WORKER;

#ifdef PF_USER_WORKER
	kernel |= PF_USER_WORKER;	/* vhost, since it is in its VM's process */
#endif
	return t->flags & kernel ? VMSHARE_THREAD_KERNEL : VMSHARE_THREAD_VMM;
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
		       struct task_struct *t,
		       const struct vmshare_vcpu_seen *vcpu)
{
	struct vmshare_cpu_thread *thread = &report->threads[report->nr_threads++];
	const struct vmshare_runner *r =
		report->hooks ? vmshare_runners_find(t) : NULL;

	thread->pid = pid;
	thread->tid = task_pid_nr(t);
	thread->kind = kind_of(t);
	get_task_comm(thread->comm, t);
	note_vcpu(thread, vcpu);
	vmshare_thread_cpu_use(t, &thread->use);
	if (!r)
		return;
	thread->is_tracked = true;
	thread->waits = data_race(r->waits);	/* counted on meanwhile */
}

static void add_ended(struct vmshare_cpu_report *report,
		      const struct vmshare_vm_seen *seen)
{
	struct vmshare_cpu_thread *thread = &report->threads[report->nr_threads++];
	const struct vmshare_tracked *vm =
		report->hooks ? vmshare_runners_vm(seen->mm) : NULL;

	thread->pid = seen->pid;
	thread->kind = VMSHARE_THREAD_VMM;
	memcpy(thread->comm, seen->comm, sizeof(thread->comm));
	vmshare_ended_cpu_use(seen->task, &thread->use);
	if (!vm)
		return;
	thread->is_tracked = true;
	thread->waits = vm->ended;
	thread->use.ready_ns = vm->ended_ready_ns;
	thread->use.migrations = vm->ended_migrations;
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
		       const struct vmshare_threads *threads)
{
	struct vmshare_ptrmap vcpus;
	u32 i, room = threads->nr + census->nr_vms + 1;

	report->threads = kvcalloc(room, sizeof(*report->threads), GFP_KERNEL);
	if (!report->threads || index_vcpus(&vcpus, census))
		return -ENOMEM;
	for (i = 0; i < threads->nr; i++) {
		struct task_struct *t = threads->seen[i].task;

		add_thread(report, census->vms[threads->seen[i].vm].pid, t,
			   vmshare_ptrmap_get(&vcpus, task_pid(t)));
	}
	for (i = 0; i < census->nr_vms; i++)
		add_ended(report, &census->vms[i]);
	vmshare_ptrmap_free(&vcpus);
	return 0;
}

/* ---- what displaced them ---- */

struct rows {
	struct vmshare_preemption *at;
	u32 nr, room;
};

/* A row of one CPU; a VM that is gone is no victim any more. */
static void take_row(const struct vmshare_displacement *row, void *data)
{
	struct rows *rows = data;
	struct vmshare_preemption *p = &rows->at[rows->nr];

	if (rows->nr == rows->room || !vmshare_runners_is_kept(row->victim))
		return;
	*p = (struct vmshare_preemption) {
		.pid = vmshare_runners_pid(row->victim),
		.by = vmshare_runners_pid(row->by),
		.ns = row->ns,
		.count = row->count,
		.idle_ns = row->by == VMSHARE_OWNER_IDLE ? row->ns : 0,
		.unknown_ns = row->by == VMSHARE_OWNER_UNKNOWN ? row->ns : 0,
	};
	rows->nr++;
}

static int by_pair(const void *a, const void *b)
{
	const struct vmshare_preemption *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

/* Equal pairs, of several CPUs and of several owners without a pid, in one. */
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

static int add_preemptions(struct vmshare_cpu_report *report)
{
	struct rows rows = { .room = vmshare_sched_rows() };

	rows.at = kvcalloc(rows.room + 1, sizeof(*rows.at), GFP_KERNEL);
	if (!rows.at)
		return -ENOMEM;
	vmshare_sched_for_each(take_row, &rows);
	sort(rows.at, rows.nr, sizeof(*rows.at), by_pair, NULL);
	report->preemptions = rows.at;
	report->nr_preemptions = merge_pairs(rows.at, rows.nr);
	return 0;
}

/* ---- the report ---- */

static int fill(struct vmshare_cpu_report *report,
		const struct vmshare_census *census,
		const struct vmshare_threads *threads)
{
	int err = 0;

	if (report->hooks) {
		vmshare_sched_totals(&report->totals);
		err = add_preemptions(report);
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

int vmshare_cpu_report(struct vmshare_cpu_report **ret)
{
	struct vmshare_cpu_report *report = kzalloc(sizeof(*report), GFP_KERNEL);
	int err = report ? look(report) : -ENOMEM;

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
