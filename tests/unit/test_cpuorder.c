// SPDX-License-Identifier: GPL-2.0
/* Where CPUs are, from directories made here. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "actuator/actuator.h"
#include "cpuorder.h"

static void place(unsigned int cpu, const char *package, const char *core)
{
	char path[100];

	snprintf(path, sizeof(path), "/cpus/cpu%u/topology/physical_package_id", cpu);
	test_file(path, package, strlen(package));
	snprintf(path, sizeof(path), "/cpus/cpu%u/topology/core_id", cpu);
	test_file(path, core, strlen(core));
}

static struct cpuorder *read_order(const char *online)
{
	char dir[4096];

	test_file("/cpus/online", online, strlen(online));
	snprintf(dir, sizeof(dir), "%s/cpus", test_root());
	return cpuorder_read(dir);
}

/* Two packages of two cores of two threads, numbered as most firmware does it. */
static void test_threads_stand_together(void)
{
	struct cpuorder *order;
	char list[64], number[2][16];
	unsigned int cpu;

	for (cpu = 0; cpu < 8; cpu++) {
		snprintf(number[0], sizeof(number[0]), "%u\n", cpu % 4 / 2);
		snprintf(number[1], sizeof(number[1]), "%u\n", cpu % 2);
		place(cpu, number[0], number[1]);
	}
	order = read_order("0-7\n");
	if (!ok(order && order->n == 8, "eight CPUs"))
		return;
	ok(cpuorder_list(order, 6, 2, list, sizeof(list)), "a core");
	is_text(list, "3,7", "is both of its threads");
	ok(cpuorder_list(order, 0, 4, list, sizeof(list)), "a package");
	is_text(list, "0-1,4-5", "is all of its cores");
	ok(!cpuorder_list(order, 6, 3, list, sizeof(list)) &&
	   !cpuorder_list(order, 9, 1, list, sizeof(list)) &&
	   !cpuorder_list(order, 0, 0, list, sizeof(list)), "what is not there is no list");
	ok(!cpuorder_list(order, 0, 4, list, 7) && cpuorder_list(order, 0, 4, list, 8),
	   "nor is what does not fit");
	cpuorder_free(order);
}

/* Two packages of 48 cores of two threads, numbered by turns: the longest list there is. */
static void test_long_lists(void)
{
	char list[SETTING_VALUE], core[16];
	struct cpuorder *order;
	unsigned int cpu;

	for (cpu = 0; cpu < 192; cpu++) {
		snprintf(core, sizeof(core), "%u\n", cpu / 2 % 48);
		place(cpu, cpu % 2 ? "1\n" : "0\n", core);
	}
	order = read_order("0-191\n");
	ok(order && cpuorder_list(order, 0, 96, list, sizeof(list)) && strlen(list) > 256,
	   "every second of 192 CPUs can be set");
	cpuorder_free(order);
}

static void test_online_lists(void)
{
	struct cpuorder *order = read_order("8,10-11\n");
	char list[64];

	ok(order && cpuorder_list(order, 0, 3, list, sizeof(list)), "CPUs of unknown place");
	is_text(list, "8,10-11", "stand by their numbers");
	cpuorder_free(order);
	ok(!read_order("none\n") && !read_order(""), "what is no list gives no order");
	ok(!cpuorder_read("/nonexistent"), "nor does a directory that is not there");
}

void test_cpuorder(void)
{
	test_threads_stand_together();
	test_long_lists();
	test_online_lists();
}
