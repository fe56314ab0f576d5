/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OWNERS_H
#define VMSHARE_OWNERS_H

#include "model.h"

/*
 * The slice of a process by the text of /proc/PID/cgroup: the innermost part
 * that ends in ".slice", else the outermost part, which a container's manager
 * may have named. false if it is in no group but the root.
 */
bool owners_parse_slice(const char *cgroup, char *slice, size_t size);

/* Gives all VMs their user and slice. root: see files.h. */
void owners_resolve(struct snapshot *snap, const char *root);

#endif
