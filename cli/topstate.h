/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TOPSTATE_H
#define VMSHARE_TOPSTATE_H

#include "columns.h"
#include "view.h"

/* What the user of vmshare top has chosen so far. Knows keys, not the screen. */

enum top_key {
	TOP_KEY_UP = 0x1000,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_BACKSPACE,
	TOP_KEY_F1,			/* and so on, in order */
	TOP_KEY_F10 = TOP_KEY_F1 + 9,
	TOP_KEY_RESIZE,
};

enum top_mode {
	TOP_ROWS, TOP_HELP, TOP_FILTER, TOP_SEARCH,
	TOP_FIELDS,			/* choosing columns */
	TOP_ORDER,			/* choosing the column to sort by */
	TOP_DETAIL,			/* one VM */
};

#define TOP_INPUT 64

/* A VM, also when another has its pid later. */
struct top_tag {
	uint32_t pid;
	uint64_t start_ns;
};

struct topstate {
	enum top_mode mode;
	struct columns columns;
	const struct column *sort;	/* NULL: by pid */
	bool invert;
	bool tree;			/* grouped by owner */
	bool quit;
	bool refresh;			/* a new snapshot is wanted now */
	char filter[TOP_INPUT];
	char search[TOP_INPUT];
	char input[TOP_INPUT];		/* while it is typed */
	size_t selected;		/* row */
	size_t page;			/* rows on the screen */
	size_t shift;			/* columns to the left of the screen */
	struct top_tag *tags;
	size_t n_tags;
	struct top_tag detail;		/* the VM of the detail screen */
	size_t scroll;			/* its lines above the screen */
	const struct column *field;	/* selected in TOP_FIELDS and TOP_ORDER */
};

void topstate_init(struct topstate *state, const struct columns *columns,
		   const struct column *sort);
void topstate_free(struct topstate *state);

/* A key, as its character or as enum top_key; view is what is shown now. */
void topstate_key(struct topstate *state, const struct view *view, int key);

/*
 * Filters and sorts a fresh view and keeps the selection inside it; in the tree
 * VMs of one owner are neighbours.
 */
void topstate_apply(struct topstate *state, struct view *view);

bool topstate_is_tagged(const struct topstate *state, const struct vm *vm);

/* The VM of the detail screen, or NULL if it has gone. */
const struct row *topstate_detail(const struct topstate *state, const struct view *view);

/* What a snapshot must have for what is shown now: enum need. */
unsigned int topstate_needs(const struct topstate *state);

/*
 * Row i of the list of fields: first those that are shown, in their order, then
 * the others; NULL behind the last.
 */
const struct column *topstate_field(const struct topstate *state, size_t i);
bool topstate_is_shown(const struct topstate *state, const struct column *column);

/* The columns on a screen that has been shifted: the first one always stays. */
void topstate_visible(const struct topstate *state, struct columns *visible);

/* Same user and same slice? */
bool top_same_owner(const struct vm *a, const struct vm *b);

/* The text of the help screen. */
extern const char topstate_help[];

#endif
