/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TOPSTATE_H
#define VMSHARE_TOPSTATE_H

#include "columns.h"
#include "view.h"

/* What the user of vmshare top has chosen so far. Knows keys, not the screen. */

enum top_key {
	TOP_KEY_UP = 0x1000,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_BACKSPACE,
	TOP_KEY_HELP,
	TOP_KEY_RESIZE,
};

enum top_mode { TOP_ROWS, TOP_HELP, TOP_FILTER, TOP_SEARCH };

#define TOP_INPUT 64

struct topstate {
	enum top_mode mode;
	const struct columns *columns;
	const struct column *sort;	/* NULL: by pid */
	bool invert;
	bool quit;
	bool refresh;			/* a new snapshot is wanted now */
	char filter[TOP_INPUT];
	char search[TOP_INPUT];
	char input[TOP_INPUT];		/* while it is typed */
	size_t selected;		/* row */
	size_t page;			/* rows on the screen */
};

void topstate_init(struct topstate *state, const struct columns *columns,
		   const struct column *sort);

/* A key, as its character or as enum top_key; view is what is shown now. */
void topstate_key(struct topstate *state, const struct view *view, int key);

/* Filters and sorts a fresh view and keeps the selection inside it. */
void topstate_apply(struct topstate *state, struct view *view);

/* The text of the help screen. */
extern const char topstate_help[];

#endif
