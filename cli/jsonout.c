// SPDX-License-Identifier: GPL-2.0
/* How a JSON document leaves the program: compact or indented, always UTF-8. */
#include "jsonout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

json_t *jsonout_text(const char *text)
{
	size_t size = 3 * strlen(text) + 1;
	char *clean = malloc(size);
	json_t *value;

	if (!clean)
		return NULL;
	text_clean(text, clean, size);
	value = json_string(clean);
	free(clean);
	return value;
}

json_t *jsonout_number(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value) : NULL;
}

json_t *jsonout_cell(uint64_t value)
{
	json_t *number = jsonout_number(value);

	return number ? number : json_null();
}

void jsonout_print(json_t *root, bool pretty)
{
	json_dumpf(root, stdout, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}
