// SPDX-License-Identifier: GPL-2.0
/*
 * From a process to the directory of its CPU limits. The path says whose it is:
 * systemd names its cgroups after units, and libvirt its own after machines.
 */
#include "cgroup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files.h"

#define MOUNTINFO_MAX (16ul << 20)
#define PROCS_MAX (4ul << 20)

/* Is the word one of those between the commas? */
static bool in_list(const char *list, size_t len, const char *word)
{
	size_t wanted = strlen(word), part;

	for (; len; list += part + 1, len -= part < len ? part + 1 : len) {
		const char *comma = memchr(list, ',', len);

		part = comma ? (size_t)(comma - list) : len;
		if (part == wanted && !memcmp(list, word, part))
			return true;
	}
	return false;
}

/* mountinfo writes blanks and the like as a backslash and three octal digits. */
static void unescape(const char *in, char *out, size_t size)
{
	size_t len = 0;

	for (; *in && len + 1 < size; in++) {
		unsigned int code;

		if (*in == '\\' && sscanf(in + 1, "%3o", &code) == 1) {
			out[len++] = (char)code;
			in += 3;
		} else {
			out[len++] = *in;
		}
	}
	out[len] = '\0';
}

static void note_mount(struct cgroup_mount *mount, enum cgroup_version version, const char *root,
		       const char *top, const char *point)
{
	char plain[CGROUP_PATH / 2];

	if (mount->version != CGROUP_NONE)
		return;
	unescape(point, plain, sizeof(plain));
	if (snprintf(mount->point, sizeof(mount->point), "%s%s", root, plain) >=
	    (int)sizeof(mount->point))
		return;
	unescape(top, mount->top, sizeof(mount->top));
	mount->version = version;
}

/* "ID PARENT DEVICE TOP POINT OPTIONS [OPTIONAL]... - TYPE SOURCE SUPEROPTIONS" */
static void read_mount(struct cgroups *cgroups, char *line)
{
	char *word[5], *rest = strstr(line, " - "), *type, *options, *save = NULL;
	int i;

	if (!rest)
		return;
	*rest = '\0';
	for (i = 0; i < 5; i++) {
		word[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!word[i])
			return;
	}
	type = strtok_r(rest + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	if (!type || !options)
		return;
	if (!strcmp(type, "cgroup2"))
		note_mount(&cgroups->unified, CGROUP_V2, cgroups->root, word[3], word[4]);
	else if (!strcmp(type, "cgroup") && in_list(options, strlen(options), "cpu"))
		note_mount(&cgroups->cpu, CGROUP_V1, cgroups->root, word[3], word[4]);
}

int cgroups_find(struct cgroups *cgroups, const char *root)
{
	char *text, *line, *save = NULL, path[PATH_MAX];
	struct stat status;
	size_t len;

	memset(cgroups, 0, sizeof(*cgroups));
	cgroups->root = root;
	text = files_read(root, "/proc/self/mountinfo", MOUNTINFO_MAX, &len);
	if (!text)
		return -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_mount(cgroups, line);
	free(text);
	/* a controller is in one hierarchy only */
	if (cgroups->cpu.version == CGROUP_NONE)
		cgroups->cpu = cgroups->unified;
	snprintf(path, sizeof(path), "%s/run/systemd/system", root);
	cgroups->systemd = !stat(path, &status) && S_ISDIR(status.st_mode);
	return 0;
}

/*
 * Finds the path in the hierarchy of a controller, "" for v2, in the text of
 * /proc/PID/cgroup: lines of ID:CONTROLLERS:PATH.
 */
static bool find_path(const char *text, const char *controller, char path[CGROUP_PATH])
{
	const char *line, *next, *list, *colon;

	for (line = text; *line; line = next) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		list = memchr(line, ':', len);
		colon = list ? memchr(list + 1, ':', len - (size_t)(list + 1 - line)) : NULL;
		if (!colon)
			continue;
		if (*controller ? !in_list(list + 1, (size_t)(colon - list - 1), controller) :
				  colon != list + 1)
			continue;
		len -= (size_t)(colon + 1 - line);
		if (len >= CGROUP_PATH)
			return false;
		memcpy(path, colon + 1, len);
		path[len] = '\0';
		return *path == '/';
	}
	return false;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t part = strlen(end);

	return len > part && !memcmp(text + len - part, end, part);
}

static bool is_unit(const char *name, size_t len)
{
	return ends_with(name, len, ".scope") || ends_with(name, len, ".service");
}

static bool is_libvirt(const char *name, size_t len)
{
	return (len > 12 && !memcmp(name, "machine-qemu", 12) && ends_with(name, len, ".scope")) ||
	       ends_with(name, len, ".libvirt-qemu");
}

/*
 * Where in the path the VM as a whole is: libvirt puts the threads of a machine
 * into cgroups below the machine's own. Returns the length of that part. Whoever was
 * given a unit, or is a user, can make a cgroup of that name below it: that is none.
 */
static size_t machine_length(const char *path)
{
	const char *name = path, *end;

	if (!strncmp(path, "/user.slice/", 12))
		return 0;
	while (*name) {
		name += *name == '/';
		end = name + strcspn(name, "/");
		if (is_libvirt(name, (size_t)(end - name)))
			return (size_t)(end - path);
		if (is_unit(name, (size_t)(end - name)))
			return 0;
		name = end;
	}
	return 0;
}

/*
 * The first part of the path that is a unit's name: systemd makes no unit below
 * another's cgroup, so what follows is not the machine's. Returns where it ends.
 */
static size_t find_unit(const char *path, char unit[CGROUP_UNIT])
{
	const char *name = path, *end;

	unit[0] = '\0';
	while (*name) {
		name += *name == '/';
		end = name + strcspn(name, "/");
		if (is_unit(name, (size_t)(end - name)) && end - name < CGROUP_UNIT) {
			/* systemd puts _ before names that the kernel uses itself */
			const char *plain = name + (*name == '_');

			memcpy(unit, plain, (size_t)(end - plain));
			unit[end - plain] = '\0';
			return (size_t)(end - path);
		}
		name = end;
	}
	return 0;
}

/* What was mounted may be a part of the hierarchy; paths name the whole of it. */
static int make_dir(const struct cgroup_mount *mount, const char *path, size_t len, char *dir)
{
	size_t skip = strcmp(mount->top, "/") ? strlen(mount->top) : 0;

	if (strncmp(path, mount->top, skip) || (skip && path[skip] && path[skip] != '/') ||
	    strstr(path, "/.."))
		return -ENOENT;
	if (skip > len)
		skip = len;
	while (len > skip && path[len - 1] == '/')
		len--;
	if (snprintf(dir, CGROUP_PATH, "%s%.*s", mount->point, (int)(len - skip), path + skip) >=
	    CGROUP_PATH)
		return -ENOENT;
	return 0;
}

static bool has_flag(const char *dir, const char *name)
{
	char value[4];

	return getxattr(dir, name, value, sizeof(value)) == 1 && value[0] == '1';
}

/* systemd marks on the v2 hierarchy what it leaves to others. */
static bool is_delegated(const struct cgroups *cgroups, const char *path, size_t unit_end)
{
	char dir[CGROUP_PATH];

	if (cgroups->unified.version == CGROUP_NONE ||
	    make_dir(&cgroups->unified, path, unit_end, dir))
		return false;
	return has_flag(dir, "trusted.delegate") || has_flag(dir, "user.delegate");
}

static void find_owner(const struct cgroups *cgroups, const char *text, struct cgroup *cgroup)
{
	char path[CGROUP_PATH], inner[CGROUP_UNIT];
	size_t end;

	if (!cgroups->systemd)
		return;
	/* systemd's own hierarchy: v2, or in the old layout one without a controller */
	if (!find_path(text, "name=systemd", path) && !find_path(text, "", path))
		return;
	end = find_unit(path, cgroup->unit);
	if (!end)
		return;
	cgroup->nested = find_unit(path + end, inner) != 0;
	cgroup->below_unit = path[end] != '\0';
	cgroup->delegated = is_delegated(cgroups, path, end);
}

int cgroup_of(const struct cgroups *cgroups, uint32_t pid, struct cgroup *cgroup)
{
	char file[64], *text;
	size_t len, machine;
	int ret = -ENOENT;

	memset(cgroup, 0, sizeof(*cgroup));
	snprintf(file, sizeof(file), "/proc/%u/cgroup", pid);
	text = files_read(cgroups->root, file, PROCS_MAX, &len);
	if (!text)
		return errno == ENOENT || errno == ESRCH ? -ESRCH : -errno;
	if (cgroups->cpu.version != CGROUP_NONE &&
	    find_path(text, cgroups->cpu.version == CGROUP_V1 ? "cpu" : "", cgroup->path)) {
		machine = machine_length(cgroup->path);
		cgroup->libvirt = machine != 0;
		if (machine)
			cgroup->path[machine] = '\0';
		ret = make_dir(&cgroups->cpu, cgroup->path, strlen(cgroup->path), cgroup->dir);
		cgroup->version = cgroups->cpu.version;
		find_owner(cgroups, text, cgroup);
	}
	free(text);
	return ret;
}

bool cgroup_is_root(const struct cgroup *cgroup)
{
	return !strcmp(cgroup->path, "/");
}

uint32_t cgroup_stranger(const struct cgroup *cgroup,
			 bool (*wanted)(uint32_t pid, const void *data), const void *data)
{
	char *text, *at, *end;
	uint32_t stranger = 0;
	size_t len;

	text = files_read(cgroup->dir, "/cgroup.procs", PROCS_MAX, &len);
	for (at = text; at && *at && !stranger; at = end) {
		unsigned long pid = strtoul(at, &end, 10);

		if (end == at)
			break;
		end += *end == '\n';
		if (pid && !wanted((uint32_t)pid, data))
			stranger = (uint32_t)pid;
	}
	free(text);
	return stranger;
}
