// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#include <linux/sched.h>

#include "memory.h"

#define LOOKS		3	/* at what changes while it is looked at */

/*
 * Kernels before v6.2 let each thread in an address space, kernel threads that have
 * taken it on among them, save up its changes to the counters; later ones keep a
 * part of each on every CPU. The sum is exact either way (Linux kernel commit
 * f1a7941243c1 "mm: convert mm's rss stats into percpu_counter") while no thread
 * faults; else what one had saved up, 64 pages, may be missing or counted twice.
 */
#ifdef SPLIT_RSS_COUNTING
int vmshare_memory_prepare(struct vmshare_threads *threads,
			   const struct vmshare_census *census)
{
	return vmshare_threads_list(threads, census);
}

static s64 saved_up_by_threads(const struct vmshare_threads *threads,
			       const struct mm_struct *mm, int member)
{
	s64 sum = 0;
	u32 i;

	for (i = 0; i < threads->nr; i++) {
		const struct task_struct *t = threads->seen[i].task;

		if (READ_ONCE(t->mm) == mm)
			sum += READ_ONCE(t->rss_stat.count[member]);
	}
	return sum;
}

/* A thread that hands over what it has saved up meanwhile is looked at again. */
static s64 rss_pages(const struct vmshare_threads *threads,
		     const struct mm_struct *mm, int member)
{
	const atomic_long_t *count = &mm->rss_stat.count[member];
	s64 handed_over, saved_up;
	int looks = 0;

	do {
		handed_over = atomic_long_read(count);
		saved_up = saved_up_by_threads(threads, mm, member);
	} while (atomic_long_read(count) != handed_over && ++looks < LOOKS);
	return handed_over + saved_up;
}
#else
int vmshare_memory_prepare(struct vmshare_threads *threads,
			   const struct vmshare_census *census)
{
	*threads = (struct vmshare_threads) {};
	return 0;
}

static s64 rss_pages(const struct vmshare_threads *threads,
		     struct mm_struct *mm, int member)
{
	return percpu_counter_sum(&mm->rss_stat[member]);
}
#endif

static u64 rss_bytes(const struct vmshare_threads *threads, struct mm_struct *mm,
		     int member)
{
	s64 pages = rss_pages(threads, mm, member);

	return pages < 0 ? 0 : (u64)pages << PAGE_SHIFT;
}

void vmshare_memory_read(const struct vmshare_threads *threads,
			 struct mm_struct *mm, struct vmshare_memory *memory)
{
	*memory = (struct vmshare_memory) {
		.anon = rss_bytes(threads, mm, MM_ANONPAGES),
		.shmem = rss_bytes(threads, mm, MM_SHMEMPAGES),
		.swap = rss_bytes(threads, mm, MM_SWAPENTS),
		.page_tables = mm_pgtables_bytes(mm),
	};
#ifdef CONFIG_HUGETLB_PAGE
	memory->hugetlb = (u64)atomic_long_read(&mm->hugetlb_usage) << PAGE_SHIFT;
#endif
}
