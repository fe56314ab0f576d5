// SPDX-License-Identifier: GPL-2.0
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A rename is on disk when its directory is. */
static int sync_directory(const char *path)
{
	char copy[PATH_MAX];
	int fd, ret;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = fsync(fd);
	close(fd);
	return ret;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t done;

	while (left) {
		done = write(fd, text, left);
		if (done < 0 && errno != EINTR)
			return -1;
		if (done > 0) {
			text += done;
			left -= (size_t)done;
		}
	}
	return 0;
}

static int write_beside(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode), error;

	if (fd < 0)
		return -1;
	error = write_all(fd, text) || fsync(fd) ? errno : 0;
	if (close(fd) && !error)
		error = errno;
	errno = error;
	return error ? -1 : 0;
}

/* Half a file takes room, of which there may be none. */
static int give_up(const char *draft)
{
	int error = errno;

	unlink(draft);
	errno = error;
	return -1;
}

int replace_file(const char *path, const char *text, mode_t mode)
{
	char draft[PATH_MAX];

	if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (write_beside(draft, text, mode) || rename(draft, path))
		return give_up(draft);
	return sync_directory(path);
}
