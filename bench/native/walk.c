// SPDX-License-Identifier: GPL-2.0
/*
 * The tree engine against the bare chase of the same pointers, on the real
 * caches of the machine at hand: both are the kernel's files, unchanged. Rounds
 * alternate, times are this thread's CPU time, and what the walk finds has to be
 * what the memory was made of.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "memory.h"
#include "pages.h"
#include "pagetable.h"
#include "tree.h"

#include "compat/ksm.h"

/* Of tests/kmod/walk.c. */
extern const struct kernel_param_ops *const chase_run;
extern ulong *const chase_nodes, *const chase_items;

static struct memory memory;

/* ---- the kernel around the engine ---- */

static struct mutex thread_mutex;
static struct rb_root *stable_trees = &memory.tree;
static struct list_head migrate_nodes = { &migrate_nodes, &migrate_nodes };
static unsigned long run, pages_shared, pages_sharing;

static const struct vmshare_ksm ksm = {
	.thread_mutex = &thread_mutex,
	.stable_trees = &stable_trees,
	.migrate_nodes = &migrate_nodes,
	.run = &run,
	.pages_shared = &pages_shared,
	.pages_sharing = &pages_sharing,
	.node_rb = offsetof(struct stable_node, node),
	.node_hlist_dup = offsetof(struct stable_node, hlist_dup),
	.node_list = offsetof(struct stable_node, list),
	.node_hlist = offsetof(struct stable_node, hlist),
	.node_kpfn = offsetof(struct stable_node, kpfn),
	.node_len = offsetof(struct stable_node, rmap_hlist_len),
	.item_mm = offsetof(struct rmap_item, mm),
	.item_anon_vma = offsetof(struct rmap_item, anon_vma),
	.item_address = offsetof(struct rmap_item, address),
	.item_hlist = offsetof(struct rmap_item, hlist),
};

const char *vmshare_ksm_init(void)
{
	return NULL;
}

const struct vmshare_ksm *vmshare_ksm(void)
{
	return &ksm;
}

/* Nobody ends here. */
bool vmshare_is_dying(const struct mm_struct *mm)
{
	(void)mm;
	return false;
}

/* Every node here can be certified; a look at page tables is a failure. */
int vmshare_maps_frame(struct mm_struct *mm, unsigned long addr,
		       unsigned long pfn)
{
	(void)mm;
	(void)addr;
	(void)pfn;
	return -EAGAIN;
}

int vmshare_pages_walk(struct vmshare_tally *tally, struct vmshare_frames *only)
{
	(void)tally;
	(void)only;
	return -EOPNOTSUPP;
}

/* ---- one round ---- */

struct times {
	double chase, walk;	/* nanoseconds per item */
};

static void fail(const char *why)
{
	fprintf(stderr, "walk: %s\n", why);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static double chase(void)
{
	double since = cpu_ns();

	chase_run->set("1", NULL);
	since = cpu_ns() - since;
	if (*chase_nodes != memory.nr_nodes || *chase_items != memory.nr_items)
		fail("the chase missed something");
	return since / memory.nr_items;
}

static u64 mask_of(const struct vmshare_sets *sets, const struct vmshare_set *set)
{
	u64 vms = 0;
	u32 i;

	for (i = 0; i < set->nr; i++)
		vms |= 1ULL << sets->members[set->first + i];
	return vms;
}

static bool is_true(const struct vmshare_sets *sets, const struct vmshare_set *set)
{
	u64 vms = mask_of(sets, set), frames = 0, mappings = 0;
	u32 i;

	for (i = 0; i < memory.nr_truths; i++) {
		if (memory.truths[i].vms != vms)
			continue;
		frames += memory.truths[i].frames;
		mappings += memory.truths[i].mappings;
	}
	return frames && set->frames == frames && set->mappings == mappings &&
	       !set->outside;
}

/* Every row true, and all frames in them: then none is missing. */
static void compare_with_truth(const struct vmshare_tally *tally)
{
	const struct vmshare_sets *sets = &tally->sets;
	u64 frames = 0;
	u32 i;

	for (i = 0; i < sets->nr_rows; i++) {
		if (!is_true(sets, &sets->rows[i]))
			fail("the walk found a set that there is not");
		frames += sets->rows[i].frames;
	}
	for (i = 0; i < memory.nr_vms; i++)
		if (tally->ksm_mappings[i] != memory.nr_items / memory.nr_vms)
			fail("the walk counted a VM's mappings wrongly");
	if (frames != memory.nr_nodes || tally->merged_frames != frames ||
	    tally->merged_mappings != memory.nr_items || tally->changed ||
	    tally->items != memory.nr_items || tally->checked_nodes)
		fail("the walk counted wrongly");
}

static double walk(const struct vmshare_census *census)
{
	struct vmshare_tally tally = { .census = census };
	double since;

	tally.ksm_mappings = kvcalloc(census->nr_vms, sizeof(u64), GFP_KERNEL);
	if (!tally.ksm_mappings || vmshare_sets_init(&tally.sets, census->nr_vms))
		fail("no memory");
	since = cpu_ns();
	if (vmshare_tree_walk(&tally))
		fail("the walk failed");
	since = cpu_ns() - since;
	compare_with_truth(&tally);
	vmshare_sets_free(&tally.sets);
	kvfree(tally.ksm_mappings);
	return since / memory.nr_items;
}

static struct times *measure(u32 rounds)
{
	struct vmshare_census census = { .nr_vms = memory.nr_vms };
	struct times *times = calloc(rounds, sizeof(*times));
	u32 i;

	pages_shared = memory.nr_nodes;
	pages_sharing = memory.nr_items - memory.nr_nodes;
	census.vms = calloc(memory.nr_vms, sizeof(*census.vms));
	if (!times || !census.vms)
		fail("no memory");
	for (i = 0; i < memory.nr_vms; i++)
		census.vms[i].mm = &memory.mms[i];
	for (i = 0; i < rounds; i++) {
		times[i].chase = chase();
		times[i].walk = walk(&census);
	}
	free(census.vms);
	return times;
}

/* ---- all rounds ---- */

static int compare_numbers(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

/* Prints the fastest, the quartiles and the median. */
static void print_spread(const char *what, double *values, u32 nr)
{
	qsort(values, nr, sizeof(*values), compare_numbers);
	printf("%-24s %8.2f %8.2f %8.2f %8.2f\n", what, values[0],
	       values[nr / 4], values[nr / 2], values[nr * 3 / 4]);
}

static void print_times(const struct times *times, u32 nr)
{
	double *chases = calloc(nr, sizeof(*chases));
	double *walks = calloc(nr, sizeof(*walks));
	double *ratios = calloc(nr, sizeof(*ratios));
	u32 i;

	if (!chases || !walks || !ratios)
		fail("no memory");
	for (i = 0; i < nr; i++) {
		chases[i] = times[i].chase;
		walks[i] = times[i].walk;
		ratios[i] = times[i].walk / times[i].chase;
	}
	printf("%-24s %8s %8s %8s %8s\n", "", "least", "1/4", "median", "3/4");
	print_spread("chase, ns per item", chases, nr);
	print_spread("walk, ns per item", walks, nr);
	print_spread("walk : chase, by round", ratios, nr);
	printf("%-24s %8.2f\n", "fastest : fastest", walks[0] / chases[0]);
	free(chases);
	free(walks);
	free(ratios);
}

struct options {
	u32 vms, pages, zeros, rounds;
	enum order order;
};

static const struct option long_options[] = {
	{ "vms", required_argument, NULL, 'v' },
	{ "pages", required_argument, NULL, 'p' },
	{ "zeros", required_argument, NULL, 'z' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "ascending", no_argument, NULL, 'a' },
	{}
};

static void usage(void)
{
	fprintf(stderr,
		"usage: walk [--vms N] [--pages N] [--zeros N] [--rounds N] [--ascending]\n"
		"  --vms N      a multiple of 4, up to 64 (8)\n"
		"  --pages N    merged pages of each, a multiple of 128 (131072)\n"
		"  --zeros N    pages of zeros on top, a multiple of 256 (0)\n"
		"  --rounds N   of chase and walk in turn (15)\n"
		"  --ascending  contents ascend with addresses, instead of at random\n");
	exit(2);
}

static u32 number(const char *text, u32 multiple, u32 limit)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !value || value % multiple || value > limit)
		usage();
	return value;
}

static struct options parse(int argc, char **argv)
{
	struct options options = {
		.vms = 8, .pages = 131072, .rounds = 15,
		.order = ORDER_SCATTERED,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'v')
			options.vms = number(optarg, 4, MAX_VMS);
		else if (option == 'p')
			options.pages = number(optarg, 128, 1U << 24);
		else if (option == 'z')
			options.zeros = number(optarg, MAX_SHARING, 1U << 24);
		else if (option == 'r')
			options.rounds = number(optarg, 1, 1000);
		else if (option == 'a')
			options.order = ORDER_ASCENDING;
		else
			usage();
	}
	if (optind < argc)
		usage();
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct times *times;

	memory_make(&memory, options.vms, options.pages, options.zeros,
		    options.order, 1);
	printf("%" PRIu64 " items on %" PRIu64 " nodes, %u VMs, contents %s\n",
	       (uint64_t)memory.nr_items, (uint64_t)memory.nr_nodes, options.vms,
	       options.order == ORDER_ASCENDING ? "ascending" : "scattered");
	times = measure(options.rounds);
	print_times(times, options.rounds);
	free(times);
	return 0;
}
