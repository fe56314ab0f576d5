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
	smp_rmb();
	return tree_page_is_of(page, l->node);
}

static void *next_item(const struct vmshare_ksm *k, struct hlist_node **at)
{
	struct hlist_node *n = *at;

	*at = n->next;
	return (void *)n - k->item_hlist;
}

static u32 mapcount_of(const struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

static bool find_vm(struct tree_walk *w, const struct mm_struct *mm, u32 *vm)
{
	u32 i;

	if (mm == w->last.mm) {
		*vm = w->last.vm;
		return true;
	}
	i = tree_place_of_mm(w, mm);
	if (!w->by_mm[i].mm)
		return false;
	w->last = w->by_mm[i];
	*vm = w->last.vm;
	return true;
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

/* The same, remembered for the VM's last one while the mutex is held. */
static bool is_plain_of(struct tree_walk *w, struct member *m,
			struct anon_vma *av, const struct mm_struct *mm)
{
	if (likely(m->plain == av && m->hold == w->hold))
		return true;
	if (!is_plain(av, mm))
		return false;
	m->plain = av;
	m->hold = w->hold;
	return true;
}

/* One node's holders, as its items or the page tables tell. */
struct holders {
	u32 items;
	u32 mappings;		/* of VMs and others */
	u32 vm_mappings;
	bool outside;
	bool plain;
	bool unsure;		/* a page table could not be looked at */
};

static void add_vm(struct tree_walk *w, struct holders *h, u32 vm)
{
	struct member *m = &w->members[vm];

	if (vmshare_sets_add(&w->tally->sets, vm))
		m->count = 0;
	m->count++;
	h->vm_mappings++;
}

/* Take every item at its word. */
static void gather_items(struct tree_walk *w, const void *node,
			 struct holders *h)
{
	const struct vmshare_ksm *k = w->ksm;
	struct hlist_node *at = vmshare_ksm_first(k, node);

	*h = (struct holders) { .plain = true };
	vmshare_sets_begin(&w->tally->sets);
	while (at) {
		const void *item = next_item(k, &at);
		struct mm_struct *mm = vmshare_ksm_item_mm(k, item);
		struct anon_vma *av = vmshare_ksm_item_anon_vma(k, item);
		u32 vm;

		h->items++;
		if (likely(find_vm(w, mm, &vm))) {
			add_vm(w, h, vm);
			h->plain &= is_plain_of(w, &w->members[vm], av, mm);
		} else {
			h->outside = true;
			h->plain &= is_plain(av, mm);
		}
	}
	h->mappings = h->items;
}

/* Take only items whose page table maps the frame. */
static void check_items(struct tree_walk *w, const void *node,
			unsigned long pfn, struct holders *h)
{
	const struct vmshare_ksm *k = w->ksm;
	struct hlist_node *at = vmshare_ksm_first(k, node);

	*h = (struct holders) {};
	vmshare_sets_begin(&w->tally->sets);
	while (at) {
		const void *item = next_item(k, &at);
		struct mm_struct *mm = vmshare_ksm_item_mm(k, item);
		int maps = vmshare_maps_frame(mm, vmshare_ksm_item_address(k, item),
					      pfn);
		u32 vm;

		h->items++;
		if (maps < 0)
			h->unsure = true;
		if (maps <= 0)
			continue;
		h->mappings++;
		if (find_vm(w, mm, &vm))
			add_vm(w, h, vm);
		else
			h->outside = true;
	}
	tree_count_work(w, h->items * CHECK_WEIGHT);
}

static u32 count_items(const struct vmshare_ksm *k, const void *node)
{
	struct hlist_node *at = vmshare_ksm_first(k, node);
	u32 nr = 0;

	for (; at; at = at->next)
		nr++;
	return nr;
}

/* Write the gathered holders down. */
static int settle(struct tree_walk *w, const struct holders *h)
{
	struct vmshare_sets *sets = &w->tally->sets;
	u32 row, i;

	if (!h->vm_mappings)
		return 0;
	row = vmshare_sets_commit(sets, h->outside);
	if (row == VMSHARE_NO_ROW)
		return -ENOMEM;
	sets->rows[row].frames++;
	sets->rows[row].mappings += h->vm_mappings;
	for (i = 0; i < sets->nr_ids; i++) {
		u32 vm = sets->ids[i];

		w->tally->ksm_mappings[vm] += w->members[vm].count;
	}
	return 0;
}

static int check_node(struct tree_walk *w, void *node, struct page *page,
		      unsigned long pfn)
{
	struct vmshare_tally *tally = w->tally;
	struct holders h;
	u32 mapcount;

	tally->checked_nodes++;
	check_items(w, node, pfn, &h);
	mapcount = mapcount_of(page);
	if (!h.unsure)
		tally->stale_items += h.items - h.mappings;
	tally->merged_frames += mapcount > 0;
	tally->merged_mappings += mapcount;
	if (!h.unsure && h.mappings == mapcount)
		return settle(w, &h);
	vmshare_frames_add(&w->left_over, (unsigned long)node);
	return 0;
}

void tree_count_dead(struct tree_walk *w, const void *node)
{
	u32 items = count_items(w->ksm, node);

	w->tally->nodes++;
	w->tally->stale_items += items;
	w->tally->items += items;
	tree_count_work(w, items + 1);
}

int tree_look_at_node(struct tree_walk *w, void *node)
{
	struct vmshare_tally *tally = w->tally;
	struct holders h;
	struct page *page;
	unsigned long pfn;

	page = tree_page_of_node(w, node, &pfn);
	if (!page) {
		tree_count_dead(w, node);
		return 0;
	}
	tally->nodes++;
	w->nodes_left--;
	gather_items(w, node, &h);
	tally->items += h.items;
	tree_count_work(w, h.items);
	if (unlikely(!h.plain || h.items != mapcount_of(page)))
		return check_node(w, node, page, pfn);
	tally->merged_frames++;
	tally->merged_mappings += h.items;
	return settle(w, &h);
}

