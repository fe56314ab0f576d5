/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_LARGE_H
#define _VMSHARE_LARGE_H

#include <linux/gfp.h>

/*
 * For tables that grow with the host. Where there is no memory for one, a request is
 * refused; no process is ended for its pages, as might be for those of a plain kvmalloc().
 * Not __GFP_RETRY_MAYFAIL: kvmalloc() takes it for a wish for contiguous memory, which it
 * has guests swapped and moved for. A small table may fail so where it would not have; the
 * request is refused then like one whose large tables find no room.
 */
#define VMSHARE_GFP_LARGE (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

#endif
