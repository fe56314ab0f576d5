/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_REDUCE_H
#define VMSHARE_POLICY_REDUCE_H

#include "policy/cover.h"

/*
 * The same problem with fewer groups, in place: equal ones are one, a group of
 * one item is that item's gain, one without gain is none. Members and groups are
 * in order afterwards.
 */
void cover_reduce(struct cover *cover);

/*
 * Items that can be exchanged without changing anything: per item the one before
 * it of its kind, or UINT32_MAX. The cover must be reduced. NULL for want of
 * memory; the caller frees it.
 */
uint32_t *cover_twins(const struct cover *cover);

#endif
