/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_AFFINITY_H
#define VMSHARE_AFFINITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * The CPUs of a VM's threads, as a setting like others: text under this name. A thread
 * is free if nothing but its cgroup limits it.
 */
#define AFFINITY_KEY "affinity"

/*
 * Whose: all processes of a v2 cgroup, the VM's helpers among them; and the VM's own
 * wherever it is, as what its threads were given goes with them when it is moved.
 */
struct affinity {
	const char *dir;		/* of the cgroup */
	uint32_t pid;
	uint64_t start_time_ns;		/* the pid may be another's by now */
	const char *ours[2];		/* lists that vmshare has given them, or was about to; NULL or "": none */
};

/*
 * "" if all threads are free; the list if one of them has CPUs that are ours; else which
 * CPUs a thread has that somebody has chosen for it. A CPU that is off-line counts as
 * there. Returns 0; -ENOENT if there are no such threads; else -1; err is filled if not 0.
 */
int affinity_read(const struct affinity *affinity, char *value, size_t size, struct error *err);

/*
 * Gives these CPUs to all threads that are free or have ours; "" makes those free that have
 * ours. The others stay as they are: their CPUs are somebody else's. Also threads that are
 * started meanwhile. Returns as affinity_read(), with the first thread that refused.
 */
int affinity_write(const struct affinity *affinity, const char *cpus, struct error *err);

/* Has somebody chosen the CPUs of the cgroup itself (cpuset.cpus)? */
bool affinity_is_chosen(const char *dir);

/* Does the cgroup allow any of these CPUs? */
bool affinity_is_allowed(const char *dir, const char *cpus);

#endif
