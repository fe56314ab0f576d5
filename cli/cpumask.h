/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CPUMASK_H
#define VMSHARE_CPUMASK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* A set of CPUs, as sched_setaffinity() takes it: as large as any kernel's is. */
#define CPUMASK_CPUS 8192
#define CPUMASK_BITS (sizeof(long) * CHAR_BIT)

struct cpumask {
	unsigned long words[CPUMASK_CPUS / CPUMASK_BITS];
};

/* Of "0-3,8" up to the end of the line; false if it is no such list, or an empty one. */
bool cpumask_parse(struct cpumask *mask, const char *list);

/* Likewise; what does not fit into out is left off. */
void cpumask_print(const struct cpumask *mask, char *out, size_t size);

void cpumask_fill(struct cpumask *mask);
void cpumask_and(struct cpumask *both, const struct cpumask *a, const struct cpumask *b);
bool cpumask_is_empty(const struct cpumask *mask);
bool cpumask_equal(const struct cpumask *a, const struct cpumask *b);
bool cpumask_has_all(const struct cpumask *mask, const struct cpumask *part);

#endif
