// SPDX-License-Identifier: GPL-2.0
/* The host's side of a snapshot, which needs no module. */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define FILE_MAX (1024 * 1024)
#define KSM "/sys/kernel/mm/ksm/"

/* The number of kB behind a key such as "MemTotal:", in bytes. */
static bool kilobytes_of(const char *text, const char *key, uint64_t *bytes)
{
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, strlen(key))) {
			*bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
			return true;
		}
	}
	return false;
}

static void read_memory(struct snapshot *snap, const char *root)
{
	size_t len;
	char *text = files_read(root, "/proc/meminfo", FILE_MAX, &len);
	uint64_t bytes;

	if (!text)
		return;
	if (kilobytes_of(text, "MemTotal:", &bytes))
		facts_set(&snap->host, HOST_MEM_TOTAL, bytes);
	if (kilobytes_of(text, "MemAvailable:", &bytes))
		facts_set(&snap->host, HOST_MEM_AVAILABLE, bytes);
	free(text);
}

static uint64_t count_cpus(const char *text)
{
	uint64_t cpus = 0;
	const char *at;

	for (at = text; (at = strstr(at, "\ncpu")); at += 4)
		cpus++;
	return cpus;
}

/* Idle time includes waiting for disks: both leave the CPU to others. */
static void read_cpus(struct snapshot *snap, const char *root)
{
	unsigned long long idle, iowait;
	size_t len;
	char *text = files_read(root, "/proc/stat", 16 * FILE_MAX, &len);
	uint64_t tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK), cpus;

	if (!text)
		return;
	if (sscanf(text, "cpu %*u %*u %*u %llu %llu", &idle, &iowait) == 2)
		facts_set(&snap->host, HOST_IDLE_CPU_NS, (idle + iowait) * tick);
	cpus = count_cpus(text);
	if (cpus)
		facts_set(&snap->host, HOST_CPUS, cpus);
	free(text);
}

/* On the clock of the VMs' start times. */
static void read_uptime(struct snapshot *snap, const char *root)
{
	unsigned long long seconds, hundredths;
	size_t len;
	char *text = files_read(root, "/proc/uptime", 4096, &len);

	if (text && sscanf(text, "%llu.%llu", &seconds, &hundredths) == 2)
		facts_set(&snap->host, HOST_UPTIME_NS, seconds * 1000000000 + hundredths * 10000000);
	free(text);
}

static void read_ksm(struct snapshot *snap, const char *root)
{
	static const struct {
		const char *path;
		enum host_field field;
	} files[] = {
		{ KSM "run", HOST_KSM_RUN },
		{ KSM "pages_shared", HOST_KSM_PAGES_SHARED },
		{ KSM "pages_sharing", HOST_KSM_PAGES_SHARING },
	};
	uint64_t value;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files_number(root, files[i].path, &value))
			facts_set(&snap->host, files[i].field, value);
	}
}

void host_read(struct snapshot *snap, const char *root)
{
	size_t len;
	char *release = files_read(root, "/proc/sys/kernel/osrelease", 4096, &len);

	if (release)
		release[strcspn(release, "\n")] = '\0';
	free(snap->kernel);
	snap->kernel = release;
	read_memory(snap, root);
	read_cpus(snap, root);
	read_uptime(snap, root);
	read_ksm(snap, root);
}

bool host_has_ksm(const char *root)
{
	uint64_t run;

	return files_number(root, KSM "run", &run);
}

void host_read_pss(struct snapshot *snap, const char *root)
{
	char path[64], *text;
	uint64_t bytes;
	size_t i, len;

	for (i = 0; i < snap->n_vms; i++) {
		snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", snap->vms[i].pid);
		text = files_read(root, path, FILE_MAX, &len);
		if (text && kilobytes_of(text, "Pss:", &bytes))
			facts_set(&snap->vms[i].facts, VM_PSS, bytes);
		free(text);
	}
}
