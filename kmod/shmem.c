// SPDX-License-Identifier: GPL-2.0
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "files.h"
#include "mmlock.h"
#include "shmem.h"

#define MAPPINGS_PER_HOLD 256	/* of the 65,530 that a process may have */
#define MAX_FILES	64	/* beyond, shared memory is not called private */

/* An open file of shared memory and who in this process holds it. */
struct shmem_file {
	struct file *file;
	long holders;		/* mappings and descriptors of the process, and we */
	long most;		/* references that it had while these were counted */
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

	return inode->i_sb->s_magic == TMPFS_MAGIC && S_ISREG(inode->i_mode) &&
	       !inode->i_nlink;
}

/* Under the lock that keeps what is being counted. */
static void note_references(struct shmem_file *f)
{
	f->most = max_t(long, f->most, file_count(f->file));
}

static void note_mapping(struct shmem_files *files, struct file *file)
{
	struct shmem_file *known = find_file(files, file);

	if (!known && files->nr < MAX_FILES) {
		known = &files->at[files->nr++];
		*known = (struct shmem_file) {
			.file = get_file(file),
			.holders = 1,	/* our own reference */
		};
		note_references(known);
	}
	if (known)
		known->holders++;
}

/* Of the mappings from *@at on, so many as are looked at in one hold. Return: 1 = more. */
static int collect_some(struct mm_struct *mm, struct shmem_files *files,
			unsigned long *at, u32 *tries)
{
	struct vm_area_struct *vma;
	int looked = 0, err = vmshare_mmlock_try(mm, tries);

	if (err)
		return err;
	while (looked++ < MAPPINGS_PER_HOLD && (vma = find_vma(mm, *at))) {
		*at = vma->vm_end;
		if (vma->vm_file && is_unlinked_shmem(vma->vm_file))
			note_mapping(files, vma->vm_file);
	}
	vmshare_mmlock_release(mm);
	return looked > MAPPINGS_PER_HOLD;
}

/*
 * What comes after it was to be counted makes the memory seem shared, and to be looked at
 * again: a file has more references than holders in the end. So does what goes when it
 * has been counted: the file had more when it was met. Not seen is one that came and was
 * counted where another one went that had been, in one look.
 */
static int collect_mapped_files(struct mm_struct *mm, struct shmem_files *files,
				u32 *tries)
{
	unsigned long at = 0;
	int more;

	do {
		more = collect_some(mm, files, &at, tries);
		cond_resched();
	} while (more > 0);
	return more;
}

static int count_descriptor(const void *data, struct file *file, unsigned int fd)
{
	struct shmem_file *known = find_file((struct shmem_files *)data, file);

	if (known) {
		known->holders++;
		note_references(known);
	}
	return 0;
}

/*
 * Does the memory behind a file go when the process goes? Whether the process maps it as
 * it is or has copied every page (MAP_PRIVATE) does not matter. It does if the file
 * has no name, nor had another by which somebody has opened it, was opened just once, and
 * every reference to that opening is one of the process's own mappings and descriptors.
 */
static bool goes_with_process(const struct shmem_file *f)
{
	return d_count(f->file->f_path.dentry) == 1 &&
	       atomic_read(&file_inode(f->file)->i_count) == 1 &&
	       f->most <= f->holders && file_count(f->file) == f->holders;
}

static bool add_up(struct shmem_files *files, u64 *bytes)
{
	bool all_private = true;
	u32 i;

	for (i = 0; i < files->nr; i++) {
		const struct shmem_file *f = &files->at[i];

		if (goes_with_process(f))
			*bytes += (u64)f->file->f_mapping->nrpages << PAGE_SHIFT;
		else
			all_private = false;
	}
	return all_private;
}

static void put_files(struct shmem_files *files)
{
	while (files->nr)
		fput(files->at[--files->nr].file);
}

int vmshare_shmem_look(struct task_struct *leader, struct mm_struct *mm,
		       u32 *tries, u64 *bytes)
{
	struct shmem_files *files = kmalloc(sizeof(*files), GFP_KERNEL);
	int ret;

	*bytes = 0;
	if (!files)
		return -ENOMEM;
	files->nr = 0;
	ret = collect_mapped_files(mm, files, tries);
	if (!ret && files->nr) {
		vmshare_files_each(leader, 0, count_descriptor, files);
		ret = !add_up(files, bytes);
	}
	put_files(files);
	kfree(files);
	return ret;
}
