// SPDX-License-Identifier: GPL-2.0
/*
 * The tree engine: every node of KSM's stable trees, and the processes on it.
 *
 * A node stands for one merged frame. Its rmap_items say which process was
 * merged into it at which address, and they are hints only: an item stays when
 * its mapping was broken by a write or went away, until ksmd passes again; and
 * a mapping that fork() copied has no item. So a node is certified or checked:
 *
 * certified  There are as many items as the frame has mappings, and no item's
 *	memory is forked, or was ever swapped. Then every mapping is an item's,
 *	each item has at most one, so each has exactly one: nothing is stale.
 *	Cost: one cache line per item and one for the frame.
 * checked    Else each item is looked up in its page table. If the mappings
 *	found are all that the frame has, the node is done.
 * left over  Else some mapping has no item (or a lock was taken). These frames
 *	are attributed by the VMs' page tables afterwards.
 *
 * Lock: ksm_thread_mutex, under which nothing of this changes but a node's
 * kpfn. It is held for VMSHARE_HOLD_NS at a time. A tree is sorted by page
 * content, and contents never change, so the last page is the place to go on
 * from, whatever was added or removed meanwhile.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "large.h"
#include "pages.h"
#include "tree.h"
#include "tree_walk.h"

#define FIRST_BATCH	4096

/* Dead nodes are done with at once: there is no way back to them later. */
static void list_node(struct tree_walk *w, u32 *nr, void *node)
{
	unsigned long pfn;

	if (!tree_page_of_node(w, node, &pfn)) {
		tree_count_dead(w, node);
		return;
	}
	if (*nr < w->batch_room)
		w->batch[*nr] = (struct listed_node) { node, pfn };
	(*nr)++;
}

/*
 * Look ahead to listed nodes up to number @to. After a pause only those are
 * touched that are still alive. Return: the first one that is not looked at yet.
 */
static u32 look_ahead_in_batch(struct tree_walk *w, u32 from, u32 to, bool paused)
{
	for (; from < to; from++)
		if (!paused || tree_is_alive(&w->batch[from]))
			tree_ahead_node(w, w->batch[from].node);
	tree_ahead_follow(w);
	return from;
}

/* Look at listed nodes; *@paused: the mutex was let go in between. */
static int look_at_batch(struct tree_walk *w, u32 nr, bool *paused)
{
	u32 i, ahead = 0;
	int err;

	for (i = 0; i < nr; i++) {
		ahead = look_ahead_in_batch(w, max(ahead, i),
					    min(nr, i + TREE_AHEAD), *paused);
		if (*paused && !tree_is_alive(&w->batch[i])) {
			w->tally->changed = true;
			continue;
		}
		err = tree_look_at_node(w, w->batch[i].node);
		if (err)
			return err;
		if (!w->spent)
			continue;
		*paused = true;
		err = tree_pause(w);
		if (err)
			return err;
	}
	return 0;
}

/* Return: whether it is time, and possible, to pause behind this place. */
static int should_pause(struct tree_walk *w, struct rb_node *rb)
{
	if (!w->spent)
		return false;
	if (tree_mark_place(w, rb))
		return true;
	return tree_overdue(w) ? -EXFULL : false;
}

/* What dead nodes count for: not twice where a list is made twice. */
struct dead_counts {
	u64 nodes, items, stale_items;
};

static struct dead_counts dead_counts(const struct vmshare_tally *tally)
{
	return (struct dead_counts) {
		.nodes = tally->nodes,
		.items = tally->items,
		.stale_items = tally->stale_items,
	};
}

/* Room for a list that did not fit; go on with the same place after that. */
static int grow_batch(struct tree_walk *w, u32 wanted, struct dead_counts before)
{
	w->tally->nodes = before.nodes;
	w->tally->items = before.items;
	w->tally->stale_items = before.stale_items;
	w->batch_wanted = wanted + wanted / 8;
	return tree_pause(w);
}

/*
 * One content on several frames, listed in one go. If none is alive there is
 * nothing to look at, else the first of them marks the place; if none can (pages on
 * their way out, or to another frame) the place is passed by.
 */
static int look_at_chain(struct tree_walk *w, struct rb_node *rb, bool *paused)
{
	struct dead_counts before = dead_counts(w->tally);
	void *chain = tree_node_of_rb(w, rb);
	struct hlist_node *dup;
	u32 nr = 0, looked = 0;

	for (dup = vmshare_ksm_first(w->ksm, chain); dup; dup = dup->next) {
		list_node(w, &nr, tree_dup_of_hlist(w, dup));
		if (tree_list_overdue(w, ++looked))
			return -EXFULL;
	}
	if (!nr)	/* a dead place: nothing to pause at */
		return min(should_pause(w, rb), 0);
	if (!tree_mark_place(w, rb)) {
		w->tally->changed = true;
		return min(should_pause(w, rb), 0);
	}
	if (nr > w->batch_room) {
		w->again = true;
		*paused = true;
		return grow_batch(w, nr, before);
	}
	return look_at_batch(w, nr, paused);
}

static int look_at_place(struct tree_walk *w, struct rb_node *rb, bool *paused)
{
	void *node = tree_node_of_rb(w, rb);
	int err;

	if (vmshare_ksm_is_chain(w->ksm, node))
		return look_at_chain(w, rb, paused);
	err = tree_look_at_node(w, node);
	if (err)
		return err;
	err = should_pause(w, rb);
	if (err <= 0)
		return err;
	*paused = true;
	return tree_pause(w);
}

static int walk_tree(struct tree_walk *w, int tree)
{
	struct rb_node *rb = rb_first(&(*w->ksm->stable_trees)[tree]);

	tree_ahead_start(w, rb);
	while (rb) {
		bool paused = false;
		int err;

		tree_ahead_step(w);
		err = look_at_place(w, rb, &paused);
		if (err)
			return err;
		if (!paused) {
			rb = rb_next(rb);
			continue;
		}
		if (tree >= vmshare_ksm_nr_trees(w->ksm))
			break;	/* the trees were rebuilt meanwhile */
		rb = tree_place_behind(w, &(*w->ksm->stable_trees)[tree]);
		if (IS_ERR(rb))
			return PTR_ERR(rb);
		tree_ahead_start(w, rb);
	}
	return 0;
}

/* Nodes that wait to be put into another NUMA node's tree. */
static int walk_migrating(struct tree_walk *w)
{
	struct dead_counts before;
	struct list_head *at;
	bool paused = false;
	u32 nr, looked;
	int err;

	for (;;) {
		before = dead_counts(w->tally);
		nr = looked = 0;
		list_for_each(at, w->ksm->migrate_nodes) {
			list_node(w, &nr, (void *)at - w->ksm->node_list);
			if (tree_list_overdue(w, ++looked))
				return -EXFULL;
		}
		if (nr <= w->batch_room)
			return look_at_batch(w, nr, &paused);
		err = grow_batch(w, nr, before);
		if (err)
			return err;
	}
}

/*
 * Each item is in one of KSM's two counters. A node that ksmd moved to another
 * tree during a pause changes none of them, and may have been seen twice, or not.
 */
static void count_again(struct tree_walk *w)
{
	if (w->tally->items != READ_ONCE(*w->ksm->pages_shared) +
			       READ_ONCE(*w->ksm->pages_sharing))
		w->tally->changed = true;
}

static int walk_trees(struct tree_walk *w)
{
	int tree, err;

	err = tree_hold(w);
	if (err)
		return err;
	for (tree = 0; !err && tree < vmshare_ksm_nr_trees(w->ksm); tree++)
		err = walk_tree(w, tree);
	if (!err)
		err = walk_migrating(w);
	if (!err)
		count_again(w);
	return err;
}

static int know_vms(struct tree_walk *w)
{
	const struct vmshare_census *census = w->tally->census;
	u32 vm;

	w->member_bits = ilog2(roundup_pow_of_two(2 * census->nr_vms + 2));
	w->members = kvcalloc(1U << w->member_bits, sizeof(*w->members),
			      VMSHARE_GFP_LARGE);
	w->on_node = kvcalloc(census->nr_vms + 1, sizeof(*w->on_node),
			      VMSHARE_GFP_LARGE);
	if (!w->members || !w->on_node)
		return -ENOMEM;
	for (vm = 0; vm < census->nr_vms; vm++) {
		const struct mm_struct *mm = census->vms[vm].mm;

		*tree_member(w, mm) = (struct member) { .mm = mm, .vm = vm };
	}
	return 0;
}

/* The VMs' own counts, before the pages engine adds what was left over. */
static void note_mappings(struct tree_walk *w)
{
	u32 i;

	for (i = 0; i < 1U << w->member_bits; i++)
		if (w->members[i].mm)
			w->tally->ksm_mappings[w->members[i].vm] =
				w->members[i].mappings;
}

static int prepare(struct tree_walk *w)
{
	w->batch_wanted = FIRST_BATCH;
	if (vmshare_frames_init(&w->left_over))
		return -ENOMEM;
	return know_vms(w);
}

static void clean_up(struct tree_walk *w)
{
	vmshare_frames_free(&w->left_over);
	kvfree(w->on_node);
	kvfree(w->members);
	kvfree(w->batch);
	tree_forget_place(w);
}

/* It may wait for a VM's lock: no page is kept from being off-lined meanwhile. */
static int attribute_left_over(struct tree_walk *w)
{
	int err;

	tree_forget_place(w);
	err = vmshare_pages_walk(w->tally, &w->left_over);
	tree_note_changes(w);
	return err;
}

int vmshare_tree_walk(struct vmshare_tally *tally)
{
	struct tree_walk w = { .ksm = vmshare_ksm(), .tally = tally };
	int err = prepare(&w);

	if (!err)
		err = walk_trees(&w);
	if (w.holding)
		tree_let_go(&w);
	if (!err)
		note_mappings(&w);
	if (!err && w.left_over.nr)
		err = attribute_left_over(&w);
	clean_up(&w);
	return err;
}
