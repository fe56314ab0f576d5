// SPDX-License-Identifier: GPL-2.0
/* JSON documents within limits. */
#include "document.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE (64ul << 10)

struct text {
	char *bytes;
	size_t len, room;
};

static int too_long(struct error *err)
{
	return error_set(err, EXIT_RUNTIME,
			 "is longer than %lu MiB; no snapshot is, look what it really is",
			 DOCUMENT_BYTES_MAX >> 20);
}

static int grow(struct text *text, struct error *err)
{
	size_t room = text->room ? 2 * text->room : FIRST_SIZE;
	char *bytes;

	if (text->room > DOCUMENT_BYTES_MAX)
		return too_long(err);
	bytes = realloc(text->bytes, room);
	if (!bytes)
		return error_no_memory(err);
	text->bytes = bytes;
	text->room = room;
	return 0;
}

static int read_all(FILE *file, struct text *text, struct error *err)
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
	return text->len > DOCUMENT_BYTES_MAX ? too_long(err) : 0;
}

/* Counted before they are parsed: a value takes many times the memory of its text. */
static int check_count(const char *text, size_t len, struct error *err)
{
	size_t containers = 0, commas = 0, i;
	bool string = false;

	for (i = 0; i < len; i++) {
		if (string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			string = !string;
		else if (!string) {
			containers += text[i] == '{' || text[i] == '[';
			commas += text[i] == ',';
		}
	}
	if (containers > DOCUMENT_CONTAINERS_MAX)
		return error_set(err, EXIT_RUNTIME,
				 "has %zu objects and arrays; at most %lu are read", containers,
				 DOCUMENT_CONTAINERS_MAX);
	if (containers + commas > DOCUMENT_VALUES_MAX)
		return error_set(err, EXIT_RUNTIME, "has about %zu values; at most %lu are read",
				 containers + commas, DOCUMENT_VALUES_MAX);
	return 0;
}

json_t *document_parse(const char *text, size_t len, struct error *err)
{
	json_error_t json_err;
	json_t *document;

	if (check_count(text, len, err))
		return NULL;
	document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json_err);
	if (!document)
		error_set(err, EXIT_RUNTIME, "is not a JSON document: line %d column %d: %s",
			  json_err.line, json_err.column, json_err.text);
	return document;
}

json_t *document_load(const char *name, struct error *err)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
	struct text text = {};
	json_t *document = NULL;

	if (!file) {
		error_set(err, EXIT_RUNTIME, "cannot open it: %s", strerror(errno));
		return NULL;
	}
	if (!read_all(file, &text, err))
		document = document_parse(text.bytes, text.len, err);
	free(text.bytes);
	if (file != stdin)
		fclose(file);
	return document;
}
