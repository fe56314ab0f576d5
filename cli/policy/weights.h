/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_WEIGHTS_H
#define VMSHARE_POLICY_WEIGHTS_H

#include "policy/check.h"

/*
 * Fills weight of the decisions where the host is contended; fills has room for all VMs
 * twice.
 */
void weights_decide(struct check *check, struct fill *fills);

#endif
