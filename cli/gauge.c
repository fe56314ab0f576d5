// SPDX-License-Identifier: GPL-2.0
/* cpu.stat and the quota, in the words of either version of cgroups. */
#include "gauge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_SIZE 2048
#define DIR_SIZE (CGROUP_PATH + 64)

static int open_in(const char *dir, const char *file)
{
	char path[DIR_SIZE + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Where libvirt has put the vCPU: below libvirt/ from 7.1 on. */
static void vcpu_dir(const struct cgroup *cgroup, uint32_t vcpu, char dir[DIR_SIZE])
{
	snprintf(dir, DIR_SIZE, "%s/libvirt/vcpu%" PRIu32, cgroup->dir, vcpu);
	if (access(dir, F_OK))
		snprintf(dir, DIR_SIZE, "%s/vcpu%" PRIu32, cgroup->dir, vcpu);
}

static int open_stat(struct gauge *gauge, const char *dir)
{
	int fd = open_in(dir, "cpu.stat");

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	gauge->stat_fds[gauge->n_stats++] = fd;
	return 0;
}

static int open_quota(struct gauge *gauge, const char *dir)
{
	bool v1 = gauge->version == CGROUP_V1;

	gauge->quota_fd = open_in(dir, v1 ? "cpu.cfs_quota_us" : "cpu.max");
	if (gauge->quota_fd >= 0 && v1)
		gauge->period_fd = open_in(dir, "cpu.cfs_period_us");
	return gauge->quota_fd < 0 && errno != ENOENT ? -1 : 0;
}

int gauge_open(struct gauge *gauge, const struct cgroup *cgroup, uint32_t vcpus)
{
	uint32_t places = cgroup->libvirt && vcpus ? vcpus : 1, i;
	char dir[DIR_SIZE];
	int ret = 0;

	*gauge = (struct gauge){
		.version = cgroup->version, .quota_fd = -1, .period_fd = -1, .is_bounded = true,
	};
	gauge->stat_fds = calloc(places, sizeof(*gauge->stat_fds));
	if (!gauge->stat_fds)
		return -1;
	for (i = 0; !ret && i < places; i++) {
		if (cgroup->libvirt)
			vcpu_dir(cgroup, i, dir);
		else
			snprintf(dir, sizeof(dir), "%s", cgroup->dir);
		ret = open_stat(gauge, dir);
		if (!ret && !i)
			ret = open_quota(gauge, dir);
	}
	if (ret)
		gauge_close(gauge);
	return ret;
}

static int read_text(int fd, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	if (got < 0)
		return -1;
	text[got] = '\0';
	return 0;
}

/* "throttled_usec N" in v2, "throttled_time N" in nanoseconds in v1. */
static uint64_t throttled(const char *text, bool v1)
{
	const char *key = v1 ? "throttled_time " : "throttled_usec ";
	const char *at = strstr(text, key);
	uint64_t value = at ? strtoull(at + strlen(key), NULL, 10) : 0;

	return v1 ? value : value * 1000;
}

/* "max PERIOD" or "QUOTA PERIOD" in v2, two files with a number in v1; in us. */
static int read_quota(const struct gauge *gauge, struct gauge_reading *reading)
{
	char text[64], period[64] = "", *rest;
	long long quota;

	reading->quota_ns = UINT64_MAX;
	if (gauge->quota_fd < 0)
		return 0;
	if (read_text(gauge->quota_fd, text, sizeof(text)) ||
	    (gauge->period_fd >= 0 && read_text(gauge->period_fd, period, sizeof(period))))
		return -1;
	quota = strtoll(text, &rest, 10);
	if (rest == text || quota <= 0)
		return 0;
	reading->quota_ns = (uint64_t)quota * 1000;
	reading->period_ns = strtoull(*period ? period : rest, NULL, 10) * 1000;
	return 0;
}

static int read_throttled(struct gauge *gauge)
{
	char text[STAT_SIZE];
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < gauge->n_stats; i++) {
		if (read_text(gauge->stat_fds[i], text, sizeof(text)))
			return -1;
		sum += throttled(text, gauge->version == CGROUP_V1);
	}
	gauge->throttled_ns = sum;
	return 0;
}

/*
 * To make up cpu.stat costs the kernel several times what the quota does, and most VMs
 * have none most of the time. Of several vCPUs' quotas only the first is looked at.
 */
int gauge_read(struct gauge *gauge, struct gauge_reading *reading)
{
	bool was_bounded = gauge->is_bounded;

	memset(reading, 0, sizeof(*reading));
	if (read_quota(gauge, reading))
		return -1;
	gauge->is_bounded = gauge->quota_fd < 0 || gauge->n_stats > 1 || reading->period_ns;
	if ((was_bounded || gauge->is_bounded) && read_throttled(gauge))
		return -1;
	reading->throttled_ns = gauge->throttled_ns;
	return 0;
}

void gauge_close(struct gauge *gauge)
{
	size_t i;

	for (i = 0; i < gauge->n_stats; i++)
		close(gauge->stat_fds[i]);
	free(gauge->stat_fds);
	if (gauge->quota_fd >= 0)
		close(gauge->quota_fd);
	if (gauge->period_fd >= 0)
		close(gauge->period_fd);
	*gauge = (struct gauge){ .quota_fd = -1, .period_fd = -1 };
}
