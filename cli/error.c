// SPDX-License-Identifier: GPL-2.0
/* The one error of a run: its exit code and the sentence for the user. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

#include "jsonout.h"
#include "text.h"

int error_set(struct error *err, enum exit_code code, const char *fmt, ...)
{
	va_list args;

	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char prefix[256], rest[sizeof(err->message)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	snprintf(rest, sizeof(rest), "%s", err->message);
	snprintf(err->message, sizeof(err->message), "%s%.*s", prefix,
		 (int)(sizeof(rest) - sizeof(prefix)), rest);
	return -1;
}

int error_no_memory(struct error *err)
{
	return error_set(err, EXIT_RUNTIME, "out of memory; close other programs and try again");
}

static void print_json(const struct error *err, bool pretty)
{
	json_t *root = json_object(), *inner = json_object();

	json_object_set_new(inner, "code", json_integer(err->code));
	json_object_set_new(inner, "message", jsonout_text(err->message));
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "error", inner);
	jsonout_print(root, pretty);
}

void error_print(const struct error *err, bool json, bool pretty)
{
	char line[4 * sizeof(err->message)];

	if (json) {
		print_json(err, pretty);
		return;
	}
	text_escape(err->message, line, sizeof(line));
	fprintf(stderr, "vmshare: %s\n", line);
}
