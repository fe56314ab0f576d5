/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_GAUGE_H
#define VMSHARE_GAUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup.h"

/*
 * What a cgroup says of its CPU bandwidth, read again and again: its files stay
 * open, because opening them costs several times as much as reading.
 */
struct gauge {
	enum cgroup_version version;
	int quota_fd, period_fd;	/* -1: none */
	int *stat_fds;
	size_t n_stats;
	bool is_bounded;		/* it may be throttled, as far as was seen last */
	uint64_t throttled_ns;		/* as read last, while it could be */
};

struct gauge_reading {
	uint64_t throttled_ns;		/* since the cgroup was made; of all its vCPUs' cgroups */
	uint64_t quota_ns;		/* per period; UINT64_MAX: none */
	uint64_t period_ns;		/* 0 without a quota */
};

/*
 * Of libvirt's VMs the vCPUs are looked at, where their quotas are. A cgroup
 * without the CPU controller has no quota and no throttled time. -1 for want of
 * memory or descriptors, with errno.
 */
int gauge_open(struct gauge *gauge, const struct cgroup *cgroup, uint32_t vcpus);

/*
 * 0, or -1 if the cgroup is gone. Throttled time is read again for as long as there is a
 * quota, and once after that: without one it stands still.
 */
int gauge_read(struct gauge *gauge, struct gauge_reading *reading);
void gauge_close(struct gauge *gauge);

#endif
