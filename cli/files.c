// SPDX-License-Identifier: GPL-2.0
/* Reading the kernel's small text files, whose size nobody tells beforehand. */
#include "files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"

static int open_file(const char *root, const char *path)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(full, O_RDONLY | O_CLOEXEC);
}

static char *read_all(int fd, size_t limit, size_t *len)
{
	size_t size = 4096;
	char *text = NULL;
	ssize_t got;

	*len = 0;
	do {
		text = memory_checked(realloc(text, size + 1));
		got = read(fd, text + *len, size - *len);
		if (got < 0)
			break;
		*len += (size_t)got;
		if (*len == size)
			size *= 2;
		if (!got || *len >= limit) {
			text[*len] = '\0';
			return text;
		}
	} while (1);
	free(text);
	return NULL;
}

char *files_read(const char *root, const char *path, size_t limit, size_t *len)
{
	int fd = open_file(root, path), error;
	char *text;

	if (fd < 0)
		return NULL;
	text = read_all(fd, limit, len);
	error = errno;
	close(fd);
	errno = error;
	return text;
}

bool files_number(const char *root, const char *path, uint64_t *value)
{
	size_t len;
	char *text = files_read(root, path, 4096, &len), *end;
	bool valid = text && isdigit((unsigned char)text[0]);

	if (valid) {
		errno = 0;
		*value = strtoull(text, &end, 10);
		valid = !errno;
	}
	free(text);
	return valid;
}
