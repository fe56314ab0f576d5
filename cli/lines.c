// SPDX-License-Identifier: GPL-2.0
/* A list of styled lines. */
#include "lines.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void add(struct lines *lines, enum style style, char *text)
{
	struct line *line = text ? reallocarray(lines->line, lines->count + 1, sizeof(*line)) : NULL;

	if (!line) {
		free(text);
		return;
	}
	lines->line = line;
	line[lines->count++] = (struct line){ text, style };
}

void lines_add(struct lines *lines, enum style style, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	add(lines, style, text);
}

void lines_add_text(struct lines *lines, enum style first, enum style style, const char *text)
{
	size_t len;

	for (; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		add(lines, first, strndup(text, len));
		first = style;
	}
}

void lines_free(struct lines *lines)
{
	size_t i;

	for (i = 0; i < lines->count; i++)
		free(lines->line[i].text);
	free(lines->line);
	memset(lines, 0, sizeof(*lines));
}
