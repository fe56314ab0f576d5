// SPDX-License-Identifier: GPL-2.0
/* Whose is a VM: the user that its process runs as, and its place among control groups. */
#include "owners.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "text.h"

#define FILE_MAX (1024 * 1024)

/* The path of the unified hierarchy ("0::"), else of systemd's own, else of the first. */
static const char *group_path(const char *cgroup)
{
	const char *line = strncmp(cgroup, "0::", 3) ? strstr(cgroup, "\n0::") : cgroup;

	if (!line)
		line = strstr(cgroup, ":name=systemd:");
	if (!line)
		line = cgroup;
	return strchrnul(line + (*line == '\n'), '/');
}

static bool is_slice(const char *part, size_t len)
{
	return len > 6 && !strncmp(part + len - 6, ".slice", 6);
}

bool owners_parse_slice(const char *cgroup, char *slice, size_t size)
{
	const char *part = group_path(cgroup), *best = NULL;
	size_t len, best_len = 0;

	while (*part == '/') {
		part++;
		len = strcspn(part, "/\n");
		if (len && (!best || is_slice(part, len))) {
			best = part;
			best_len = len;
		}
		part += len;
	}
	if (!best)
		return false;
	snprintf(slice, size, "%.*s", (int)best_len, best);
	return true;
}

static void resolve_slice(struct vm *vm, const char *root)
{
	char path[64], slice[NAME_MAX + 1], clean[3 * NAME_MAX + 1], *text;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", vm->pid);
	text = files_read(root, path, FILE_MAX, &len);
	if (text && owners_parse_slice(text, slice, sizeof(slice))) {
		text_clean(slice, clean, sizeof(clean));
		vm->slice = memory_checked(strdup(clean));
	}
	free(text);
}

/* By name where the number has one. */
static char *user_name(unsigned int uid)
{
	const struct passwd *entry;
	char text[256];

	errno = 0;
	entry = getpwuid(uid);
	if (!entry && errno == ENOMEM)
		memory_missing();
	if (entry)
		text_clean(entry->pw_name, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%u", uid);
	return memory_checked(strdup(text));
}

static void resolve_user(struct vm *vm, const char *root)
{
	const char *line;
	char path[64], *text;
	unsigned int uid;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/status", vm->pid);
	text = files_read(root, path, FILE_MAX, &len);
	line = text ? strstr(text, "\nUid:") : NULL;
	/* real and effective; it is the second that owns what the process does */
	if (line && sscanf(line, "\nUid: %*u %u", &uid) == 1)
		vm->user = user_name(uid);
	free(text);
}

void owners_resolve(struct snapshot *snap, const char *root)
{
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		resolve_slice(&snap->vms[i], root);
		resolve_user(&snap->vms[i], root);
	}
}
