// SPDX-License-Identifier: GPL-2.0
/*
 * Places in a stable tree. Between two holds of the mutex any node may have
 * been freed, so no pointer into the tree outlives a hold. What does is order:
 * a tree is sorted by page content and the contents of merged pages never
 * change. So the walk keeps a copy of the last page, and finds the place behind
 * it again in as many steps as the tree is deep.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "tree_walk.h"

/* A page's content, compared with the key or made the key, while it lives. */
static bool with_content(struct tree_walk *w, const void *node,
			 int (*use)(struct tree_walk *w, const void *content),
			 int *result)
{
	unsigned long pfn;
	struct page *page = tree_page_of_node(w, node, &pfn);
	bool alive;
	void *content;

	if (!page || !get_page_unless_zero(page))
		return false;
	alive = tree_page_is_of(page, node);
	if (alive) {
		content = kmap_local_page(page);
		*result = use(w, content);
		kunmap_local(content);
	}
	put_page(page);
	return alive;
}

static int make_key(struct tree_walk *w, const void *content)
{
	memcpy(w->key, content, PAGE_SIZE);
	return 0;
}

static int compare_key(struct tree_walk *w, const void *content)
{
	return memcmp(w->key, content, PAGE_SIZE);
}

/* Use the content of a place in the tree: a node, or a chain of duplicates. */
static bool with_place(struct tree_walk *w, struct rb_node *rb,
		       int (*use)(struct tree_walk *w, const void *content),
		       int *result)
{
	void *node = tree_node_of_rb(w, rb);
	struct hlist_node *dup;

	if (!vmshare_ksm_is_chain(w->ksm, node))
		return with_content(w, node, use, result);
	for (dup = vmshare_ksm_first(w->ksm, node); dup; dup = dup->next)
		if (with_content(w, tree_dup_of_hlist(w, dup), use, result))
			return true;
	return false;
}

bool tree_mark_place(struct tree_walk *w, struct rb_node *rb)
{
	int unused;

	w->again = false;
	return with_place(w, rb, make_key, &unused);
}

/* Is this place behind the key? Return: false if its page is dead. */
static bool is_behind_key(struct tree_walk *w, struct rb_node *rb, bool *behind)
{
	int order;

	if (!with_place(w, rb, compare_key, &order))
		return false;
	*behind = order < 0 || (order == 0 && w->again);
	return true;
}

/*
 * A dead place has no content, but its living neighbours have. If the key lies
 * between these, *@found is the first place behind the one before.
 * Return: as is_behind_key(), false if *@found is the answer.
 */
static bool judge_by_neighbours(struct tree_walk *w, struct rb_node *rb,
				bool *behind, struct rb_node **found)
{
	struct rb_node *next = rb_next(rb), *prev = rb_prev(rb), *first = rb;

	while (next && !is_behind_key(w, next, behind))
		next = rb_next(next);
	if (next && !*behind)
		return true;
	for (; prev && !is_behind_key(w, prev, behind); prev = rb_prev(prev))
		first = prev;
	if (prev && *behind)
		return true;
	*found = first;
	return false;
}

struct rb_node *tree_place_behind(struct tree_walk *w,
				  const struct rb_root *root)
{
	struct rb_node *rb = root->rb_node, *found = NULL;
	bool behind;

	while (rb) {
		if (!is_behind_key(w, rb, &behind) &&
		    !judge_by_neighbours(w, rb, &behind, &found))
			return found;
		if (behind)
			found = rb;
		rb = behind ? rb->rb_left : rb->rb_right;
	}
	return found;
}

