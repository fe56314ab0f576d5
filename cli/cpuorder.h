/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CPUORDER_H
#define VMSHARE_CPUORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The host's CPUs that are on-line, in an order in which the threads of a core, and the
 * cores of a package, stand together: so a part of it is as whole as it can be.
 */
struct cpuorder {
	size_t n;
	uint32_t cpus[];
};

/*
 * From a directory like /sys/devices/system/cpu; the caller frees it. NULL if that
 * cannot be read, or for want of memory. A CPU of unknown place stands by its number.
 */
struct cpuorder *cpuorder_read(const char *dir);
void cpuorder_free(struct cpuorder *order);

/*
 * Those from first on, count of them, as the kernel's cpusets have it: "0-3,8". False
 * if there are not as many, or out is too short.
 */
bool cpuorder_list(const struct cpuorder *order, size_t first, size_t count, char *out,
		   size_t size);

#endif
