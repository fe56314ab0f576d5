/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merged memory that never was: KSM's stable tree, its nodes and rmap_items,
 * and the pages behind them, laid out as ksmd would have left them.
 */
#ifndef BENCH_NATIVE_MEMORY_H
#define BENCH_NATIVE_MEMORY_H

#include "kernel.h"

#define MAX_VMS		64
/* KSM's max_page_sharing: more mappings of one content take several frames. */
#define MAX_SHARING	256

/* As in 6.12; both fill one cache line, and their slabs are packed. */
struct stable_node {
	union {
		struct rb_node node;
		struct {
			struct list_head *head;
			struct {
				struct hlist_node hlist_dup;
				struct list_head list;
			};
		};
	};
	struct hlist_head hlist;
	unsigned long kpfn;
	int rmap_hlist_len;
	int nid;
};

struct rmap_item {
	struct rmap_item *rmap_list;
	struct anon_vma *anon_vma;
	struct mm_struct *mm;
	unsigned long address;
	unsigned int oldchecksum;
	u8 age, remaining_skips;
	struct stable_node *head;
	struct hlist_node hlist;
};

_Static_assert(sizeof(struct stable_node) == 64, "as in 6.12");
_Static_assert(sizeof(struct rmap_item) == 64, "as in 6.12");

/* One set of VMs, as the bits of a mask, and what a walk has to find of it. */
struct truth {
	u64 vms;
	u64 frames, mappings;
};

struct memory {
	struct mm_struct *mms;
	struct anon_vma *anon_vmas;
	u32 nr_vms;

	struct rb_root tree;
	struct stable_node *nodes;
	struct rmap_item *items;
	u64 nr_nodes, nr_items;

	struct truth *truths;
	u32 nr_truths;
};

/* In which order ksmd met the pages of a VM, against the order of contents. */
enum order {
	ORDER_SCATTERED,	/* none: contents say nothing of addresses */
	ORDER_ASCENDING,	/* the same, but for the slabs' own disorder */
};

/*
 * Merged memory of nr_vms VMs (a multiple of 4) with so many pages each (a
 * multiple of 128): half of the pages in all VMs, a quarter in pairs, an eighth
 * in fours, an eighth repeated sixteen times in one VM. So many zeros (a multiple
 * of MAX_SHARING) come on top, which are a chain of duplicates. Ends the program
 * for want of memory.
 */
void memory_make(struct memory *memory, u32 nr_vms, u32 pages, u32 zeros,
		 enum order order, u64 seed);

#endif
