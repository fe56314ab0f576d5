/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the tree engine share: the state of one walk.
 *
 *	tree.c		the trees, and the way through them
 *	tree_hold.c	KSM's mutex: room made before, time kept while it is held
 *	tree_node.c	one node: who maps its frame
 *	tree_place.c	places in a tree, to go on from after a pause
 *	tree_ahead.c	fetching what is looked at next into the caches
 */
#ifndef _VMSHARE_TREE_WALK_H
#define _VMSHARE_TREE_WALK_H

#include <linux/hash.h>
#include <linux/mm_types.h>
#include <linux/rbtree.h>

#include "compat/ksm.h"
#include "frames.h"
#include "tally.h"

/* A VM in the walk, found by its address space. */
struct member {
	const struct mm_struct *mm;	/* NULL: an empty place of the table */
	struct anon_vma *plain;		/* proven plain in this hold, or NULL */
	u64 mappings;			/* on all nodes so far, */
	u64 before;			/* and without the last one that it maps */
	u32 vm;
	u32 node;			/* stamp of that node */
};

/* A node to come back to: alive only if its page still points at it. */
struct listed_node {
	void *node;
	unsigned long pfn;
};

/* So many nodes ahead. */
#define TREE_AHEAD	16

struct tree_ahead {
	struct rb_node *place;		/* the next one to look ahead to */
	const struct hlist_node *lists[TREE_AHEAD];	/* how far followed */
	u32 nr_lists;
	u64 items;			/* the walk had looked at so far */
};

struct tree_walk {
	const struct vmshare_ksm *ksm;
	struct vmshare_tally *tally;
	struct vmshare_frames left_over;	/* for the pages engine */

	struct member *members;		/* open addressing, at most half full */
	u32 member_bits;
	struct member **on_node;	/* those on the node at hand */

	bool holding;
	u64 hold, since;		/* number and start of this hold */
	u32 nodes_left;			/* there is room for */
	s32 items_to_look;		/* until the clock is read again */
	bool spent;			/* time to pause */
	unsigned long shared, sharing;	/* KSM's counters when it was let go */

	struct page *key;		/* go on behind its content, */
	bool again;			/* or with it once more */
	struct listed_node *batch;
	u32 batch_room, batch_wanted;

	struct tree_ahead ahead;
};

/* Take the mutex. Return: 0, -ENOMEM, -EINTR, -EBUSY (memory off-lining). */
int tree_hold(struct tree_walk *w);
void tree_let_go(struct tree_walk *w);

/* Have KSM's counters changed since it was let go? Then nothing is of one instant. */
void tree_note_changes(struct tree_walk *w);

/* Pause: both of these, with the walk's state kept. */
int tree_pause(struct tree_walk *w);

/* Work was done that costs as much as looking at so many items. */
void tree_count_work(struct tree_walk *w, u32 items);

/* May the mutex not be held any longer, even to find a place to pause at? */
bool tree_overdue(const struct tree_walk *w);

/* The same for the making of a list, which so many entries have been looked at for. */
bool tree_list_overdue(const struct tree_walk *w, u32 entries);

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

/* The VM with that address space, or an empty place of the table. */
static inline struct member *tree_member(const struct tree_walk *w,
					 const struct mm_struct *mm)
{
	u32 i = hash_ptr(mm, w->member_bits);

	while (w->members[i].mm != mm && w->members[i].mm)
		i = (i + 1) & ((1U << w->member_bits) - 1);
	return &w->members[i];
}

/*
 * What was proven of the VMs' memory holds only until the mutex is let go, before which it
 * is looked at once more.
 */
void tree_doubt_members(struct tree_walk *w);

/*
 * Remember this place to go on behind it, instead of the one before. Return:
 * false if its page is dead. The reference on the page is the walk's until
 * tree_forget_place().
 */
bool tree_mark_place(struct tree_walk *w, struct rb_node *rb);
void tree_forget_place(struct tree_walk *w);

/*
 * The first place of a tree behind the remembered one, or NULL; -EXFULL if too
 * many are dead.
 */
struct rb_node *tree_place_behind(struct tree_walk *w,
				  const struct rb_root *root);

/* Nothing is ahead: in a new hold, or of no use any more. */
void tree_ahead_reset(struct tree_walk *w);

/* Look ahead through a tree, from @rb on; then once for each place looked at. */
void tree_ahead_start(struct tree_walk *w, struct rb_node *rb);
void tree_ahead_step(struct tree_walk *w);

/* Look ahead to one node, and follow the lists of those ahead. */
void tree_ahead_node(struct tree_walk *w, const void *node);
void tree_ahead_follow(struct tree_walk *w);

#endif
