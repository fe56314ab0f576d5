// SPDX-License-Identifier: GPL-2.0
/*
 * What a check of vmshare manage costs: the manager itself, over as many VMs as
 * asked for, each an idle process in a real cgroup of its own. Counters come from
 * the module, where it has as many VMs; else they are made up in the same shape.
 *
 *	managecost [VMS [CHECKS [DIRECTORY]]]
 *
 * DIRECTORY is where cgroups can be made. Prints one line of JSON: CPU time of this
 * process per check, and as a part of one CPU if there is a check each second.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "manager.h"

#define THREADS 6			/* of a VM: 2 vCPUs and what QEMU has beside them */

static unsigned int vms = 100, checks = 200;
static const char *directory = "/sys/fs/cgroup";
static pid_t *pids;
static uint64_t now_ns = 1000000000;

static void cgroup_path(unsigned int i, const char *file, char *path, size_t size)
{
	snprintf(path, size, "%s/managecost-%u%s", directory, i, file);
}

static void start_vm(unsigned int i)
{
	char path[512];
	FILE *file;

	pids[i] = fork();
	if (!pids[i]) {
		for (;;)
			pause();
	}
	cgroup_path(i, "", path, sizeof(path));
	if (pids[i] < 0 || (mkdir(path, 0755) && errno != EEXIST))
		err(1, "%s", path);
	cgroup_path(i, "/cgroup.procs", path, sizeof(path));
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d\n", pids[i]) < 0 || fclose(file))
		err(1, "%s", path);
}

static void end_vm(unsigned int i)
{
	char path[512];

	kill(pids[i], SIGKILL);
	waitpid(pids[i], NULL, 0);
	cgroup_path(i, "", path, sizeof(path));
	while (rmdir(path) && errno == EBUSY)
		usleep(1000);
}

/* All VMs are busy, and wait, in a way that changes: there is always something to decide. */
static int make_up(void *data, struct cpu *cpu, struct error *error)
{
	unsigned int i, j;

	(void)data;
	(void)error;
	memset(cpu, 0, sizeof(*cpu));
	cpu->taken_ns = now_ns;
	for (i = 0; i < vms; i++) {
		for (j = 0; j < THREADS; j++) {
			struct thread *thread = cpu_add_thread(cpu);
			uint64_t part = 1 + (i + now_ns / 3000000000) % 7;

			if (!thread)
				errx(1, "out of memory");
			thread->pid = (uint32_t)pids[i];
			thread->tid = (uint32_t)pids[i] + 4194304 * j;
			thread->kind = j < 2 ? THREAD_VCPU : THREAD_VMM;
			facts_set(&thread->counters.facts, THREAD_RUN_NS, now_ns / 8 * part);
			facts_set(&thread->counters.facts, THREAD_READY_NS, now_ns / 20);
		}
	}
	cpu_sort(cpu);
	return 0;
}

static int ask_module(void *data, struct cpu *cpu, struct error *error)
{
	return client_cpu(data, 0, cpu, error);
}

/* The module's counters, if it knows at least as many VMs. */
static bool use_module(struct manager_source *source)
{
	struct client *client;
	struct error error;
	struct cpu cpu;
	size_t i, found = 0;

	if (client_open(&client, NULL, &error) || client_cpu(client, 0, &cpu, &error))
		return false;
	for (i = 0; i < cpu.n_threads; i++)
		found += !i || cpu.threads[i].pid != cpu.threads[i - 1].pid;
	cpu_free(&cpu);
	if (found < vms)
		return false;
	*source = (struct manager_source){ ask_module, client };
	return true;
}

static void quiet(const char *text)
{
	(void)text;
}

static uint64_t cpu_time_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void measure(struct manager_options *options)
{
	struct manager manager;
	struct error error;
	uint64_t began;
	unsigned int i;

	if (manager_open(&manager, options, &error) || manager_check(&manager, &error))
		errx(1, "%s", error.message);
	began = cpu_time_ns();
	for (i = 0; i < checks; i++) {
		now_ns += 1000000000;
		if (manager_check(&manager, &error))
			errx(1, "%s", error.message);
	}
	began = cpu_time_ns() - began;
	printf("{\"vms\":%zu,\"checks\":%u,\"counters\":\"%s\",\"ns_per_check\":%" PRIu64
	       ",\"percent_of_one_cpu_at_1s\":%.4f}\n", manager.roster.n, checks,
	       options->source.data ? "module" : "made up", began / checks,
	       (double)began / checks / 1e7);
	manager_close(&manager);
}

int main(int argc, char **argv)
{
	struct manager_options options = {
		.source.read = make_up, .root = "", .journal = "/run/managecost.journal",
		.apply = true, .say = quiet,
	};
	unsigned int i;

	if (argc > 1)
		vms = (unsigned int)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		checks = (unsigned int)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		directory = argv[3];
	if (!vms || !checks)
		errx(2, "usage: managecost [VMS [CHECKS [DIRECTORY]]]");
	manage_options_init(&options.policy);
	options.out = fopen("/dev/null", "w");
	pids = calloc(vms, sizeof(*pids));
	if (!options.out || !pids)
		err(1, NULL);
	if (!use_module(&options.source)) {
		for (i = 0; i < vms; i++)
			start_vm(i);
	}
	measure(&options);
	for (i = 0; i < vms && pids[i]; i++)
		end_vm(i);
	return 0;
}
