// SPDX-License-Identifier: GPL-2.0
/* Files of other people's making, within a limit. */
#include "readall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE (64ul << 10)

struct text {
	char *bytes;
	size_t len, room, limit;
	const char *what;
};

static int too_long(const struct text *text, struct error *err)
{
	return error_set(err, EXIT_RUNTIME, "is longer than %zu MiB; no %s is, look what it really is",
			 text->limit >> 20, text->what);
}

/* There is always room for the zero. */
static int grow(struct text *text, struct error *err)
{
	size_t room = text->room ? 2 * text->room : FIRST_SIZE;
	char *bytes;

	if (text->room > text->limit)
		return too_long(text, err);
	bytes = realloc(text->bytes, room + 1);
	if (!bytes)
		return error_no_memory(err);
	text->bytes = bytes;
	text->room = room;
	return 0;
}

static int read_text(FILE *file, struct text *text, struct error *err)
{
	size_t got;

	do {
		if (text->len == text->room && grow(text, err))
			return -1;
		got = fread(text->bytes + text->len, 1, text->room - text->len, file);
		text->len += got;
	} while (got);
	if (ferror(file))
		return error_set(err, EXIT_RUNTIME, "cannot read it: %s", strerror(errno));
	text->bytes[text->len] = '\0';
	return text->len > text->limit ? too_long(text, err) : 0;
}

char *readall(const char *name, size_t limit, const char *what, size_t *len, struct error *err)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
	struct text text = { .limit = limit, .what = what };

	if (!file) {
		error_set(err, errno == EACCES || errno == EPERM ? EXIT_PERMISSION : EXIT_RUNTIME,
			  "cannot open it: %s", strerror(errno));
		return NULL;
	}
	if (read_text(file, &text, err)) {
		free(text.bytes);
		text.bytes = NULL;
	}
	if (file != stdin)
		fclose(file);
	*len = text.len;
	return text.bytes;
}

const char *readall_name(const char *name)
{
	return strcmp(name, "-") ? name : "standard input";
}
