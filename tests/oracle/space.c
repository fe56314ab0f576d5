// SPDX-License-Identifier: GPL-2.0
#include "space.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_SHIFT 12

/*
 * Where the stack began, field 28 of /proc/PID/stat. A fork keeps it and exec
 * draws a new one, so it finds the few processes that may share an mm or that
 * share pages by fork. 0 for a kernel thread, a zombie or a hidden process.
 */
static uint64_t stack_start(pid_t pid)
{
	unsigned long long start = 0;
	char path[32], line[1024];
	const char *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);

	rest = strrchr(line, ')');	/* the name may hold blanks */
	for (int field = 2; rest && field < 28; field++)
		rest = strchr(rest + 1, ' ');
	if (rest)
		sscanf(rest, "%llu", &start);
	return start;
}

static bool same_mm(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

/*
 * kcmp answers exactly, but comparing all pairs would be dear; processes of
 * one mm have one stack start, and few others have the same. On a kernel
 * without kcmp every process counts as a space of its own.
 */
static bool is_known(const struct spaces *spaces, pid_t pid, uint64_t family)
{
	for (size_t i = 0; i < spaces->nr; i++) {
		const struct space *space = &spaces->at[i];

		if (space->pid == pid)
			return true;
		if (family && space->family == family && same_mm(space->pid, pid))
			return true;
	}
	return false;
}

static void add_space(struct spaces *spaces, pid_t pid, uint64_t family)
{
	spaces->at = reallocarray(spaces->at, spaces->nr + 1, sizeof(*spaces->at));
	if (!spaces->at)
		err(1, "no memory for the list of processes");
	spaces->at[spaces->nr++] = (struct space){ .pid = pid, .family = family };
}

static int by_pid(const void *a, const void *b)
{
	const struct space *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

void spaces_add_vms(struct spaces *spaces, const char *list)
{
	while (*list) {
		char *end;
		long pid = strtol(list, &end, 10);

		if (end == list || pid <= 0 || (*end && *end != ','))
			errx(2, "\"%s\" is no list of process ids; give PID,PID,...", list);
		add_space(spaces, pid, stack_start(pid));
		list = *end ? end + 1 : end;
	}
	spaces->nr_vms = spaces->nr;
	qsort(spaces->at, spaces->nr, sizeof(*spaces->at), by_pid);
}

void spaces_add_others(struct spaces *spaces)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		err(1, "opening /proc; mount it first");
	while ((entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		uint64_t family = pid ? stack_start(pid) : 0;

		if (pid && pid != getpid() && !is_known(spaces, pid, family))
			add_space(spaces, pid, family);
	}
	closedir(proc);
}

static bool has_flag(const char *flags, const char *flag)
{
	const char *found = strstr(flags, flag);

	return found && found[-1] == ' ' && (found[2] == ' ' || found[2] == '\n');
}

static void set_flags(struct vma *vma, const char *flags)
{
	vma->mergeable = has_flag(flags, "mg");
	vma->hugetlb = has_flag(flags, "ht");
	vma->pfnmap |= has_flag(flags, "pf");
}

/*
 * Lines are the area's own ("START-END PERMS ... NAME") and, in smaps, what
 * is known about the area of the line before.
 */
static void parse_line(struct space *space, const char *line)
{
	unsigned long long start, end, kib;
	struct vma *vma = space->nr_vmas ? &space->vmas[space->nr_vmas - 1] : NULL;
	char perms[5];

	if (vma && !strncmp(line, "VmFlags:", 8)) {
		set_flags(vma, line);
	} else if (vma && sscanf(line, "KSM: %llu kB", &kib) == 1) {
		vma->ksm_pages = kib >> (PAGE_SHIFT - 10);
	} else if (sscanf(line, "%llx-%llx %4s", &start, &end, perms) == 3) {
		space->vmas = reallocarray(space->vmas, space->nr_vmas + 1, sizeof(*vma));
		if (!space->vmas)
			err(1, "no memory for the areas of process %d", space->pid);
		space->vmas[space->nr_vmas++] = (struct vma){
			.first = start >> PAGE_SHIFT, .last = end >> PAGE_SHIFT,
			.ksm_pages = KSM_PAGES_UNKNOWN,
			.shared = perms[3] == 's', .pfnmap = strstr(line, " [v"),
		};
	}
}

/* False if the process is hidden from us; one without areas has exited. */
static bool read_areas(struct space *space, enum area_source source)
{
	char path[32], *line = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", space->pid,
		 source == AREAS_FROM_SMAPS ? "smaps" : "maps");
	file = fopen(path, "r");
	if (!file && errno != ENOENT && errno != ESRCH)
		return false;
	while (file && getline(&line, &room, file) > 0)
		parse_line(space, line);
	space->gone = !space->nr_vmas;
	free(line);
	if (file)
		fclose(file);
	return true;
}

void spaces_read_areas(struct spaces *spaces, enum area_source source)
{
	for (size_t i = 0; i < spaces->nr; i++) {
		struct space *space = &spaces->at[i];

		if (read_areas(space, source))
			continue;
		if (i < spaces->nr_vms)
			err(1, "reading the areas of process %d; run as root", space->pid);
		space->gone = true;
		spaces->nr_unreadable++;
	}
}

void spaces_free(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces->nr; i++)
		free(spaces->at[i].vmas);
	free(spaces->at);
}
