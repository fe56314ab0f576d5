// SPDX-License-Identifier: GPL-2.0
/* JSON documents within limits. */
#include "document.h"

#include <stdbool.h>
#include <stdlib.h>

#include "readall.h"

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
	json_t *document = NULL;
	size_t len;
	char *text = readall(name, DOCUMENT_BYTES_MAX, "snapshot", &len, err);

	if (text)
		document = document_parse(text, len, err);
	free(text);
	return document;
}
