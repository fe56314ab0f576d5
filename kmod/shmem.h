/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_SHMEM_H
#define _VMSHARE_SHMEM_H

#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/types.h>

/*
 * A system call under way on one of the files, a child before its exec() or a reader
 * of /proc holds a file for a moment: who holds one in each of so many looks, with
 * pauses between them, shares the memory.
 */
#define VMSHARE_SHMEM_LOOKS	3
#define VMSHARE_SHMEM_PAUSE_US	500

/**
 * vmshare_shmem_look() - how much shared memory goes with a process
 * @leader: the process
 * @mm: its address space, which need not have users
 * @tries: how often mmap locks that others have are tried again (mmlock.h)
 * @bytes: set to what is its alone: of files without a name that nobody else holds
 *
 * Holds users of @mm, and its mmap lock for reading, for 256 mappings at a time.
 *
 * Return: 0, 1 if others hold some of its files, too, -ESRCH if nobody uses @mm any
 * more, -EBUSY if the lock could not be had, -EINTR on a fatal signal, -ENOMEM.
 */
int vmshare_shmem_look(struct task_struct *leader, struct mm_struct *mm,
		       u32 *tries, u64 *bytes);

#endif
