/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the tree engine share: the state of one walk.
 *
 *	tree.c		the trees, and the way through them
 *	tree_hold.c	KSM's mutex: room made before, time kept while it is held
 *	tree_node.c	one node: who maps its frame
 *	tree_place.c	places in a tree, to go on from after a pause
 */
#ifndef _VMSHARE_TREE_WALK_H
#define _VMSHARE_TREE_WALK_H

#include <linux/hash.h>
#include <linux/mm_types.h>
#include <linux/rbtree.h>

#include "compat/ksm.h"
#include "frames.h"
#include "tally.h"

/* A VM in the walk. */
struct member {
	struct anon_vma *plain;	/* proven plain in hold number @hold */
	u64 hold;
	u32 count;		/* its mappings of the node at hand */
};

struct vm_by_mm {
	const struct mm_struct *mm;
	u32 vm;
};

/* A node to come back to: alive only if its page still points at it. */
struct listed_node {
	void *node;
	unsigned long pfn;
};

struct tree_walk {
	const struct vmshare_ksm *ksm;
	struct vmshare_tally *tally;
	struct vmshare_frames left_over;	/* for the pages engine */

	struct member *members;		/* by VM */
	struct vm_by_mm *by_mm;		/* open addressing, at most half full */
	u32 by_mm_bits;
	struct vm_by_mm last;		/* looked up last */

	bool holding;
	u64 hold, since;		/* number and start of this hold */
	u32 nodes_left;			/* there is room for */
	s32 items_to_look;		/* until the clock is read again */
	bool spent;			/* time to pause */
	unsigned long shared, sharing;	/* KSM's counters when it was let go */

	void *key;			/* a page's content: go on behind it, */
	bool again;			/* or with it once more */
	struct listed_node *batch;
	u32 batch_room, batch_wanted;
};

/* Take the mutex. Return: 0, -ENOMEM, -EINTR, -EBUSY (memory off-lining). */
int tree_hold(struct tree_walk *w);
void tree_let_go(struct tree_walk *w);

/* Pause: both of these, with the walk's state kept. */
int tree_pause(struct tree_walk *w);

/* Work was done that costs as much as looking at so many items. */
void tree_count_work(struct tree_walk *w, u32 items);

/* May the mutex not be held any longer, even to find a place to pause at? */
bool tree_overdue(const struct tree_walk *w);

/* Attribute the frame of a node. Return: 0 or -ENOMEM. */
int tree_look_at_node(struct tree_walk *w, void *node);

/* Count a node whose page is gone: all its items are stale. */
void tree_count_dead(struct tree_walk *w, const void *node);

/* Is what was listed before a pause still a node? */
bool tree_is_alive(const struct listed_node *l);

/* Does the page say that @node is its node? */
static inline bool tree_page_is_of(const struct page *page, const void *node)
{
	return (unsigned long)READ_ONCE(page->mapping) ==
	       ((unsigned long)node | VMSHARE_KSM_MAPPING);
}

/* The page of what certainly is a node, or NULL if it has none any more. */
struct page *tree_page_of_node(struct tree_walk *w, const void *node,
			       unsigned long *pfn);

static inline void *tree_node_of_rb(const struct tree_walk *w,
				    struct rb_node *rb)
{
	return (void *)rb - w->ksm->node_rb;
}

static inline void *tree_dup_of_hlist(const struct tree_walk *w,
				      struct hlist_node *n)
{
	return (void *)n - w->ksm->node_hlist_dup;
}

/* Where an address space is in by_mm, or the empty place where it would be. */
static inline u32 tree_place_of_mm(const struct tree_walk *w,
				   const struct mm_struct *mm)
{
	u32 i = hash_ptr(mm, w->by_mm_bits);

	while (w->by_mm[i].mm && w->by_mm[i].mm != mm)
		i = (i + 1) & ((1U << w->by_mm_bits) - 1);
	return i;
}

/* Remember this place to go on behind it. Return: false if its page is dead. */
bool tree_mark_place(struct tree_walk *w, struct rb_node *rb);

/* The first place of a tree behind the remembered one, or NULL. */
struct rb_node *tree_place_behind(struct tree_walk *w,
				  const struct rb_root *root);

#endif
