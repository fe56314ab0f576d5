/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_PROCVM_H
#define VMSHARE_PROCVM_H

#include "error.h"
#include "model.h"

/*
 * Finds VMs without the module: processes that hold a KVM virtual machine open.
 * Only their pids are known then.
 */
int procvm_find(struct snapshot *snap, const char *root, struct error *err);

#endif
