// SPDX-License-Identifier: GPL-2.0
/*
 * Places in a stable tree. Between two holds of the mutex any node may have
 * been freed, so no pointer into the tree outlives a hold. What does is order:
 * a tree is sorted by page content. So the walk keeps a reference on the last
 * page, and finds the place behind it again in as many steps as the tree is deep.
 *
 * The page's content is what KSM compared it by for as long as we hold it: a
 * merged page is never written to, whoever writes gets a copy, and a page with a
 * reference is not given to anybody else when its last mapping goes.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/highmem.h"
#include "tree_walk.h"

/*
 * The page of a node with a reference of the caller's, or NULL if it is dead, or has
 * failed: then its content may not be read, and to read it may end the machine.
 */
static struct page *get_page_of_node(struct tree_walk *w, const void *node)
{
	unsigned long pfn;
	struct page *page = tree_page_of_node(w, node, &pfn);

	if (!page || PageHWPoison(page) || !get_page_unless_zero(page))
		return NULL;
	if (tree_page_is_of(page, node))
		return page;
	put_page(page);
	return NULL;
}

/* The same for a place in the tree: a node, or a chain of duplicates. */
static struct page *get_page_of_place(struct tree_walk *w, struct rb_node *rb)
{
	void *node = tree_node_of_rb(w, rb);
	struct hlist_node *dup;
	struct page *page;
	u32 entries = 0;

	if (!vmshare_ksm_is_chain(w->ksm, node))
		return get_page_of_node(w, node);
	for (dup = vmshare_ksm_first(w->ksm, node); dup; dup = dup->next) {
		page = get_page_of_node(w, tree_dup_of_hlist(w, dup));
		if (page)
			return page;
		if (tree_list_overdue(w, ++entries))
			break;	/* its living ones may be behind thousands of dead */
	}
	return NULL;
}

void tree_forget_place(struct tree_walk *w)
{
	if (w->key)
		put_page(w->key);
	w->key = NULL;
}

bool tree_mark_place(struct tree_walk *w, struct rb_node *rb)
{
	struct page *page = get_page_of_place(w, rb);

	if (!page)
		return false;
	tree_forget_place(w);
	w->key = page;
	w->again = false;
	return true;
}

static int compare_pages(struct page *a, struct page *b)
{
	const void *content_a = kmap_local_page(a);
	const void *content_b = kmap_local_page(b);
	int order = memcmp(content_a, content_b, PAGE_SIZE);

	kunmap_local(content_b);
	kunmap_local(content_a);
	return order;
}

/* Is this place behind the key? Return: false if its page is dead. */
static bool is_behind_key(struct tree_walk *w, struct rb_node *rb, bool *behind)
{
	struct page *page = get_page_of_place(w, rb);
	int order;

	if (!page)
		return false;
	order = compare_pages(w->key, page);
	put_page(page);
	*behind = order < 0 || (order == 0 && w->again);
	return true;
}

/*
 * The nearest living place from @rb on in one direction, and whether it is behind
 * the key. Return: NULL if there is none, -EXFULL if so many are dead that the
 * mutex cannot be held for as long as it takes to find one.
 */
static struct rb_node *living_place(struct tree_walk *w, struct rb_node *rb,
				    struct rb_node *(*step)(const struct rb_node *),
				    bool *behind)
{
	for (; rb; rb = step(rb)) {
		if (is_behind_key(w, rb, behind))
			return rb;
		if (tree_overdue(w))
			return ERR_PTR(-EXFULL);
	}
	return NULL;
}

/*
 * A dead place has no content, but its living neighbours have. If the key lies
 * between these, *@found is the first place behind the one before.
 * Return: as is_behind_key(), false if *@found is the answer, or an error; else
 * *@found stays.
 */
static bool judge_by_neighbours(struct tree_walk *w, const struct rb_root *root,
				struct rb_node *rb, bool *behind,
				struct rb_node **found)
{
	struct rb_node *next = living_place(w, rb_next(rb), rb_next, behind), *prev;

	if (IS_ERR(next)) {
		*found = next;
		return false;
	}
	if (next && !*behind)
		return true;
	prev = living_place(w, rb_prev(rb), rb_prev, behind);
	if (IS_ERR(prev)) {
		*found = prev;
		return false;
	}
	if (prev && *behind)
		return true;
	if (w->again) {		/* all before the key's own place is done */
		*found = next;
		return false;
	}
	*found = prev ? rb_next(prev) : rb_first(root);
	return false;
}

struct rb_node *tree_place_behind(struct tree_walk *w,
				  const struct rb_root *root)
{
	struct rb_node *rb = root->rb_node, *found = NULL;
	bool behind;

	if (PageHWPoison(w->key))	/* its content may not be read any more */
		return ERR_PTR(-EXFULL);
	while (rb) {
		if (!is_behind_key(w, rb, &behind) &&
		    !judge_by_neighbours(w, root, rb, &behind, &found))
			return found;
		if (behind)
			found = rb;
		rb = behind ? rb->rb_left : rb->rb_right;
	}
	return found;
}

