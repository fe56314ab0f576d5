/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_MEMORY_H
#define _VMSHARE_MEMORY_H

#include <linux/mm_types.h>
#include <linux/types.h>

#include "threads.h"

/* What the kernel itself counts for an address space, in bytes. */
struct vmshare_memory {
	u64 anon;
	u64 shmem;
	u64 private_shmem;	/* as shmem.h tells */
	u64 hugetlb;
	u64 swap;
	u64 page_tables;
};

/**
 * vmshare_memory_prepare() - what reading the counters of these VMs takes
 * @threads: filled; give it back with vmshare_threads_release()
 * @census: the VMs
 *
 * Return: 0 or -ENOMEM.
 */
int vmshare_memory_prepare(struct vmshare_threads *threads,
			   const struct vmshare_census *census);

/**
 * vmshare_memory_read() - the counters of a process's memory
 * @threads: of all VMs, as prepared
 * @mm: its address space; those of one that has no users any more are zero, or on the way
 * @memory: filled, but for private_shmem
 *
 * The resident sizes are exact, not the approximation that /proc/PID/statm shows.
 */
void vmshare_memory_read(const struct vmshare_threads *threads,
			 struct mm_struct *mm, struct vmshare_memory *memory);

#endif
