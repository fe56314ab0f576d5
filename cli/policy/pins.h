/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_PINS_H
#define VMSHARE_POLICY_PINS_H

#include "policy/check.h"

/* Decides about CPUs of their own, for all VMs; none if the options do not want them. */
void pins_decide(struct check *check);

/* The reason of one VM's decision, when all else is settled, if it has CPUs of its own. */
void pins_explain(struct check *check, size_t i);

#endif
