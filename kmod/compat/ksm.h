/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KSM's private structures as the tree engine needs them: the addresses of a
 * few variables of mm/ksm.c and the offsets of a few members of its structures,
 * both taken from the running kernel at load time. Nothing here is written to.
 */
#ifndef _VMSHARE_COMPAT_KSM_H
#define _VMSHARE_COMPAT_KSM_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/* In <rmap_hlist_len> of a node that heads a chain of duplicates. */
#define VMSHARE_KSM_CHAIN	(-1024)
/* In ksm_run, while memory is being off-lined. */
#define VMSHARE_KSM_OFFLINE	4
/* The two low bits of page->mapping of a KSM page; the rest is its node. */
#define VMSHARE_KSM_MAPPING	3UL

struct vmshare_ksm {
	struct mutex *thread_mutex;	/* serialises all changes below */
	struct rb_root **stable_trees;
	struct list_head *migrate_nodes;
	int *nr_trees;			/* NULL without NUMA: one */
	unsigned long *run;
	unsigned long *pages_shared;	/* these two only tell of change */
	unsigned long *pages_sharing;

	/* stable node */
	int node_rb;
	int node_hlist_dup;
	int node_list;
	int node_hlist;
	int node_kpfn;
	int node_len;
	/* rmap_item */
	int item_mm;
	int item_anon_vma;
	int item_address;
	int item_hlist;
};

/**
 * vmshare_ksm_init() - find KSM's variables and layouts
 *
 * Return: NULL if all is there, else a sentence that names what is missing. It
 * stays valid until the module goes.
 */
const char *vmshare_ksm_init(void);

/* All found? Only then may the accessors be used. */
const struct vmshare_ksm *vmshare_ksm(void);

/* KSM's own, which change when pages are merged; 0 where they were not found. */
struct vmshare_ksm_counts {
	unsigned long shared, sharing;
};

struct vmshare_ksm_counts vmshare_ksm_counts(void);

static inline int vmshare_ksm_nr_trees(const struct vmshare_ksm *k)
{
	return k->nr_trees ? READ_ONCE(*k->nr_trees) : 1;
}

static inline bool vmshare_ksm_is_chain(const struct vmshare_ksm *k,
					const void *node)
{
	return *(const int *)(node + k->node_len) == VMSHARE_KSM_CHAIN;
}

/* How many items a node has that is no chain. */
static inline u32 vmshare_ksm_nr_items(const struct vmshare_ksm *k,
				       const void *node)
{
	return *(const int *)(node + k->node_len);
}

static inline struct hlist_node *
vmshare_ksm_first(const struct vmshare_ksm *k, const void *node)
{
	return ((const struct hlist_head *)(node + k->node_hlist))->first;
}

static inline unsigned long vmshare_ksm_kpfn(const struct vmshare_ksm *k,
					     const void *node)
{
	return READ_ONCE(*(const unsigned long *)(node + k->node_kpfn));
}

/* The item whose link in its node's list this is. */
static inline const void *vmshare_ksm_item(const struct vmshare_ksm *k,
					   const struct hlist_node *link)
{
	return (const void *)link - k->item_hlist;
}

static inline struct mm_struct *vmshare_ksm_item_mm(const struct vmshare_ksm *k,
						    const void *item)
{
	return *(struct mm_struct * const *)(item + k->item_mm);
}

static inline struct anon_vma *
vmshare_ksm_item_anon_vma(const struct vmshare_ksm *k, const void *item)
{
	return *(struct anon_vma * const *)(item + k->item_anon_vma);
}

/* The low bits of an item's address hold KSM's own flags. */
static inline unsigned long vmshare_ksm_item_address(const struct vmshare_ksm *k,
						     const void *item)
{
	return *(const unsigned long *)(item + k->item_address) & PAGE_MASK;
}

#endif
