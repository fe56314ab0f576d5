// SPDX-License-Identifier: GPL-2.0
/*
 * The pages engine: the page tables of every VM, by exported symbols only.
 *
 * A merged page names its stable node in page->mapping; that is the key under
 * which the VMs that map it are gathered. The page's mapcount says how many
 * page-table entries there are in all: what has not been found when all VMs
 * were walked belongs to processes that are no VM.
 *
 * Lock: one VM's mmap lock at a time, for reading, let go after
 * VMSHARE_HOLD_NS or when somebody waits for it.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "compat/ksm.h"
#include "large.h"
#include "mmlock.h"
#include "pages.h"
#include "pagetable.h"

/* Page tables in one hold at most: what room is made for before. */
#define TABLES_PER_HOLD	64

struct pages_walk {
	struct vmshare_tally *tally;
	struct vmshare_frames *frames;
	struct vmshare_table *table;
	bool all;		/* every merged frame, not just known ones */
	u32 tries;		/* of mmap locks, where not */
};

/* The row of @row's set with @vm in it; remembered, as most frames repeat it. */
static u32 row_with(struct vmshare_sets *sets, u32 row, u32 vm)
{
	u32 next;

	if (row != VMSHARE_NO_ROW && sets->rows[row].next_vm == vm)
		return sets->rows[row].next_row;
	vmshare_sets_begin(sets);
	if (row != VMSHARE_NO_ROW)
		vmshare_sets_add_row(sets, row);
	vmshare_sets_add(sets, vm);
	next = vmshare_sets_commit(sets, false);
	if (row != VMSHARE_NO_ROW && next != VMSHARE_NO_ROW) {
		sets->rows[row].next_vm = vm;
		sets->rows[row].next_row = next;
	}
	return next;
}

static int count_table(struct pages_walk *w, u32 vm)
{
	const struct vmshare_table *table = w->table;
	struct vmshare_tally *tally = w->tally;
	u32 i;

	for (i = 0; i < table->nr; i++) {
		unsigned long key = table->merged[i].key;
		struct vmshare_frame *frame;

		frame = w->all ? vmshare_frames_add(w->frames, key) :
				 vmshare_frames_find(w->frames, key);
		if (!frame)
			continue;
		frame->row = row_with(&tally->sets, frame->row, vm);
		if (frame->row == VMSHARE_NO_ROW)
			return -ENOMEM;
		if (frame->found && frame->mapcount != table->merged[i].mapcount)
			tally->changed = true;
		frame->found++;
		frame->pfn = table->merged[i].pfn;
		frame->mapcount = table->merged[i].mapcount;
		tally->ksm_mappings[vm]++;
	}
	if (table->migrating)	/* they are somewhere, but not here */
		tally->changed = true;
	tally->items += table->entries;
	if (w->all)
		tally->anon_pages[vm] += table->anon;
	return 0;
}

/*
 * Growing the table of frames means to move it all, so that is done for many
 * page tables at a time, before a lock is taken. The sets hardly ever grow: where they
 * have no room for another table, the hold ends.
 */
static int make_room(struct pages_walk *w)
{
	int err = vmshare_sets_reserve(&w->tally->sets, PTRS_PER_PTE);

	if (err)
		return err;
	return w->all ? vmshare_frames_reserve(w->frames,
					       TABLES_PER_HOLD * PTRS_PER_PTE) : 0;
}

/* Read one page table and count it. Return: 1 = there is more. */
static int walk_table(struct pages_walk *w, u32 vm, struct mm_struct *mm,
		      unsigned long *addr)
{
	int err;

	if (!vmshare_table_next(mm, addr, w->table))
		return 0;
	err = count_table(w, vm);
	return err ? err : 1;
}

/* Lets the lock go. Return: 1 = there is more. */
static int walk_locked(struct pages_walk *w, u32 vm, struct mm_struct *mm,
		       unsigned long *addr)
{
	u64 since = ktime_get_mono_fast_ns(), now;
	int more, tables = 0;

	do {
		more = walk_table(w, vm, mm, addr);
		now = ktime_get_mono_fast_ns();
	} while (more > 0 && ++tables < TABLES_PER_HOLD &&
		 now - since < VMSHARE_HOLD_NS && !mmap_lock_is_contended(mm) &&
		 vmshare_sets_have_room(&w->tally->sets, PTRS_PER_PTE));
	vmshare_mmlock_release(mm);
	vmshare_tally_hold(w->tally, now - since);
	return more;
}

/* The few frames that the tree engine leaves over are not worth a wait. */
static int take_lock(struct pages_walk *w, struct mm_struct *mm)
{
	return w->all ? vmshare_mmlock_wait(mm) :
	       vmshare_mmlock_try(mm, &w->tries);
}

/*
 * Walk on from *@addr for as long as the lock may be held. The memory has a user in us
 * for so long only: that of a VM that ends meanwhile is given back then.
 * Return: 1 = more.
 */
static int walk_some(struct pages_walk *w, u32 vm, struct mm_struct *mm,
		     unsigned long *addr)
{
	int err;

	if (make_room(w))
		return -ENOMEM;
	err = take_lock(w, mm);
	if (!err)
		return walk_locked(w, vm, mm, addr);
	if (err == -EBUSY)
		w->tally->changed = true;	/* its mappings seem to be others' */
	else if (err != -ESRCH)
		return err;
	return 0;
}

static int walk_vm(struct pages_walk *w, u32 vm)
{
	struct mm_struct *mm = w->tally->census->vms[vm].mm;
	unsigned long addr = 0;
	int more;

	do {
		more = walk_some(w, vm, mm, &addr);
		if (more > 0 && fatal_signal_pending(current))
			more = -EINTR;
		cond_resched();
	} while (more > 0);
	return more;
}

/*
 * Mappings that no VM has belong to other processes. What a guest has written to since
 * the frame was last seen is no mapping any more, so the mapcount is read once more; but
 * it may have been one that was counted. Of a frame that has moved or is gone the last
 * one seen is all there is.
 */
static int settle_frame(struct vmshare_tally *tally,
			const struct vmshare_frame *frame)
{
	struct vmshare_sets *sets = &tally->sets;
	u32 row = frame->row, mapcount = frame->mapcount, now;

	if (mapcount != frame->found) {
		now = vmshare_mapcount_now(frame->key, frame->pfn);
		if (now != mapcount)
			tally->changed = true;
		if (now)
			mapcount = now;
	}
	if (frame->found > mapcount)
		tally->changed = true;
	if (mapcount > frame->found) {
		if (vmshare_sets_reserve(sets, 1))
			return -ENOMEM;
		vmshare_sets_begin(sets);
		vmshare_sets_add_row(sets, row);
		row = vmshare_sets_commit(sets, true);
		if (row == VMSHARE_NO_ROW)
			return -ENOMEM;
	}
	sets->rows[row].frames++;
	sets->rows[row].mappings += frame->found;
	return 0;
}

static int settle(struct pages_walk *w)
{
	u32 i;

	for (i = 0; i <= w->frames->mask; i++) {
		const struct vmshare_frame *frame = &w->frames->at[i];
		int err = 0;

		if (frame->found)
			err = settle_frame(w->tally, frame);
		if (err)
			return err;
		if (!(i % 1024))
			cond_resched();
	}
	return 0;
}

/*
 * A page that was one VM's own when that was walked, and is merged with another's
 * when the other one is, would seem to be shared with somebody who is no VM. The
 * mappings are changed before the counts are: these are read last of all. Not seen:
 * merges that are as many as the stale items that were dropped meanwhile.
 */
static void note_changes(struct vmshare_tally *tally,
			 struct vmshare_ksm_counts before)
{
	const struct vmshare_ksm_counts now = vmshare_ksm_counts();

	if (now.shared != before.shared || now.sharing != before.sharing)
		tally->changed = true;
}

static int walk_all(struct pages_walk *w)
{
	const struct vmshare_ksm_counts before = vmshare_ksm_counts();
	u32 vm;
	int err;

	for (vm = 0; vm < w->tally->census->nr_vms; vm++) {
		err = walk_vm(w, vm);
		if (err)
			return err;
	}
	err = settle(w);
	note_changes(w->tally, before);
	return err;
}

int vmshare_pages_walk(struct vmshare_tally *tally, struct vmshare_frames *only)
{
	struct pages_walk w = { .tally = tally, .frames = only, .all = !only,
				.tries = VMSHARE_MMLOCK_TRIES };
	struct vmshare_frames all;
	int err = -ENOMEM;

	w.table = kvmalloc(sizeof(*w.table), VMSHARE_GFP_LARGE);
	if (!w.table)
		return -ENOMEM;
	if (!only) {
		if (vmshare_frames_init(&all))
			goto out_table;
		w.frames = &all;
	}
	err = walk_all(&w);
	if (!only)
		vmshare_frames_free(&all);
out_table:
	kvfree(w.table);
	return err;
}
