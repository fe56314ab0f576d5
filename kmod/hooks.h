/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which hooks are attached, and for whom: nothing is while nobody asks, and what
 * a client asked for ends with its socket.
 */
#ifndef _VMSHARE_HOOKS_H
#define _VMSHARE_HOOKS_H

#include <linux/types.h>

#include "census.h"
#include "threads.h"

/* At load, before and after the family is there. */
void vmshare_hooks_init(void);
void vmshare_hooks_exit(void);

/**
 * vmshare_hooks_want() - what a client wants from now on, instead of before
 * @portid: its netlink socket
 * @hooks: VMSHARE_HOOK_*, 0 for nothing
 *
 * Sleeps, and waits for grace periods. Return: 0, -EOPNOTSUPP if this kernel
 * does not have one of them, -EINTR on a fatal signal, or -ENOMEM.
 */
int vmshare_hooks_want(u32 portid, u32 hooks);

/*
 * Look at all VMs and their threads, and at what was counted of them: from
 * _hold() to _release() what is attached stays so, and the map of threads is
 * that of this look.
 * Return: the hooks that are attached, or -EINTR, -ENOMEM, -E2BIG.
 */
int vmshare_hooks_hold(struct vmshare_census *census,
		       struct vmshare_threads *threads);
void vmshare_hooks_release(struct vmshare_census *census,
			   struct vmshare_threads *threads);

#endif
