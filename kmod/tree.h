/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_TREE_H
#define _VMSHARE_TREE_H

#include "tally.h"

/**
 * vmshare_tree_walk() - attribute merged frames by KSM's stable trees
 * @tally: filled: sets, mappings per VM, totals over all processes
 *
 * Needs vmshare_ksm().
 *
 * Return: 0, -ENOMEM, -EINTR on a fatal signal, -EBUSY while memory is being
 * off-lined, -EXFULL if dead nodes leave no place to pause at.
 */
int vmshare_tree_walk(struct vmshare_tally *tally);

#endif
