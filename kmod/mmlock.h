/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_MMLOCK_H
#define _VMSHARE_MMLOCK_H

#include <linux/mm_types.h>

/* In all some 75 ms: for all processes of one search together. */
#define VMSHARE_MMLOCK_TRIES	100

/**
 * vmshare_mmlock_try() - users of an address space, and its mmap lock for reading
 * @mm: it; the structure is held by the caller
 * @tries: how often locks that others have are tried again; counted down
 *
 * It is tried, not waited for: a process that is stuck with its lock is not to hold up
 * what is told of the others.
 *
 * Return: 0, to be followed by vmshare_mmlock_release(); -ESRCH if nobody uses @mm any
 * more, -EBUSY if the lock could not be had, -EINTR on a fatal signal.
 */
int vmshare_mmlock_try(struct mm_struct *mm, u32 *tries);

/**
 * vmshare_mmlock_wait() - the same for who cannot do without
 * @mm: it
 *
 * Return: 0, -ESRCH, -EINTR.
 */
int vmshare_mmlock_wait(struct mm_struct *mm);

void vmshare_mmlock_release(struct mm_struct *mm);

#endif
