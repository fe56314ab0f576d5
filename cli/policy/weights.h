/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_WEIGHTS_H
#define VMSHARE_POLICY_WEIGHTS_H

#include "policy/check.h"

/* Fills weight of the decisions where the host is contended; fills has room for all VMs. */
void weights_decide(struct check *check, struct fill *fills);

/* A weight that is close to the one decided before stays. */
void weights_settle(struct check *check, size_t i);

#endif
