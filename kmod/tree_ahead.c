// SPDX-License-Identifier: GPL-2.0
/*
 * Looking ahead. A walk over lists waits for memory at every link, and what the
 * walk does with one item keeps the CPU from getting to the next by itself. So
 * the lists of the next nodes are followed beforehand, all of them a link at a
 * time: their cache misses then overlap, with each other and with the work.
 *
 * Nothing is decided here and nothing is kept from one hold to the next.
 */
#include <linux/mm.h>

#include "tree_walk.h"

/*
 * Not the kernel's prefetch(): on x86 that one keeps lines out of all but the
 * smallest cache, which the lists ahead do not fit into.
 */
static void fetch(const void *line)
{
	__builtin_prefetch(line);
}

void tree_ahead_reset(struct tree_walk *w)
{
	w->ahead.place = NULL;
	w->ahead.nr_lists = 0;
	w->ahead.items = w->tally->items;
}

/* One link further on every list. */
static void follow_lists(struct tree_ahead *a)
{
	u32 nr = 0, i;

	for (i = 0; i < a->nr_lists; i++) {
		const struct hlist_node *next = a->lists[i]->next;

		fetch(next);
		a->lists[nr] = next;
		nr += !!next;
	}
	a->nr_lists = nr;
}

/* As far as the walk itself has got since the last time: where lists are long,
 * it is to find all of them fetched too.
 */
void tree_ahead_follow(struct tree_walk *w)
{
	struct tree_ahead *a = &w->ahead;
	u32 links = (w->tally->items - a->items) / TREE_AHEAD;

	a->items = w->tally->items;
	do
		follow_lists(a);
	while (links--);
}

void tree_ahead_node(struct tree_walk *w, const void *node)
{
	struct tree_ahead *a = &w->ahead;
	const struct hlist_node *first = vmshare_ksm_first(w->ksm, node);

	if (!vmshare_ksm_is_chain(w->ksm, node))
		fetch(pfn_to_page(vmshare_ksm_kpfn(w->ksm, node)));
	if (!first || a->nr_lists == TREE_AHEAD)
		return;
	fetch(first);
	a->lists[a->nr_lists++] = first;
}

/*
 * rb_next(), with the way to the one after it fetched: going down, all that hangs
 * to the right of the way; coming up again, that is here, and the next line down.
 */
static struct rb_node *next_place(struct rb_node *rb)
{
	if (!rb->rb_right) {
		rb = rb_next(rb);
		if (rb && rb->rb_right)
			fetch(rb->rb_right->rb_left);
		return rb;
	}
	rb = rb->rb_right;
	fetch(rb->rb_right);
	while (rb->rb_left) {
		rb = rb->rb_left;
		fetch(rb->rb_right);
	}
	return rb;
}

static void look_ahead(struct tree_walk *w)
{
	struct rb_node *place = w->ahead.place;

	if (!place)
		return;
	tree_ahead_node(w, tree_node_of_rb(w, place));
	w->ahead.place = next_place(place);
}

void tree_ahead_start(struct tree_walk *w, struct rb_node *rb)
{
	u32 i;

	tree_ahead_reset(w);
	w->ahead.place = rb;
	for (i = 0; i < TREE_AHEAD; i++) {
		look_ahead(w);
		follow_lists(&w->ahead);
	}
}

void tree_ahead_step(struct tree_walk *w)
{
	tree_ahead_follow(w);
	look_ahead(w);
}
