/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is a page being moved to another frame just now? Until it is, its mappings have
 * entries that stand for it. Newer kernels have other names for these.
 */
#ifndef _VMSHARE_COMPAT_MIGRATION_H
#define _VMSHARE_COMPAT_MIGRATION_H

#include <linux/mm.h>

#ifdef VMSHARE_HAVE_SOFTLEAF
#include <linux/leafops.h>

static inline bool vmshare_is_migrating(pte_t pte)
{
	return softleaf_is_migration(softleaf_from_pte(pte));
}
#else
#include <linux/swap.h>
#include <linux/swapops.h>

static inline bool vmshare_is_migrating(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte) &&
	       is_migration_entry(pte_to_swp_entry(pte));
}
#endif

#endif
