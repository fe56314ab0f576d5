/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_AFFINITY_H
#define VMSHARE_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Has a thread of the process CPUs of its own: may it not run on all that its cgroup
 * has? Kernels before 6.2 forget them when the cgroup's CPUs change. dir is the
 * cgroup's; without a cpuset there nobody has any. root: see files.h.
 */
bool affinity_is_chosen(const char *root, uint32_t pid, const char *dir);

#endif
