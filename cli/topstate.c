// SPDX-License-Identifier: GPL-2.0
/* The keys of vmshare top. */
#include "topstate.h"

#include <stdio.h>
#include <string.h>

const char topstate_help[] =
	"P M T N   sort by CPU, memory, time, pid\n"
	"< >       sort by the column to the left, to the right\n"
	"I         invert the order\n"
	"\\         filter: show VMs whose name, UUID or pid matches; a|b is either\n"
	"/         search: go to the next VM that matches; n goes on\n"
	"up down   select a VM; page up, page down, home, end\n"
	"space     take a new snapshot now\n"
	"? h F1    this help\n"
	"q         quit\n"
	"\n"
	"ANON  = UNIQ + SELF + INTER: resident anonymous memory\n"
	"UNIQ  mappings of frames that KSM has not merged\n"
	"SELF  mappings of merged frames of this VM alone\n"
	"INTER mappings of merged frames that others map as well\n"
	"FREED what the host gets back when this VM alone leaves\n";

void topstate_init(struct topstate *state, const struct columns *columns,
		   const struct column *sort)
{
	memset(state, 0, sizeof(*state));
	state->columns = columns;
	state->sort = sort;
	state->page = 1;
}

/* Where the column of the order is among those shown. */
static size_t sort_position(const struct topstate *state)
{
	size_t i;

	for (i = 0; i < state->columns->count; i++) {
		if (state->columns->column[i] == state->sort)
			return i;
	}
	return 0;
}

static void move_sort(struct topstate *state, int step)
{
	size_t count = state->columns->count;

	state->sort = state->columns->column[(sort_position(state) + count + (size_t)step) % count];
}

static void move_selection(struct topstate *state, const struct view *view, int key)
{
	size_t last = view->count ? view->count - 1 : 0, to = state->selected;

	switch (key) {
	case TOP_KEY_UP:
		to -= to > 0;
		break;
	case TOP_KEY_DOWN:
		to++;
		break;
	case TOP_KEY_PAGE_UP:
		to -= to < state->page ? to : state->page;
		break;
	case TOP_KEY_PAGE_DOWN:
		to += state->page;
		break;
	case TOP_KEY_HOME:
		to = 0;
		break;
	case TOP_KEY_END:
		to = last;
		break;
	}
	state->selected = to < last ? to : last;
}

/* The next row that matches, from the one behind first, round about. */
static void search_from(struct topstate *state, const struct view *view, size_t first)
{
	size_t i, row;

	if (!*state->search)
		return;
	for (i = 0; i < view->count; i++) {
		row = (first + i) % view->count;
		if (view_matches(view->rows[row].vm, state->search)) {
			state->selected = row;
			return;
		}
	}
}

static void begin_input(struct topstate *state, enum top_mode mode, const char *text)
{
	state->mode = mode;
	snprintf(state->input, sizeof(state->input), "%s", text);
}

static void end_input(struct topstate *state, const struct view *view)
{
	if (state->mode == TOP_FILTER) {
		memcpy(state->filter, state->input, sizeof(state->filter));
	} else {
		memcpy(state->search, state->input, sizeof(state->search));
		search_from(state, view, state->selected);
	}
	state->mode = TOP_ROWS;
}

/* Takes a whole character off, which may be several bytes. */
static void delete_character(char *input)
{
	size_t len = strlen(input);

	while (len && (input[len - 1] & 0xc0) == 0x80)
		len--;
	input[len ? len - 1 : 0] = '\0';
}

static void input_key(struct topstate *state, const struct view *view, int key)
{
	size_t len = strlen(state->input);

	if (key == TOP_KEY_ENTER) {
		end_input(state, view);
	} else if (key == TOP_KEY_ESCAPE) {
		state->mode = TOP_ROWS;
	} else if (key == TOP_KEY_BACKSPACE) {
		delete_character(state->input);
	} else if (key >= 0x20 && key < 0x100 && key != 0x7f && len + 1 < sizeof(state->input)) {
		state->input[len] = (char)key;
		state->input[len + 1] = '\0';
	}
}

static const char *sort_key(int key)
{
	switch (key) {
	case 'P':
		return "cpu";
	case 'M':
		return "anon";
	case 'T':
		return "time";
	case 'N':
		return "pid";
	default:
		return NULL;
	}
}

static void row_key(struct topstate *state, const struct view *view, int key)
{
	switch (key) {
	case 'q':
		state->quit = true;
		break;
	case '?':
	case 'h':
	case TOP_KEY_HELP:
		state->mode = TOP_HELP;
		break;
	case '<':
		move_sort(state, -1);
		break;
	case '>':
		move_sort(state, 1);
		break;
	case 'I':
		state->invert = !state->invert;
		break;
	case '\\':
		begin_input(state, TOP_FILTER, state->filter);
		break;
	case '/':
		begin_input(state, TOP_SEARCH, "");
		break;
	case 'n':
		search_from(state, view, state->selected + 1);
		break;
	case ' ':
		state->refresh = true;
		break;
	default:
		if (sort_key(key))
			state->sort = columns_find(sort_key(key));
		else
			move_selection(state, view, key);
	}
}

void topstate_key(struct topstate *state, const struct view *view, int key)
{
	switch (state->mode) {
	case TOP_ROWS:
		row_key(state, view, key);
		break;
	case TOP_HELP:
		state->mode = TOP_ROWS;
		break;
	case TOP_FILTER:
	case TOP_SEARCH:
		input_key(state, view, key);
		break;
	}
}

void topstate_apply(struct topstate *state, struct view *view)
{
	view_filter(view, state->filter);
	view_sort(view, state->sort, state->invert);
	if (state->selected >= view->count)
		state->selected = view->count ? view->count - 1 : 0;
}
