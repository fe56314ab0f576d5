/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_PINS_H
#define VMSHARE_POLICY_PINS_H

#include "policy/check.h"

/* Decides about CPUs of their own, for all VMs; none if the options do not want them. */
void pins_decide(struct check *check);

/* Adds to the decision about one VM, when all else is settled, whether its CPUs change. */
void pins_settle(struct check *check, size_t i);

#endif
