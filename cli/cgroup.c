// SPDX-License-Identifier: GPL-2.0
/*
 * From a process to the directory of its CPU limits. The path says whose it is:
 * systemd names its cgroups after units, and libvirt its own after machines.
 */
#include "cgroup.h"

#include <dirent.h>
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
#define CGROUPS_MAX 1000		/* below a VM's own: whoever has been given it can make them */

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

static bool is_slice(const char *name, size_t len)
{
	return ends_with(name, len, ".slice");
}

/* libvirt's own, where it does without systemd. */
static bool is_partition(const char *name, size_t len)
{
	static const char *const tops[] = { "machine", "system", "user" };
	size_t i;

	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		if (len == strlen(tops[i]) && !memcmp(name, tops[i], len))
			return true;
	}
	return ends_with(name, len, ".partition");
}

/*
 * Where in the path the VM as a whole is: libvirt puts the threads of a machine
 * into cgroups below the machine's own. Returns the length of that part. Whoever was
 * given a unit or another cgroup, or is a user, can make one of that name in it: that is
 * none, and the machine's libvirt would be asked about somebody else's.
 */
static size_t machine_length(const char *path)
{
	const char *name = path, *end;

	if (!strncmp(path, "/user.slice/", 12))
		return 0;
	for (; *name; name = end) {
		size_t len;

		name += *name == '/';
		len = strcspn(name, "/");
		end = name + len;
		if (is_libvirt(name, len))
			return (size_t)(end - path);
		if (!is_slice(name, len) && !is_partition(name, len))
			return 0;
	}
	return 0;
}

/* The slices that the path begins with: in something else the machine's systemd has no unit. */
static size_t slices_length(const char *path)
{
	size_t len = 0, part;

	while (path[len] == '/') {
		part = strcspn(path + len + 1, "/");
		if (!is_slice(path + len + 1, part))
			break;
		len += 1 + part;
	}
	return len;
}

/* The first part of the path with such a name, or NULL. */
static const char *find_part(const char *path, bool (*is)(const char *name, size_t len))
{
	size_t len;

	for (; *path; path += len) {
		path += *path == '/';
		len = strcspn(path, "/");
		if (is(path, len))
			return path;
	}
	return NULL;
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

/*
 * The first part of the path that is no slice decides: a unit of the machine's systemd,
 * which makes none below another's cgroup, so what follows is not the machine's; or a
 * cgroup that somebody else made, a container's manager for one, with units of another
 * systemd in it.
 */
static void find_owner(const struct cgroups *cgroups, const char *text, struct cgroup *cgroup)
{
	char path[CGROUP_PATH];
	const char *name;
	size_t start, len;
	bool unit;

	if (!cgroups->systemd)
		return;
	/* systemd's own hierarchy: v2, or in the old layout one without a controller */
	if (!find_path(text, "name=systemd", path) && !find_path(text, "", path))
		return;
	start = slices_length(path);
	if (path[start] != '/')
		return;
	name = path + start + 1;
	len = strcspn(name, "/");
	unit = is_unit(name, len);
	cgroup->nested = find_part(name + len, is_unit);
	if (!unit && !cgroup->nested)
		return;
	cgroup->below_unit = name[len] != '\0';
	cgroup->delegated = is_delegated(cgroups, path, (size_t)(name + len - path));
	/* systemd puts _ before names that the kernel uses itself */
	snprintf(cgroup->unit, sizeof(cgroup->unit), "%.*s", (int)(len - (*name == '_')),
		 name + (*name == '_'));
}

/* A machine of another libvirt's, or of ours in a place that cannot be told from that. */
static void find_foreign_machine(struct cgroup *cgroup)
{
	const char *name = find_part(cgroup->path, is_libvirt);

	if (!name || cgroup->nested)
		return;
	cgroup->nested = true;
	if (!*cgroup->unit)
		snprintf(cgroup->unit, sizeof(cgroup->unit), "%.*s", (int)strcspn(name, "/"), name);
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
		if (!machine)
			find_foreign_machine(cgroup);
	}
	free(text);
	return ret;
}

bool cgroup_is_root(const struct cgroup *cgroup)
{
	return !strcmp(cgroup->path, "/");
}

struct search {
	bool (*wanted)(uint32_t pid, const void *data);
	const void *data;
	uint32_t stranger;		/* 0: not found yet */
	unsigned int cgroups;		/* looked into so far */
};

static int search_processes(const char *dir, struct search *search)
{
	char *text, *at, *end;
	size_t len;

	text = files_read(dir, "/cgroup.procs", PROCS_MAX, &len);
	/* a cgroup that was removed has nobody in it */
	if (!text)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	for (at = text; *at && !search->stranger; at = end) {
		unsigned long pid = strtoul(at, &end, 10);

		if (end == at)
			break;
		end += *end == '\n';
		if (pid && !search->wanted((uint32_t)pid, search->data))
			search->stranger = (uint32_t)pid;
	}
	free(text);
	return 0;
}

static int search_below(const char *dir, struct search *search);

/* Processes with threads in a cgroup of threads are those of the one above, or above that. */
static int search_child(const char *dir, const char *name, struct search *search)
{
	char path[CGROUP_PATH];
	int ret;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (++search->cgroups > CGROUPS_MAX)
		return -E2BIG;
	ret = search_processes(path, search);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	return search->stranger ? 0 : search_below(path, search);
}

static int search_below(const char *dir, struct search *search)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	int ret = 0;

	if (!list)
		return errno == ENOENT ? 0 : -errno;
	while (!ret && !search->stranger && (entry = readdir(list))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			ret = search_child(dir, entry->d_name, search);
	}
	closedir(list);
	return ret;
}

int cgroup_stranger(const struct cgroup *cgroup, bool (*wanted)(uint32_t pid, const void *data),
		    const void *data, uint32_t *stranger)
{
	struct search search = { .wanted = wanted, .data = data };
	int ret = search_processes(cgroup->dir, &search);

	if (!ret && !search.stranger)
		ret = search_below(cgroup->dir, &search);
	*stranger = search.stranger;
	return ret;
}
