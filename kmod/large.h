/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_LARGE_H
#define _VMSHARE_LARGE_H

#include <linux/gfp.h>

/*
 * For tables that grow with the host. Where there is no memory for one, a request is
 * refused; no process is ended for it, as might be for the pages of a plain kvmalloc().
 */
#define VMSHARE_GFP_LARGE (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#endif
