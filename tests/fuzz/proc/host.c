// SPDX-License-Identifier: GPL-2.0
/* Files of the host, and lists of CPUs wherever they are. */
#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "affinity.h"
#include "cpumask.h"
#include "cpuorder.h"
#include "diagnose.h"
#include "host.h"
#include "model.h"
#include "proc/readers.h"
#include "proc/scratch.h"

/* Of every second CPU: there is no longer one. */
#define LIST (CPUMASK_CPUS * sizeof("8191,") / 2 + 1)

static void check_ascending(const char *list)
{
	long cpu, last = -1;
	char *end;

	for (; *list; list = end + (*end != '\0')) {
		cpu = strtol(list, &end, 10);
		if (end == list || cpu <= last || cpu >= CPUMASK_CPUS)
			abort();
		last = cpu;
	}
}

static void check_mask(const struct cpumask *mask)
{
	struct cpumask again;
	char list[LIST];

	cpumask_print(mask, list, sizeof(list));
	check_ascending(list);
	if (!cpumask_parse(&again, list) || !cpumask_equal(mask, &again))
		abort();
}

/* The cgroup's file has the same list. */
static void check_allowed(const struct cpumask *mask, const char *text)
{
	struct cpumask some;

	cpumask_parse(&some, "0-3,100");
	cpumask_and(&some, &some, mask);
	if (!affinity_is_allowed(NOWHERE, text) ||
	    affinity_is_allowed(NOWHERE, "0-3,100") == cpumask_is_empty(&some))
		abort();
}

/* Each CPU's place is looked for, in two files: that of thousands takes long. */
static bool is_short(const char *text)
{
	size_t digits = 0, i;

	for (i = 0; text[i] && digits <= 2; i++)
		digits = isdigit((unsigned char)text[i]) ? digits + 1 : 0;
	return digits <= 2 && i <= 16;
}

static void check_order(const struct cpuorder *order, const struct cpumask *mask)
{
	struct cpumask again;
	char list[LIST];
	size_t i;

	/* their places are not known, so they stand by their numbers */
	for (i = 1; i < order->n; i++) {
		if (order->cpus[i] < order->cpus[i - 1])
			abort();
	}
	if (!mask)
		return;
	if (!cpuorder_list(order, 0, order->n, list, sizeof(list)) ||
	    !cpumask_parse(&again, list) || !cpumask_equal(mask, &again))
		abort();
}

void read_cpus(const char *text, size_t size)
{
	struct cpumask mask;

	(void)size;
	affinity_is_chosen(NOWHERE);
	if (!cpumask_parse(&mask, text))
		return;
	check_mask(&mask);
	check_allowed(&mask, text);
}

/* What is a list for the reader of masks is the same list for this one. */
void read_order(const char *text, size_t size)
{
	struct cpuorder *order;
	struct cpumask mask;
	bool good = cpumask_parse(&mask, text);
	char dir[PATH_MAX];

	if (!is_short(text))
		return;
	scratch_put("cpus/online", text, size);
	snprintf(dir, sizeof(dir), "%s/cpus", scratch_dir());
	order = cpuorder_read(dir);
	if (order)
		check_order(order, good ? &mask : NULL);
	else if (good)
		abort();
	cpuorder_free(order);
}

void read_host(const char *text, size_t size)
{
	struct findings findings = {};
	struct snapshot snap;
	uint64_t cpus;

	(void)text;
	(void)size;
	snapshot_init(&snap);
	facts_set(&snapshot_add_vm(&snap, PID)->facts, VM_ANON, 1 << 30);
	host_read(&snap, NOWHERE);
	host_read_pss(&snap, NOWHERE);
	if (strchr(snap.kernel, '\n') || (facts_get(&snap.host, HOST_CPUS, &cpus) && !cpus))
		abort();
	diagnose_ksm(&findings, &snap, false);
	diagnose_ksmd(&findings, &snap, NOWHERE);
	findings_free(&findings);
	snapshot_free(&snap);
}
