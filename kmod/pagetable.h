/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_PAGETABLE_H
#define _VMSHARE_PAGETABLE_H

#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/types.h>

/**
 * vmshare_maps_frame() - does an address space map this frame at this address?
 * @mm: the address space; the structure must be referenced, users need not be
 * @addr: page aligned
 * @pfn: the frame
 *
 * Never faults anything in and never waits for the mmap lock, so that it may be
 * called under KSM's mutex.
 *
 * Return: 1 or 0, -EAGAIN if the mmap lock was taken.
 */
int vmshare_maps_frame(struct mm_struct *mm, unsigned long addr,
		       unsigned long pfn);

/**
 * vmshare_mapcount_now() - how many page-table entries map a merged frame now
 * @key: its key, see frames.h
 * @pfn: where it was seen
 *
 * Return: 0 if it is not there any more.
 */
u32 vmshare_mapcount_now(unsigned long key, unsigned long pfn);

/* What one page table, or one huge page, holds of interest. */
struct vmshare_table {
	u32 anon;	/* resident anonymous pages, merged ones included */
	u32 migrating;	/* entries of pages that are being moved */
	u32 entries;	/* page-table entries looked at */
	u32 nr;		/* merged ones, below */
	struct {
		unsigned long key;	/* see frames.h */
		unsigned long pfn;
		u32 mapcount;
	} merged[PTRS_PER_PTE];
};

/**
 * vmshare_table_next() - read the next page table of an address space
 * @mm: with its mmap lock held for reading
 * @addr: where to go on; moved behind what was read
 * @table: filled; with nothing, where it passed through a hole or by so many mappings
 *	that the lock may have been held for long enough
 *
 * Only inside mappings of private memory: page tables outside may be freed
 * under the read lock.
 *
 * Return: false at the end of the address space.
 */
bool vmshare_table_next(struct mm_struct *mm, unsigned long *addr,
			struct vmshare_table *table);

#endif
