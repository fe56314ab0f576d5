// SPDX-License-Identifier: GPL-2.0
/* Reading and writing the files of a cgroup. */
#include "actuator/cgroupfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Once the cgroup is removed an open file of it gives ENODEV. */
static bool is_gone(const char *dir, int error)
{
	return (error == ENOENT || error == ENODEV) && access(dir, F_OK);
}

static int explain(struct error *err, const char *doing, const char *dir, const char *path,
		   int error)
{
	enum exit_code code = error == EACCES || error == EPERM ? EXIT_PERMISSION : EXIT_RUNTIME;

	error_set(err, code, "cannot %s %s: %s%s", doing, path, strerror(error),
		  code == EXIT_PERMISSION ? "; run this as root" : "");
	return is_gone(dir, error) ? -ENOENT : -1;
}

/* The first line, without its end. No file of a cgroup is a link, here and below. */
static int read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), error;
	ssize_t got;

	if (fd < 0)
		return errno;
	got = read(fd, line, size - 1);
	error = got < 0 ? errno : 0;
	close(fd);
	if (got < 0)
		return error;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int cgroupfiles_read(const char *dir, const char *const *keys, size_t n, struct settings *now,
		     struct error *err)
{
	char path[PATH_MAX], value[SETTING_VALUE];
	size_t i;
	int error;

	now->n = 0;
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, keys[i]);
		error = read_line(path, value, sizeof(value));
		if (error == ENOENT && !is_gone(dir, error))
			continue;
		if (error)
			return explain(err, "read", dir, path, error);
		settings_add(now, keys[i], "%s", value);
	}
	return 0;
}

/* One write is one change: the kernel takes the whole of it or nothing. */
static int write_line(const char *path, const char *value)
{
	char line[SETTING_VALUE + 1];
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), error = 0, len;

	if (fd < 0)
		return errno;
	len = snprintf(line, sizeof(line), "%s\n", value);
	if (write(fd, line, (size_t)len) != len)
		error = errno;
	close(fd);
	return error;
}

/*
 * Values depend on each other: no burst above the quota, no quota above that of
 * the cgroup above. What is refused at first is tried again after the others.
 */
int cgroupfiles_write(const char *dir, const struct settings *wanted, struct error *err)
{
	bool refused[SETTINGS_MAX] = {};
	char path[PATH_MAX];
	int error, again;
	size_t i;

	for (again = 0; again < 2; again++) {
		for (i = 0; i < wanted->n; i++) {
			if (again && !refused[i])
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, wanted->item[i].key);
			error = write_line(path, wanted->item[i].value);
			refused[i] = error == EINVAL && !again;
			if (error && !refused[i])
				return explain(err, "write", dir, path, error);
		}
	}
	return 0;
}
