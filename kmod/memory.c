// SPDX-License-Identifier: GPL-2.0
#include <linux/dcache.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "files.h"
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

#define MAPPINGS_PER_HOLD 256	/* of the 65,530 that a process may have */
#define MAX_FILES	64	/* beyond, shared memory is not called private */

/*
 * A system call under way on one of the files, a child before its exec() or a reader
 * of /proc holds a reference for a moment: who holds one longer shares the memory.
 */
#define LOOK_AGAIN_US	500

/* An open file of shared memory and who in this process holds it. */
struct shmem_file {
	struct file *file;
	long holders;		/* mappings and descriptors of the process */
};

struct shmem_files {
	u32 nr;
	struct shmem_file at[MAX_FILES];
};

static struct shmem_file *find_file(struct shmem_files *files,
				    const struct file *file)
{
	u32 i;

	for (i = 0; i < files->nr; i++)
		if (files->at[i].file == file)
			return &files->at[i];
	return NULL;
}

static bool is_unlinked_shmem(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	return inode->i_sb->s_magic == TMPFS_MAGIC && !inode->i_nlink;
}

static void note_mapping(struct shmem_files *files, struct file *file)
{
	struct shmem_file *known = find_file(files, file);

	if (!known && files->nr < MAX_FILES) {
		known = &files->at[files->nr++];
		known->file = get_file(file);
		known->holders = 1;	/* our own reference */
	}
	if (known)
		known->holders++;
}

/* Of the mappings from *@at on, so many as are looked at in one hold. Return: 1 = more. */
static int collect_some(struct mm_struct *mm, struct shmem_files *files,
			unsigned long *at)
{
	struct vm_area_struct *vma;
	int looked = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	while (looked++ < MAPPINGS_PER_HOLD && (vma = find_vma(mm, *at))) {
		*at = vma->vm_end;
		if (vma->vm_file && is_unlinked_shmem(vma->vm_file))
			note_mapping(files, vma->vm_file);
	}
	mmap_read_unlock(mm);
	return looked > MAPPINGS_PER_HOLD;
}

/*
 * What changes between two holds makes the memory seem shared, and to be looked at
 * again: a file's mappings are not as many as its references then.
 */
static int collect_mapped_files(struct mm_struct *mm, struct shmem_files *files)
{
	unsigned long at = 0;
	int more;

	do {
		more = collect_some(mm, files, &at);
		cond_resched();
	} while (more > 0);
	return more;
}

static int count_descriptor(const void *data, struct file *file, unsigned int fd)
{
	struct shmem_file *known = find_file((struct shmem_files *)data, file);

	if (known)
		known->holders++;
	return 0;
}

/*
 * Does the memory behind a file go when the process goes? Whether the process maps it as
 * it is or has copied every page (MAP_PRIVATE) does not matter. It does if the file
 * has no name, was opened just once, and every reference to that opening is
 * one of the process's own mappings and descriptors.
 */
static bool goes_with_process(const struct shmem_file *f)
{
	return d_count(f->file->f_path.dentry) == 1 &&
	       file_count(f->file) == f->holders;
}

/* Return: 1 if all of it is private, 0 if not, -EINTR. */
static int look_at_shmem(struct task_struct *leader, struct mm_struct *mm,
			 struct shmem_files *files, u64 *bytes)
{
	int ret = collect_mapped_files(mm, files);
	u32 i;

	if (!ret) {
		if (files->nr)
			vmshare_files_each(leader, 0, count_descriptor, files);
		ret = 1;
	}
	*bytes = 0;
	for (i = 0; i < files->nr; i++) {
		struct shmem_file *f = &files->at[i];

		if (ret >= 0 && goes_with_process(f))
			*bytes += (u64)f->file->f_mapping->nrpages << PAGE_SHIFT;
		else
			ret = min(ret, 0);
		fput(f->file);
	}
	return ret;
}

static int private_shmem(struct task_struct *leader, struct mm_struct *mm,
			 u64 *bytes)
{
	struct shmem_files *files = kmalloc(sizeof(*files), GFP_KERNEL);
	int looks = 0, all_private;
	u64 seen;

	*bytes = 0;
	if (!files)
		return -ENOMEM;
	do {
		if (looks)
			usleep_range(LOOK_AGAIN_US, 2 * LOOK_AGAIN_US);
		files->nr = 0;
		all_private = look_at_shmem(leader, mm, files, &seen);
		*bytes = max(*bytes, seen);
	} while (!all_private && ++looks < LOOKS);
	kfree(files);
	return min(all_private, 0);
}

int vmshare_memory_read(const struct vmshare_threads *threads,
			struct task_struct *leader, struct mm_struct *mm,
			struct vmshare_memory *memory)
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
	return private_shmem(leader, mm, &memory->private_shmem);
}
