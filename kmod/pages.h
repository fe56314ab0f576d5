/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_PAGES_H
#define _VMSHARE_PAGES_H

#include "frames.h"
#include "tally.h"

/**
 * vmshare_pages_walk() - attribute merged frames by the VMs' page tables
 * @tally: filled: sets, mappings per VM, anonymous pages per VM
 * @only: attribute just these frames, which another engine left over, and do
 *	not count anonymous pages; NULL: every merged frame
 *
 * Return: 0, -ENOMEM, -EINTR on a fatal signal.
 */
int vmshare_pages_walk(struct vmshare_tally *tally, struct vmshare_frames *only);

#endif
