// SPDX-License-Identifier: GPL-2.0
/* The CPUs of threads beside those of their cgroup, both lists as the kernel writes them. */
#include "affinity.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

#define FILE_MAX (64ul << 10)
#define KEY "\nCpus_allowed_list:"

/* The next of "0-3,8"; false at the end. */
static bool next_range(const char **list, unsigned long *first, unsigned long *last)
{
	char *end;

	*first = *last = strtoul(*list, &end, 10);
	if (end == *list)
		return false;
	if (*end == '-')
		*last = strtoul(end + 1, &end, 10);
	*list = end + (*end == ',');
	return true;
}

static bool has_range(const char *list, unsigned long first, unsigned long last)
{
	unsigned long from, to;

	while (next_range(&list, &from, &to)) {
		if (from <= first && last <= to)
			return true;
	}
	return false;
}

/* Neighbouring CPUs are one range, so each one must be within one. */
static bool has_all(const char *list, const char *wanted)
{
	unsigned long first, last;

	while (next_range(&wanted, &first, &last)) {
		if (!has_range(list, first, last))
			return false;
	}
	return true;
}

/* One that has ended meanwhile has none. */
static bool has_own(const char *root, uint32_t pid, const char *thread, const char *wanted)
{
	char path[64 + NAME_MAX], *status, *list;
	bool own;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%s/status", pid, thread);
	status = files_read(root, path, FILE_MAX, &len);
	list = status ? strstr(status, KEY) : NULL;
	own = list && !has_all(list + strlen(KEY), wanted);
	free(status);
	return own;
}

static bool any_has_own(const char *root, uint32_t pid, const char *wanted)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool own = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/%" PRIu32 "/task", root, pid);
	dir = opendir(path);
	while (dir && !own && (entry = readdir(dir)))
		own = *entry->d_name != '.' && has_own(root, pid, entry->d_name, wanted);
	if (dir)
		closedir(dir);
	return own;
}

bool affinity_is_chosen(const char *root, uint32_t pid, const char *dir)
{
	size_t len;
	char *wanted = files_read(dir, "/cpuset.cpus.effective", FILE_MAX, &len);
	bool own = wanted && any_has_own(root, pid, wanted);

	free(wanted);
	return own;
}
