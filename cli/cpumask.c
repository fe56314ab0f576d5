// SPDX-License-Identifier: GPL-2.0
/* Sets of CPUs, as lists and as the kernel's masks. */
#include "cpumask.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS (CPUMASK_CPUS / CPUMASK_BITS)

static void add(struct cpumask *mask, unsigned long cpu)
{
	mask->words[cpu / CPUMASK_BITS] |= 1ul << cpu % CPUMASK_BITS;
}

static bool has(const struct cpumask *mask, unsigned long cpu)
{
	return cpu < CPUMASK_CPUS && mask->words[cpu / CPUMASK_BITS] >> cpu % CPUMASK_BITS & 1;
}

/* The next of "0-3,8", added; false if it is none. */
static bool parse_range(struct cpumask *mask, const char **list)
{
	unsigned long first, last;
	char *end;

	if (!isdigit((unsigned char)**list))
		return false;
	first = last = strtoul(*list, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		last = strtoul(end + 1, &end, 10);
	*list = end;
	if (first > last || last >= CPUMASK_CPUS)
		return false;
	for (; first <= last; first++)
		add(mask, first);
	return true;
}

bool cpumask_parse(struct cpumask *mask, const char *list)
{
	memset(mask, 0, sizeof(*mask));
	do {
		if (!parse_range(mask, &list))
			return false;
	} while (*list++ == ',');
	return !list[-1] || list[-1] == '\n';
}

void cpumask_print(const struct cpumask *mask, char *out, size_t size)
{
	unsigned long cpu, end;
	size_t used = 0;

	out[0] = '\0';
	for (cpu = 0; cpu < CPUMASK_CPUS && used < size; cpu = end + 1) {
		for (end = cpu; has(mask, end); end++)
			continue;
		if (end == cpu)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%lu", used ? "," : "", cpu);
		if (end - cpu > 1 && used < size)
			used += (size_t)snprintf(out + used, size - used, "-%lu", end - 1);
	}
}

void cpumask_fill(struct cpumask *mask)
{
	memset(mask, 0xff, sizeof(*mask));
}

void cpumask_and(struct cpumask *both, const struct cpumask *a, const struct cpumask *b)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		both->words[i] = a->words[i] & b->words[i];
}

bool cpumask_is_empty(const struct cpumask *mask)
{
	static const struct cpumask none;

	return cpumask_equal(mask, &none);
}

bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool cpumask_has_all(const struct cpumask *mask, const struct cpumask *part)
{
	struct cpumask both;

	cpumask_and(&both, mask, part);
	return cpumask_equal(&both, part);
}
