// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/sort.h>

#include <linux/vmshare.h>

#include "build.h"
#include "large.h"
#include "memory.h"
#include "mmlock.h"
#include "shmem.h"

static u64 pages_to_bytes(u64 pages)
{
	return pages << PAGE_SHIFT;
}

/* Frames of which every mapping is this VM's: the set of it alone. */
static void count_self_shared(struct vmshare_snapshot *snap,
			      const struct vmshare_sets *sets)
{
	u32 row;

	for (row = 0; row < sets->nr_rows; row++) {
		const struct vmshare_set *set = &sets->rows[row];
		struct vmshare_vm *vm;

		if (set->nr != 1 || set->outside || !set->frames)
			continue;
		vm = &snap->vms[sets->members[set->first]];
		vm->self_shared = pages_to_bytes(set->mappings);
		vm->self_frames = pages_to_bytes(set->frames);
	}
}

/*
 * The counter of anonymous pages includes merged ones; what is not merged is
 * unique. The two were read at two moments: if a merged page more than there
 * are pages was seen, the later moment has it.
 */
static bool split_anon(struct vmshare_vm *vm, u64 merged)
{
	bool fits = vm->memory.anon >= merged;

	if (!fits)
		vm->memory.anon = merged;
	vm->unique = vm->memory.anon - merged;
	vm->inter_shared = merged - vm->self_shared;
	vm->freed = vm->unique + vm->self_frames + vm->memory.private_shmem +
		    vm->memory.page_tables;
	return fits;
}

static void build_vm(struct vmshare_vm *vm, const struct vmshare_vm_seen *seen,
		     const struct vmshare_threads *threads)
{
	vm->pid = seen->pid;
	vm->start_time_ns = seen->start_time_ns;
	memcpy(vm->comm, seen->comm, sizeof(vm->comm));
	vm->nr_vcpus = seen->nr_vcpus;
	vmshare_process_cpu_use(seen->task, &vm->cpu);
	vmshare_memory_read(threads, seen->mm, &vm->memory);
}

static int read_vms(struct vmshare_snapshot *snap,
		    const struct vmshare_census *census)
{
	struct vmshare_threads threads;
	int err = vmshare_memory_prepare(&threads, census);
	u32 i;

	for (i = 0; !err && i < census->nr_vms; i++) {
		build_vm(&snap->vms[i], &census->vms[i], &threads);
		cond_resched();
	}
	vmshare_threads_release(&threads);
	snap->nr_vms = census->nr_vms;
	return err;
}

static int look_at_shmem(struct vmshare_snapshot *snap, struct vmshare_vm *vm,
			 const struct vmshare_vm_seen *seen, u32 *tries,
			 u32 *gone)
{
	u64 bytes;
	int ret = vmshare_shmem_look(seen->task, seen->mm, tries, &bytes);

	vm->memory.private_shmem = max(vm->memory.private_shmem, bytes);
	if (ret == -ESRCH)
		(*gone)++;
	else if (ret == -EBUSY)
		snap->consistent = false;	/* it may be more */
	else
		return ret;
	return 0;
}

/* The pauses are all VMs' together: where each shares memory with a device, they count. */
static int read_shmem(struct vmshare_snapshot *snap,
		      const struct vmshare_census *census, u32 *gone)
{
	u32 i, tries = VMSHARE_MMLOCK_TRIES;
	int looks, doubtful = 1, ret;

	for (looks = 0; doubtful && looks < VMSHARE_SHMEM_LOOKS; looks++) {
		if (looks)
			usleep_range(VMSHARE_SHMEM_PAUSE_US,
				     2 * VMSHARE_SHMEM_PAUSE_US);
		doubtful = 0;
		for (i = 0; i < census->nr_vms; i++) {
			struct vmshare_vm *vm = &snap->vms[i];

			if (looks && !vm->shmem_doubtful)
				continue;
			ret = look_at_shmem(snap, vm, &census->vms[i], &tries,
					    gone);
			if (ret < 0)
				return ret;
			vm->shmem_doubtful = ret;
			doubtful += ret;
		}
	}
	return 0;
}

static int build_vms(struct vmshare_snapshot *snap,
		     const struct vmshare_tally *tally, u32 *gone)
{
	const struct vmshare_census *census = tally->census;
	int err = read_vms(snap, census);
	u32 i;

	if (!err)
		err = read_shmem(snap, census, gone);
	if (err)
		return err;
	if (tally->anon_pages)	/* counted in the same walk */
		for (i = 0; i < census->nr_vms; i++)
			snap->vms[i].memory.anon = pages_to_bytes(tally->anon_pages[i]);
	count_self_shared(snap, &tally->sets);
	for (i = 0; i < census->nr_vms; i++)
		if (!split_anon(&snap->vms[i],
				pages_to_bytes(tally->ksm_mappings[i])))
			snap->consistent = false;
	return 0;
}

static void build_vcpu(struct vmshare_vcpu *vcpu,
		       const struct vmshare_vcpu_seen *seen)
{
	struct task_struct *t = NULL;

	vcpu->id = seen->id;
	vcpu->exits = seen->exits.all;
	if (!seen->pid)
		return;
	t = get_pid_task(seen->pid, PIDTYPE_PID);
	if (!t)
		return;	/* its thread has ended, as after hot-unplug */
	vcpu->tid = pid_nr(seen->pid);
	vmshare_thread_cpu_use(t, &vcpu->cpu);
	put_task_struct(t);
}

static void build_vcpus(struct vmshare_snapshot *snap,
			const struct vmshare_census *census)
{
	u32 i;

	for (i = 0; i < census->nr_vcpus; i++) {
		build_vcpu(&snap->vcpus[i], &census->vcpus[i]);
		snap->vcpus[i].pid = snap->vms[census->vcpus[i].vm].pid;
	}
	snap->nr_vcpus = census->nr_vcpus;
}

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void build_set(struct vmshare_snapshot *snap,
		      const struct vmshare_sets *sets,
		      const struct vmshare_set *set, u32 first)
{
	struct vmshare_shared *shared = &snap->sets[snap->nr_sets++];
	u32 *pids = snap->members + first, i;

	*shared = (struct vmshare_shared) {
		.first = first,
		.nr = set->nr,
		.frames = pages_to_bytes(set->frames),
		.outside = set->outside,
	};
	for (i = 0; i < set->nr; i++)
		pids[i] = snap->vms[sets->members[set->first + i]].pid;
	sort(pids, set->nr, sizeof(*pids), by_number, NULL);
}

/* Rows without frames were steps on the way to larger sets. */
static int build_sets(struct vmshare_snapshot *snap,
		      const struct vmshare_sets *sets)
{
	u32 row, rows = 0, members = 0;

	for (row = 0; row < sets->nr_rows; row++) {
		rows += !!sets->rows[row].frames;
		members += sets->rows[row].frames ? sets->rows[row].nr : 0;
	}
	snap->sets = kvcalloc(rows + 1, sizeof(*snap->sets), VMSHARE_GFP_LARGE);
	snap->members = kvcalloc(members + 1, sizeof(*snap->members),
				 VMSHARE_GFP_LARGE);
	if (!snap->sets || !snap->members)
		return -ENOMEM;
	for (row = 0, members = 0; row < sets->nr_rows; row++) {
		if (!sets->rows[row].frames)
			continue;
		build_set(snap, sets, &sets->rows[row], members);
		members += sets->rows[row].nr;
		cond_resched();
	}
	return 0;
}

int vmshare_build(struct vmshare_snapshot *snap,
		  const struct vmshare_tally *tally, u32 *gone)
{
	const struct vmshare_census *census = tally->census;
	int err;

	*gone = 0;
	snap->vms = kvcalloc(census->nr_vms + 1, sizeof(*snap->vms), VMSHARE_GFP_LARGE);
	snap->vcpus = kvcalloc(census->nr_vcpus + 1, sizeof(*snap->vcpus),
			       VMSHARE_GFP_LARGE);
	if (!snap->vms || !snap->vcpus)
		return -ENOMEM;
	err = build_vms(snap, tally, gone);
	if (err)
		return err;
	build_vcpus(snap, census);
	return build_sets(snap, &tally->sets);
}
