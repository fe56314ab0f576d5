// SPDX-License-Identifier: GPL-2.0
/* How a JSON document leaves the program: compact or indented, always UTF-8. */
#include "jsonout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

json_t *jsonout_text(const char *text)
{
	size_t size = 3 * strlen(text) + 1;
	char *clean = memory_allocate(size);
	json_t *value;

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
 * U+009B begins a sequence as escape does.
 */
static void print_harmless(const char *text)
{
	for (; *text; text++) {
		unsigned char next = (unsigned char)text[1];

		if ((unsigned char)*text == C1_LEAD && next >= 0x80 && next < 0xa0)
			printf("\\u%04x", (unsigned char)*++text);
		else
			putchar(*text);
	}
}

/* Whole before any of it is printed: half a document is worse than none. */
void jsonout_print(json_t *root, bool pretty)
{
	char *text = memory_checked(json_dumps(root, pretty ? JSON_INDENT(2) : JSON_COMPACT));

	print_harmless(text);
	putchar('\n');
	free(text);
	json_decref(root);
}
