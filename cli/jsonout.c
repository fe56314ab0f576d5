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

#define C1_LEAD 0xc2			/* of U+0080 to U+00BF in UTF-8 */

/*
 * JSON lets control characters beyond ASCII pass, and a terminal may obey them:
 * U+009B begins a sequence as escape does. What follows a lead byte may come with
 * the next call.
 */
static int write_some(const char *text, size_t size, void *data)
{
	bool *led = data;
	size_t i;

	for (i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (*led && byte < 0xa0)
			printf("\\u%04x", byte);
		else if (*led)
			printf("%c%c", C1_LEAD, byte);
		else if (byte != C1_LEAD)
			putchar(byte);
		*led = !*led && byte == C1_LEAD;
	}
	return 0;
}

void jsonout_print(json_t *root, bool pretty)
{
	bool led = false;

	json_dump_callback(root, write_some, &led, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}
