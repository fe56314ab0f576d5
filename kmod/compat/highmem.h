/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mapping a page for this thread alone (Linux kernel commit f3ba3c710ac5
 * "mm/highmem: Provide kmap_local*", in v5.11). Before, only what forbids to
 * sleep meanwhile. Mappings are let go in reverse order with either.
 */
#ifndef _VMSHARE_COMPAT_HIGHMEM_H
#define _VMSHARE_COMPAT_HIGHMEM_H

#include <linux/highmem.h>

#ifndef VMSHARE_HAVE_KMAP_LOCAL
#define kmap_local_page(page)	kmap_atomic(page)
#define kunmap_local(addr)	kunmap_atomic((void *)(addr))
#endif

#endif
