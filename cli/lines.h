/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_LINES_H
#define VMSHARE_LINES_H

#include <stddef.h>
#include <stdio.h>

/* Lines of a screen with what they are, so that only the screen knows colours. */
enum style {
	STYLE_PLAIN, STYLE_TITLE, STYLE_GROUP, STYLE_SELECTED, STYLE_TAGGED,
	STYLE_GRAPH_RUN, STYLE_GRAPH_READY, STYLE_GRAPH_MEMORY,
};

struct line {
	char *text;
	enum style style;
};

struct lines {
	struct line *line;
	size_t count;
};

/* Appends; without memory the line is left out. */
void lines_add(struct lines *lines, enum style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends each line of a text; the first one with a style of its own. */
void lines_add_text(struct lines *lines, enum style first, enum style style, const char *text);

void lines_free(struct lines *lines);

#endif
