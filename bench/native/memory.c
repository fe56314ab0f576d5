// SPDX-License-Identifier: GPL-2.0
#include "memory.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "compat/ksm.h"

#define OBJECTS_PER_SLAB	64
#define HUGE_PAGE		(2UL << 20)
/* The host's frames, for each merged one. */
#define HOST_FRAMES		4

/* splitmix64 (Steele, Lea, Flood 2014). */
static u64 draw(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void shuffle(u32 *at, u64 nr, u64 *state)
{
	u64 i, j;

	for (i = nr; i > 1; i--) {
		u32 last = at[i - 1];

		j = draw(state) % i;
		at[i - 1] = at[j];
		at[j] = last;
	}
}

static void *need(void *memory)
{
	if (!memory || memory == MAP_FAILED) {
		perror("walk: memory");
		exit(1);
	}
	return memory;
}

/* In large pages, as the kernel's own mapping of all memory. */
static void *arena(size_t size)
{
	char *at;

	size = (size + HUGE_PAGE - 1) & -HUGE_PAGE;
	at = need(mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	at += -(unsigned long)at & (HUGE_PAGE - 1);
	madvise(at, size, MADV_HUGEPAGE);
	memset(at, 0, size);
	return at;
}

static u32 *ascending(u64 nr)
{
	u32 *order = need(malloc((nr + 1) * sizeof(*order)));
	u64 i;

	for (i = 0; i < nr; i++)
		order[i] = i;
	return order;
}

/*
 * The order in which a slab cache hands out its objects: pages come from all
 * over the memory, and the objects of each are shuffled (the kernel hardens its
 * caches so).
 */
static u32 *slab_order(u64 objects, u64 *state)
{
	u64 nr_slabs = (objects + OBJECTS_PER_SLAB - 1) / OBJECTS_PER_SLAB, i, j;
	u32 *order = need(malloc(nr_slabs * OBJECTS_PER_SLAB * sizeof(*order)));
	u32 *slabs = ascending(nr_slabs);

	shuffle(slabs, nr_slabs, state);
	for (i = 0; i < nr_slabs; i++) {
		u32 *slab = order + i * OBJECTS_PER_SLAB;

		for (j = 0; j < OBJECTS_PER_SLAB; j++)
			slab[j] = slabs[i] * OBJECTS_PER_SLAB + j;
		shuffle(slab, OBJECTS_PER_SLAB, state);
	}
	free(slabs);
	return order;
}

/* ---- who shares what ---- */

/* Contents that are each found times times in every VM of a group. */
struct kind {
	u32 contents, times;
	u32 group;		/* VMs in a row */
};

#define KINDS	4

/* Contents are numbered kind by kind, group by group; that of zeros is the last. */
struct plan {
	struct kind kinds[KINDS];
	u32 nr_vms, pages, zeros;
	u64 nr_contents, nr_nodes, nr_mappings;
};

static void make_plan(struct plan *plan, u32 nr_vms, u32 pages, u32 zeros)
{
	u32 i;

	*plan = (struct plan) {
		.kinds = {
			{ pages / 2, 1, nr_vms },
			{ pages / 4, 1, 2 },
			{ pages / 8, 1, 4 },
			{ pages / 128, 16, 1 },
		},
		.nr_vms = nr_vms,
		.pages = pages + zeros,
		.zeros = zeros,
		.nr_contents = !!zeros,
	};
	for (i = 0; i < KINDS; i++)
		plan->nr_contents += (u64)plan->kinds[i].contents *
				     (nr_vms / plan->kinds[i].group);
	plan->nr_nodes = plan->nr_contents + (u64)nr_vms * zeros / MAX_SHARING;
	plan->nr_mappings = (u64)nr_vms * plan->pages;
}

/* Fill in the content of each page of a VM, in the order of addresses. */
static void contents_of_vm(const struct plan *plan, u32 vm, u32 *contents)
{
	u32 first = 0, nr = 0, i, j, k;

	for (i = 0; i < KINDS; i++) {
		const struct kind *kind = &plan->kinds[i];
		u32 group = vm / kind->group;

		for (k = 0; k < kind->times; k++)
			for (j = 0; j < kind->contents; j++)
				contents[nr++] = first + group * kind->contents + j;
		first += kind->contents * (plan->nr_vms / kind->group);
	}
	for (j = 0; j < plan->zeros; j++)
		contents[nr++] = first;
}

static void note_truth(struct memory *memory, u32 first_vm, u32 nr_vms,
		       u64 frames, u64 mappings)
{
	memory->truths[memory->nr_truths++] = (struct truth) {
		.vms = (~0ULL >> (64 - nr_vms)) << first_vm,
		.frames = frames,
		.mappings = mappings,
	};
}

static void note_truths(struct memory *memory, const struct plan *plan)
{
	u32 i, vm;

	memory->truths = need(calloc((KINDS + 1) * plan->nr_vms,
				     sizeof(*memory->truths)));
	for (i = 0; i < KINDS; i++) {
		const struct kind *kind = &plan->kinds[i];

		for (vm = 0; vm < plan->nr_vms; vm += kind->group)
			note_truth(memory, vm, kind->group, kind->contents,
				   (u64)kind->contents * kind->times * kind->group);
	}
	/* ksmd takes VM by VM, and one's zeros fill whole nodes. */
	for (vm = 0; plan->zeros && vm < plan->nr_vms; vm++)
		note_truth(memory, vm, 1, plan->zeros / MAX_SHARING, plan->zeros);
}

/* ---- what ksmd makes of it ---- */

struct making {
	struct memory *memory;
	struct plan plan;
	u64 state;			/* of the generator */
	u32 *item_order, *node_order;	/* slots, as the slabs give them */
	u32 *frame_order;
	struct rmap_item **alone;	/* by content: met once so far */
	struct stable_node **place;	/* by content: in the tree */
	struct stable_node **node;	/* by content: takes more items */
	u64 nr_slots;			/* nodes and heads of chains */
};

static void add_item(struct stable_node *node, struct rmap_item *item)
{
	item->head = node;
	item->hlist.next = node->hlist.first;
	item->hlist.pprev = &node->hlist.first;
	if (node->hlist.first)
		node->hlist.first->pprev = &item->hlist.next;
	node->hlist.first = &item->hlist;
	node->rmap_hlist_len++;
	pfn_to_page(node->kpfn)->_mapcount.counter++;
	pfn_to_page(node->kpfn)->_refcount.counter++;
}

static struct stable_node *new_slot(struct making *m)
{
	return &m->memory->nodes[m->node_order[m->nr_slots++]];
}

static struct stable_node *new_node(struct making *m)
{
	struct stable_node *node = new_slot(m);
	struct page *page;

	node->kpfn = m->frame_order[m->memory->nr_nodes++];
	page = pfn_to_page(node->kpfn);
	page->mapping = (void *)((unsigned long)node | VMSHARE_KSM_MAPPING);
	page->_mapcount.counter = -1;
	return node;
}

static void add_duplicate(struct stable_node *chain, struct stable_node *node)
{
	node->hlist_dup.next = chain->hlist.first;
	node->hlist_dup.pprev = &chain->hlist.first;
	if (chain->hlist.first)
		chain->hlist.first->pprev = &node->hlist_dup.next;
	chain->hlist.first = &node->hlist_dup;
}

/* No node takes more: the place in the tree becomes a chain's, and stays it. */
static void begin_duplicate(struct making *m, u32 content)
{
	if (m->place[content] == m->node[content]) {
		m->place[content] = new_slot(m);
		m->place[content]->rmap_hlist_len = VMSHARE_KSM_CHAIN;
		add_duplicate(m->place[content], m->node[content]);
	}
	m->node[content] = new_node(m);
	add_duplicate(m->place[content], m->node[content]);
}

static void scan_page(struct making *m, u32 vm, u32 page, u32 content)
{
	struct memory *memory = m->memory;
	struct rmap_item *item = &memory->items[m->item_order[memory->nr_items++]];

	item->mm = &memory->mms[vm];
	item->anon_vma = &memory->anon_vmas[vm];
	item->address = 0x7f0000000000 + (u64)page * PAGE_SIZE;
	if (!m->alone[content]) {
		m->alone[content] = item;
		return;
	}
	if (!m->node[content]) {
		m->place[content] = m->node[content] = new_node(m);
		add_item(m->node[content], m->alone[content]);
	} else if (m->node[content]->rmap_hlist_len == MAX_SHARING) {
		begin_duplicate(m, content);
	}
	add_item(m->node[content], item);
}

static void scan_vms(struct making *m, enum order order)
{
	u32 *contents = ascending(m->plan.pages), vm, page;

	for (vm = 0; vm < m->plan.nr_vms; vm++) {
		contents_of_vm(&m->plan, vm, contents);
		if (order == ORDER_SCATTERED)
			shuffle(contents, m->plan.pages, &m->state);
		for (page = 0; page < m->plan.pages; page++)
			scan_page(m, vm, page, contents[page]);
	}
	free(contents);
}

/* Contents compare as their numbers do. */
static void write_content(const struct stable_node *node, u64 number)
{
	const struct hlist_node *dup = node->hlist.first;
	u64 content = htobe64(number);

	if (node->rmap_hlist_len != VMSHARE_KSM_CHAIN) {
		memcpy(kmap_local_page(pfn_to_page(node->kpfn)), &content,
		       sizeof(content));
		return;
	}
	for (; dup; dup = dup->next)
		write_content(container_of(dup, struct stable_node, hlist_dup),
			      number);
}

/* A balanced tree of the nodes of contents [from, to), all there. */
static struct rb_node *plant(struct making *m, u64 from, u64 to,
			     struct rb_node *parent)
{
	u64 middle = from + (to - from) / 2;
	struct stable_node *node = m->place[middle];

	write_content(node, middle);
	node->node.__rb_parent_color = (unsigned long)parent;
	if (from < middle)
		node->node.rb_left = plant(m, from, middle, &node->node);
	if (middle + 1 < to)
		node->node.rb_right = plant(m, middle + 1, to, &node->node);
	return &node->node;
}

static void make_vms(struct memory *memory, u32 nr_vms)
{
	u32 vm;

	memory->nr_vms = nr_vms;
	memory->mms = arena(nr_vms * sizeof(*memory->mms));
	memory->anon_vmas = arena(nr_vms * sizeof(*memory->anon_vmas));
	for (vm = 0; vm < nr_vms; vm++) {
		struct list_head *mmlist = &memory->mms[vm].mmlist;
		struct anon_vma *av = &memory->anon_vmas[vm];

		*mmlist = (struct list_head) { mmlist, mmlist };
		*av = (struct anon_vma) { .root = av, .num_children = 1 };
	}
}

static void make_room(struct making *m)
{
	u64 contents = m->plan.nr_contents, mappings = m->plan.nr_mappings;
	u64 nodes = m->plan.nr_nodes, frames = HOST_FRAMES * nodes;

	m->memory->nodes = arena((nodes + OBJECTS_PER_SLAB) *
				 sizeof(struct stable_node));
	m->memory->items = arena((mappings + OBJECTS_PER_SLAB) *
				 sizeof(struct rmap_item));
	vmemmap = arena(frames * sizeof(struct page));
	page_contents = arena(frames * CONTENT_SIZE + PAGE_SIZE);
	m->node_order = slab_order(nodes, &m->state);
	m->item_order = slab_order(mappings, &m->state);
	m->frame_order = ascending(frames);
	shuffle(m->frame_order, frames, &m->state);
	m->alone = need(calloc(contents, sizeof(*m->alone)));
	m->place = need(calloc(contents, sizeof(*m->place)));
	m->node = need(calloc(contents, sizeof(*m->node)));
}

void memory_make(struct memory *memory, u32 nr_vms, u32 pages, u32 zeros,
		 enum order order, u64 seed)
{
	struct making m = { .memory = memory, .state = seed };

	*memory = (struct memory) {};
	make_plan(&m.plan, nr_vms, pages, zeros);
	make_vms(memory, nr_vms);
	make_room(&m);
	scan_vms(&m, order);
	memory->tree.rb_node = plant(&m, 0, m.plan.nr_contents, NULL);
	note_truths(memory, &m.plan);
	free(m.node_order);
	free(m.item_order);
	free(m.frame_order);
	free(m.alone);
	free(m.place);
	free(m.node);
}
