/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TEST_MANAGEHOST_H
#define VMSHARE_TEST_MANAGEHOST_H

#include "policy/manage.h"

#define SECOND 1000000000ull
#define MS 1000000ull
#define VMS 8

/* A host whose samples are one second apart. */
struct host {
	struct manage_options options;
	struct manage_state state;
	struct manage_sample now, before;
	struct manage_vm vms[VMS], old[VMS];
	struct manage_decision *decisions;
	bool begun;
};

/* Its VMs have the pids from 100 on. */
void host_init(struct host *host, uint32_t cpus, const uint32_t *vcpus, size_t n);
void host_free(struct host *host);

/* Decides; what the samples were is kept for the next check. */
int host_check(struct host *host);

/* What is decided is what the next sample finds. */
void host_apply(struct host *host);

/* A second in which the VMs used and waited for so many millicpus. */
void host_second(struct host *host, const uint64_t *used, const uint64_t *waited);

#endif
