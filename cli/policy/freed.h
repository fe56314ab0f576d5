/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_FREED_H
#define VMSHARE_POLICY_FREED_H

#include "model.h"

/* Pure functions of a snapshot: what leaving VMs give back, and cause elsewhere. */

/*
 * What goes with one VM whoever else stays: its unmerged memory, the shared
 * memory that nobody else has, its page tables. Merged frames come on top.
 */
uint64_t freed_own(const struct vm *vm);

/* What the host gets back when all marked VMs leave; one flag per VM. */
uint64_t freed_together(const struct snapshot *snap, const bool *leaving);

/* Resident memory that has to be sent: it arrives page by page, unshared. */
uint64_t freed_resident(const struct vm *vm);

/* What the VM takes at a destination where nothing is shared with it yet. */
uint64_t freed_growth(const struct vm *vm);

#endif
