// SPDX-License-Identifier: GPL-2.0
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "error.h"

static const bool *as_json;

void memory_report_as(const bool *json)
{
	as_json = json;
}

/* Whatever waits to be printed is not whole, so it is left. */
void memory_missing(void)
{
	char text[256];
	struct error err;
	int length;

	error_no_memory(&err);
	if (as_json && *as_json) {
		length = snprintf(text, sizeof(text),
				  "{\"version\":1,\"error\":{\"code\":%d,\"message\":\"%s\"}}\n",
				  err.code, err.message);
		if (write(STDOUT_FILENO, text, (size_t)length) != length)
			_exit(EXIT_RUNTIME);
	} else {
		fprintf(stderr, "vmshare: %s\n", err.message);
	}
	_exit(EXIT_RUNTIME);
}

void *memory_checked(void *memory)
{
	if (!memory)
		memory_missing();
	return memory;
}

void *memory_allocate(size_t size)
{
	return memory_checked(malloc(size));
}
