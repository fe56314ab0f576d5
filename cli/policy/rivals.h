/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_RIVALS_H
#define VMSHARE_POLICY_RIVALS_H

#include "model.h"

/*
 * VMs of one name or UUID, which cannot be on one host: VMMs and managers take
 * none twice. Each VM points to the one of its name before it in the list, and
 * so on from there; likewise by UUID.
 */
#define RIVAL_NONE SIZE_MAX

struct rivals {
	size_t *by_name, *by_uuid;	/* per VM: an earlier one or RIVAL_NONE */
	bool any;
};

/* Returns -1 for want of memory; to be freed in any case. */
int rivals_find(struct rivals *rivals, const struct vm *const *vms, size_t count);
void rivals_free(struct rivals *rivals);

#endif
