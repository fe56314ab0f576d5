// SPDX-License-Identifier: GPL-2.0
/*
 * One stable node of KSM: is its page alive, and which processes map it?
 * tree.c says what a certified and a checked node is.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/rmap.h>

#include "pagetable.h"
#include "tree_walk.h"

/* A check against a page table costs as much as this many items. */
#define CHECK_WEIGHT	16

/*
 * The page of a node that is certainly a node, or NULL if it has none any more.
 * Migration changes kpfn without the mutex: then look again.
 */
struct page *tree_page_of_node(struct tree_walk *w, const void *node,
			       unsigned long *pfn)
{
	struct page *page;

	do {
		*pfn = vmshare_ksm_kpfn(w->ksm, node);
		page = pfn_to_page(*pfn);
		if (tree_page_is_of(page, node))
			return page;
		smp_rmb();	/* the page's mapping before kpfn once more */
	} while (*pfn != vmshare_ksm_kpfn(w->ksm, node));
	return NULL;
}

/*
 * Is what was listed in an earlier hold still a node? A node is freed only when
 * its page is, under the mutex. The page's last reference may just have gone
 * while its mapping still shows the node; so references first, mapping after.
 */
bool tree_is_alive(const struct listed_node *l)
{
	struct page *page = pfn_to_online_page(l->pfn);

	if (!page || !page_ref_count(page))
		return false;
	smp_rmb();	/* references before the mapping */
	return tree_page_is_of(page, l->node);
}

static u32 mapcount_of(const struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

/*
 * Was the mapcount the node's? Its last mapping may have gone since the page was
 * looked up, and the page with it; or the page has moved.
 */
static bool still_is_of(const struct page *page, const void *node)
{
	smp_rmb();	/* the mapcount before the page's mapping */
	return tree_page_is_of(page, node);
}

/*
 * Can the frames under this anon_vma have mappings without rmap_items?
 * fork() makes a child of the parent's anon_vma, and a page that was swapped
 * out may be mapped again after ksmd dropped its item (once a page of it was
 * swapped, an mm is on a list of such). A root without children belongs to one
 * address space alone, however often its mappings were split.
 */
static bool is_plain(const struct anon_vma *av, const struct mm_struct *mm)
{
#ifdef VMSHARE_HAVE_ANON_VMA_CHILDREN
	return READ_ONCE(av->root) == av && READ_ONCE(av->num_children) == 1 &&
	       list_empty_careful(&mm->mmlist);
#else
	return false;
#endif
}

/*
 * fork() does not take the mutex: what was believed because it was plain is so if it is
 * plain in the end, unless the child has ended as well. Only items keep the anon_vma, so
 * the mutex is held.
 */
static void doubt(struct tree_walk *w, struct member *m)
{
	if (m->plain && !is_plain(m->plain, m->mm))
		w->tally->changed = true;
	m->plain = NULL;
}

/* The same, remembered for the VM's last one until the mutex is let go. */
static bool prove_plain(struct tree_walk *w, struct member *m, struct anon_vma *av)
{
	doubt(w, m);
	if (!is_plain(av, m->mm))
		return false;
	m->plain = av;
	return true;
}

void tree_doubt_members(struct tree_walk *w)
{
	u32 i;

	for (i = 0; i < 1U << w->member_bits; i++)
		doubt(w, &w->members[i]);
}

/* One node's holders, as its items or the page tables tell. */
struct holders {
	u32 items;
	u32 mappings;		/* of VMs and others */
	u32 vm_mappings;
	bool plain;
	bool unsure;		/* a page table could not be looked at */
	bool dying;		/* some have mappings of nobody's, for a moment */
};

/* Where an item's members are, seen from its link in the list. */
struct item_layout {
	long mm, anon_vma;
};

static inline struct item_layout item_layout(const struct vmshare_ksm *k)
{
	return (struct item_layout) {
		.mm = k->item_mm - k->item_hlist,
		.anon_vma = k->item_anon_vma - k->item_hlist,
	};
}

static void begin_holders(struct tree_walk *w, struct holders *h)
{
	*h = (struct holders) { .plain = true };
	vmshare_sets_begin(&w->tally->sets);
}

/* One more mapping of a VM on the node at hand. */
static __always_inline void add_mapping(struct tree_walk *w, struct member *m)
{
	struct vmshare_sets *sets = &w->tally->sets;

	if (m->node != sets->stamp) {
		m->node = sets->stamp;
		m->before = m->mappings;
		w->on_node[sets->nr_ids] = m;
		vmshare_sets_add(sets, m->vm);
	}
	m->mappings++;
}

/* What was gathered for the node at hand is not so. */
static void drop_mappings(struct tree_walk *w)
{
	u32 i;

	for (i = 0; i < w->tally->sets.nr_ids; i++)
		w->on_node[i]->mappings = w->on_node[i]->before;
}

/* Take every item at its word. */
static void gather_items(struct tree_walk *w, const void *node,
			 struct holders *h)
{
	const struct item_layout layout = item_layout(w->ksm);
	struct hlist_node *at = vmshare_ksm_first(w->ksm, node);
	u32 items = 0, others = 0;
	bool plain = true, dying = false;

	begin_holders(w, h);
	for (; at; at = at->next, items++) {
		struct mm_struct *mm = *(void **)((void *)at + layout.mm);
		struct anon_vma *av = *(void **)((void *)at + layout.anon_vma);
		struct member *m = tree_member(w, mm);

		if (unlikely(!m->mm)) {
			plain &= is_plain(av, mm);
			dying |= vmshare_is_dying(mm);
			others++;
			continue;
		}
		add_mapping(w, m);
		if (unlikely(m->plain != av))
			plain &= prove_plain(w, m, av);
	}
	h->items = items;
	h->mappings = items;
	h->vm_mappings = items - others;
	h->plain = plain;
	h->dying = dying;
}

/* Take only items whose page table maps the frame. */
static void check_items(struct tree_walk *w, const void *node,
			unsigned long pfn, struct holders *h)
{
	const struct vmshare_ksm *k = w->ksm;
	struct hlist_node *at = vmshare_ksm_first(k, node);

	begin_holders(w, h);
	for (; at; at = at->next, h->items++) {
		const void *item = vmshare_ksm_item(k, at);
		struct mm_struct *mm = vmshare_ksm_item_mm(k, item);
		struct member *m = tree_member(w, mm);
		int maps = vmshare_maps_frame(mm, vmshare_ksm_item_address(k, item),
					      pfn);

		if (maps < 0)
			h->unsure = true;
		/* One that still has users, but no process, maps it like any other. */
		if (!maps || !m->mm)
			h->dying |= vmshare_is_dying(mm);
		if (maps <= 0)
			continue;
		h->mappings++;
		if (!m->mm)
			continue;
		add_mapping(w, m);
		h->vm_mappings++;
	}
	tree_count_work(w, h->items * CHECK_WEIGHT);
}

/* Write the gathered holders down. */
static int settle(struct tree_walk *w, const struct holders *h)
{
	struct vmshare_sets *sets = &w->tally->sets;
	u32 row;

	if (!h->vm_mappings)
		return 0;
	row = vmshare_sets_commit(sets, h->mappings > h->vm_mappings);
	if (row == VMSHARE_NO_ROW)
		return -ENOMEM;
	sets->rows[row].frames++;
	sets->rows[row].mappings += h->vm_mappings;
	return 0;
}

/* For the pages engine, when all nodes have been looked at. */
static int leave_over(struct tree_walk *w, const void *node)
{
	drop_mappings(w);
	vmshare_frames_add(&w->left_over, (unsigned long)node);
	return 0;
}

static int check_node(struct tree_walk *w, void *node, struct page *page,
		      unsigned long pfn)
{
	struct vmshare_tally *tally = w->tally;
	struct holders h;
	u32 mapcount;

	tally->checked_nodes++;
	drop_mappings(w);
	check_items(w, node, pfn, &h);
	mapcount = mapcount_of(page);
	/* Whoever moves a page holds its lock while no page table maps it. */
	if (!still_is_of(page, node) ||
	    (h.mappings < h.items && PageLocked(page))) {
		tally->changed = true;
		return leave_over(w, node);
	}
	tally->changed |= h.dying;
	if (!h.unsure)
		tally->stale_items += h.items - h.mappings;
	tally->merged_frames += mapcount > 0;
	tally->merged_mappings += mapcount;
	if (!h.unsure && h.mappings == mapcount)
		return settle(w, &h);
	return leave_over(w, node);
}

void tree_count_dead(struct tree_walk *w, const void *node)
{
	u32 items = vmshare_ksm_nr_items(w->ksm, node);

	w->tally->nodes++;
	w->tally->stale_items += items;
	w->tally->items += items;
	tree_count_work(w, 1);
}

int tree_look_at_node(struct tree_walk *w, void *node)
{
	struct vmshare_tally *tally = w->tally;
	struct holders h;
	struct page *page;
	unsigned long pfn;
	u32 mapcount;

	page = tree_page_of_node(w, node, &pfn);
	if (!page) {
		tree_count_dead(w, node);
		return 0;
	}
	tally->nodes++;
	w->nodes_left--;
	mapcount = mapcount_of(page);
	smp_rmb();	/* before the anon_vmas: who forks has a child before its mappings, */
	gather_items(w, node, &h);
	tally->items += h.items;
	tree_count_work(w, h.items);
	smp_rmb();	/* and after them: who exits undoes the two the other way round */
	if (unlikely(!h.plain || h.items != mapcount ||
		     mapcount_of(page) != mapcount || !still_is_of(page, node)))
		return check_node(w, node, page, pfn);
	tally->changed |= h.dying;
	tally->merged_frames += h.items > 0;
	tally->merged_mappings += h.items;
	return settle(w, &h);
}

