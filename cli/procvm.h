/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_PROCVM_H
#define VMSHARE_PROCVM_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "model.h"

/*
 * Finds VMs without the module: processes that hold a KVM virtual machine open.
 * Only their pids are known then.
 */
int procvm_find(struct snapshot *snap, const char *root, struct error *err);

/* When the process that has the pid now was started, since boot; false: there is none. */
bool procvm_start_time(uint32_t pid, const char *root, uint64_t *ns);

/* A thread of the kernel's own. */
bool procvm_is_kernels(uint32_t pid, const char *root);

#endif
