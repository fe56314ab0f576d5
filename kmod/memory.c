// SPDX-License-Identifier: GPL-2.0
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "memory.h"

/*
 * Kernels before v6.2 let each thread save up its changes to the counters;
 * later ones keep a part of each on every CPU. The sum is exact either way
 * (Linux kernel commit f1a7941243c1 "mm: convert mm's rss stats into
 * percpu_counter").
 */
#ifdef SPLIT_RSS_COUNTING
static s64 saved_up_by_threads(struct task_struct *leader, struct mm_struct *mm,
			       int member)
{
	struct task_struct *t;
	s64 sum = 0;

	rcu_read_lock();
	for_each_thread(leader, t)
		if (READ_ONCE(t->mm) == mm)
			sum += READ_ONCE(t->rss_stat.count[member]);
	rcu_read_unlock();
	return sum;
}

static s64 rss_pages(struct task_struct *leader, struct mm_struct *mm, int member)
{
	return atomic_long_read(&mm->rss_stat.count[member]) +
	       saved_up_by_threads(leader, mm, member);
}
#else
static s64 rss_pages(struct task_struct *leader, struct mm_struct *mm, int member)
{
	return percpu_counter_sum(&mm->rss_stat[member]);
}
#endif

static u64 rss_bytes(struct task_struct *leader, struct mm_struct *mm, int member)
{
	s64 pages = rss_pages(leader, mm, member);

	return pages < 0 ? 0 : (u64)pages << PAGE_SHIFT;
}

#define MAX_FILES	64	/* beyond, shared memory is not called private */

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

static int collect_mapped_files(struct mm_struct *mm, struct shmem_files *files)
{
	struct vm_area_struct *vma;
	unsigned long at = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	while ((vma = find_vma(mm, at))) {
		struct shmem_file *known;

		at = vma->vm_end;
		if (!vma->vm_file || !is_unlinked_shmem(vma->vm_file))
			continue;
		known = find_file(files, vma->vm_file);
		if (!known && files->nr < MAX_FILES) {
			known = &files->at[files->nr++];
			known->file = get_file(vma->vm_file);
			known->holders = 1;	/* our own reference */
		}
		if (known)
			known->holders++;
	}
	mmap_read_unlock(mm);
	return 0;
}

static int count_descriptor(const void *data, struct file *file, unsigned int fd)
{
	struct shmem_file *known = find_file((struct shmem_files *)data, file);

	if (known)
		known->holders++;
	return 0;
}

static void count_descriptors(struct task_struct *leader,
			      struct shmem_files *files)
{
	task_lock(leader);
	if (leader->files)
		iterate_fd(leader->files, 0, count_descriptor, files);
	task_unlock(leader);
}

/*
 * Does the memory behind a file go when the process goes? It does if the file
 * has no name, was opened just once, and every reference to that opening is
 * one of the process's own mappings and descriptors.
 */
static bool goes_with_process(const struct shmem_file *f)
{
	return d_count(f->file->f_path.dentry) == 1 &&
	       file_count(f->file) == f->holders;
}

static int private_shmem(struct task_struct *leader, struct mm_struct *mm,
			 u64 *bytes)
{
	struct shmem_files *files;
	u32 i;
	int err;

	*bytes = 0;
	files = kzalloc(sizeof(*files), GFP_KERNEL);
	if (!files)
		return -ENOMEM;
	err = collect_mapped_files(mm, files);
	if (!err)
		count_descriptors(leader, files);
	for (i = 0; i < files->nr; i++) {
		struct shmem_file *f = &files->at[i];

		if (!err && goes_with_process(f))
			*bytes += (u64)f->file->f_mapping->nrpages << PAGE_SHIFT;
		fput(f->file);
	}
	kfree(files);
	return err;
}

int vmshare_memory_read(struct task_struct *leader, struct mm_struct *mm,
			struct vmshare_memory *memory)
{
	*memory = (struct vmshare_memory) {
		.anon = rss_bytes(leader, mm, MM_ANONPAGES),
		.shmem = rss_bytes(leader, mm, MM_SHMEMPAGES),
		.swap = rss_bytes(leader, mm, MM_SWAPENTS),
		.page_tables = mm_pgtables_bytes(mm),
	};
#ifdef CONFIG_HUGETLB_PAGE
	memory->hugetlb = (u64)atomic_long_read(&mm->hugetlb_usage) << PAGE_SHIFT;
#endif
	if (!memory->shmem)
		return 0;
	return private_shmem(leader, mm, &memory->private_shmem);
}
