/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_HOST_H
#define VMSHARE_HOST_H

#include <stdbool.h>

#include "model.h"

/*
 * What /proc and /sys say about the host: memory, CPUs, KSM's own counters.
 * What cannot be read stays unknown. root: see files.h.
 */
void host_read(struct snapshot *snap, const char *root);

/* Was this kernel built with KSM? */
bool host_has_ksm(const char *root);

/* Proportional set size of every VM; the kernel walks their page tables for it. */
void host_read_pss(struct snapshot *snap, const char *root);

#endif
