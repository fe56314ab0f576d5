/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_BUILD_H
#define _VMSHARE_BUILD_H

#include "snapshot.h"
#include "tally.h"

/**
 * vmshare_build() - make the facts of a snapshot from what a walk found
 * @snap: zeroed but for what is known of the walk; its arrays are filled
 * @tally: what the walk found
 * @gone: set to the number of VMs that ended meanwhile
 *
 * On failure @snap may be filled in part; vmshare_snapshot_put() frees it.
 *
 * Return: 0, -ENOMEM, -EINTR on a fatal signal.
 */
int vmshare_build(struct vmshare_snapshot *snap,
		  const struct vmshare_tally *tally, u32 *gone);

#endif
