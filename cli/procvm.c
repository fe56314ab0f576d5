// SPDX-License-Identifier: GPL-2.0
/* VMs as /proc shows them: by their open files. */
#include "procvm.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"

#define KVM_VM "anon_inode:kvm-vm"
#define KTHREADD 2			/* whose children all threads of the kernel are */

static bool holds_vm(const char *path)
{
	char link[PATH_MAX], target[sizeof(KVM_VM)];
	struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *dir = opendir(path);

	if (!dir && errno == ENOMEM)
		memory_missing();
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (snprintf(link, sizeof(link), "%s/%s", path, entry->d_name) >=
		    (int)sizeof(link))
			continue;
		len = readlink(link, target, sizeof(target));
		found = len == sizeof(KVM_VM) - 1 && !memcmp(target, KVM_VM, (size_t)len);
	}
	closedir(dir);
	return found;
}

static uint32_t to_pid(const char *name)
{
	unsigned long pid;
	char *end;

	if (*name < '1' || *name > '9')
		return 0;
	pid = strtoul(name, &end, 10);
	return *end || pid > INT32_MAX ? 0 : (uint32_t)pid;
}

static int look_at(struct snapshot *snap, const char *root, const char *name, struct error *err)
{
	char path[PATH_MAX];
	uint32_t pid = to_pid(name);

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "%s/proc/%u/fd", root, pid);
	if (holds_vm(path) && !snapshot_add_vm(snap, pid) && errno != EEXIST)
		return error_no_memory(err);
	return 0;
}

int procvm_find(struct snapshot *snap, const char *root, struct error *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (!dir)
		return error_set(err, EXIT_RUNTIME, "cannot look for VMs in /proc: %s",
				 strerror(errno));
	while (!ret && (entry = readdir(dir)))
		ret = look_at(snap, root, entry->d_name, err);
	closedir(dir);
	return ret;
}

struct stat_fields {
	unsigned long long parent, start_ticks;
};

static bool read_stat(uint32_t pid, const char *root, struct stat_fields *fields)
{
	char path[64], *text, *rest;
	bool complete;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	text = files_read(root, path, 4096, &len);
	/* the second field is a name of any characters, in parentheses */
	rest = text ? strrchr(text, ')') : NULL;
	complete = rest && sscanf(rest + 1, " %*c %llu"
				  " %*s %*s %*s %*s %*s %*s %*s %*s %*s"
				  " %*s %*s %*s %*s %*s %*s %*s %*s %llu",
				  &fields->parent, &fields->start_ticks) == 2;
	free(text);
	return complete;
}

bool procvm_start_time(uint32_t pid, const char *root, uint64_t *ns)
{
	struct stat_fields fields = {};
	bool found = read_stat(pid, root, &fields);

	*ns = fields.start_ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
	return found;
}

bool procvm_is_kernels(uint32_t pid, const char *root)
{
	struct stat_fields fields;

	return read_stat(pid, root, &fields) && fields.parent == KTHREADD;
}
