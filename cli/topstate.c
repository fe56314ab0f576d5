// SPDX-License-Identifier: GPL-2.0
/* The keys of vmshare top. */
#include "topstate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char topstate_help[] =
	"F2 f      choose columns             F6 S  choose the column to sort by\n"
	"P M T N   sort by CPU, memory, time, pid\n"
	"< >       sort by the column to the left, to the right;  I  invert the order\n"
	"F4 \\      filter: show VMs whose name, UUID or pid matches; a|b is either\n"
	"F3 /      search: go to the next VM that matches; n goes on\n"
	"F5 t      group VMs by owner: user and slice\n"
	"space     tag a VM: the footer says what all tagged ones free together\n"
	"U         untag all;  r  take a new snapshot now\n"
	"enter     one VM: graphs, threads, who took CPU from it\n"
	"arrows    select a VM; left and right: more columns; page up, down, home, end\n"
	"F1 ? h    this help;  F10 q  quit\n"
	"\n"
	"CPU bar: VMs, then all others. KSM bar: saved, of all merged mappings\n"
	"RDY%  runnable but not running      P99    99 of 100 waits are not longer\n"
	"VMM%  all but the vCPUs             SW/s   context switches per second\n"
	"ANON  = UNIQ + SELF + INTER: resident anonymous memory\n"
	"UNIQ  not merged by KSM             SELF   merged, of this VM alone\n"
	"INTER merged, others map it too     FREED  what leaving alone gives back\n";

void topstate_init(struct topstate *state, const struct columns *columns,
		   const struct column *sort)
{
	memset(state, 0, sizeof(*state));
	state->columns = *columns;
	state->sort = sort;
	state->page = 1;
}

void topstate_free(struct topstate *state)
{
	free(state->tags);
	memset(state, 0, sizeof(*state));
}

static size_t position(const struct topstate *state, const struct column *column)
{
	size_t i;

	for (i = 0; i < state->columns.count; i++) {
		if (state->columns.column[i] == column)
			return i;
	}
	return state->columns.count;
}

bool topstate_is_shown(const struct topstate *state, const struct column *column)
{
	return position(state, column) < state->columns.count;
}

static void move_sort(struct topstate *state, int step)
{
	size_t count = state->columns.count, at = position(state, state->sort);

	if (at == count)
		at = 0;
	state->sort = state->columns.column[(at + count + (size_t)step) % count];
}

static struct top_tag tag_of(const struct vm *vm)
{
	return (struct top_tag){ vm->pid, facts_or_zero(&vm->facts, VM_START_TIME_NS) };
}

static bool is_of(const struct top_tag *tag, const struct vm *vm)
{
	struct top_tag own = tag_of(vm);

	return tag->pid == own.pid && tag->start_ns == own.start_ns;
}

static size_t tag_position(const struct topstate *state, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < state->n_tags; i++) {
		if (is_of(&state->tags[i], vm))
			break;
	}
	return i;
}

bool topstate_is_tagged(const struct topstate *state, const struct vm *vm)
{
	return tag_position(state, vm) < state->n_tags;
}

/* Tags the selected VM, or takes its tag off; without memory nothing happens. */
static void toggle_tag(struct topstate *state, const struct view *view)
{
	const struct vm *vm;
	struct top_tag *tags;
	size_t at;

	if (state->selected >= view->count)
		return;
	vm = view->rows[state->selected].vm;
	at = tag_position(state, vm);
	if (at < state->n_tags) {
		state->tags[at] = state->tags[--state->n_tags];
	} else {
		tags = reallocarray(state->tags, state->n_tags + 1, sizeof(*tags));
		if (!tags)
			return;
		state->tags = tags;
		tags[state->n_tags++] = tag_of(vm);
		state->refresh |= state->n_tags == 1;
	}
	state->selected += state->selected + 1 < view->count;
}

const struct row *topstate_detail(const struct topstate *state, const struct view *view)
{
	size_t i;

	for (i = 0; i < view->count; i++) {
		if (is_of(&state->detail, view->rows[i].vm))
			return &view->rows[i];
	}
	return NULL;
}

unsigned int topstate_needs(const struct topstate *state)
{
	unsigned int needs = columns_needs(&state->columns);

	if (state->sort)
		needs |= state->sort->needs;
	if (state->n_tags || state->tree || state->mode == TOP_DETAIL)
		needs |= NEED_SETS;
	if (state->tree || state->mode == TOP_DETAIL)
		needs |= NEED_OWNER;
	return needs;
}

const struct column *topstate_field(const struct topstate *state, size_t i)
{
	const struct column *column;

	if (i < state->columns.count)
		return state->columns.column[i];
	i -= state->columns.count;
	for (column = columns_all; column->key; column++) {
		if (!topstate_is_shown(state, column) && !i--)
			return column;
	}
	return NULL;
}

void topstate_visible(const struct topstate *state, struct columns *visible)
{
	size_t i;

	visible->count = 0;
	for (i = 0; i < state->columns.count; i++) {
		if (!i || i > state->shift)
			visible->column[visible->count++] = state->columns.column[i];
	}
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

static void open_detail(struct topstate *state, const struct view *view)
{
	if (state->selected >= view->count)
		return;
	state->detail = tag_of(view->rows[state->selected].vm);
	state->scroll = 0;
	state->mode = TOP_DETAIL;
	state->refresh = true;
}

static void open_fields(struct topstate *state, enum top_mode mode)
{
	state->mode = mode;
	state->field = mode == TOP_ORDER && state->sort && topstate_is_shown(state, state->sort) ?
		       state->sort : state->columns.column[0];
}

/* What changes which rows there are, and how they look. Says if the key was one of these. */
static bool look_key(struct topstate *state, int key)
{
	switch (key) {
	case '<':
		move_sort(state, -1);
		return true;
	case '>':
		move_sort(state, 1);
		return true;
	case 'I':
		state->invert = !state->invert;
		return true;
	case 't':
	case TOP_KEY_F1 + 4:
		state->tree = !state->tree;
		state->refresh |= state->tree;
		return true;
	case TOP_KEY_LEFT:
		state->shift -= state->shift > 0;
		return true;
	case TOP_KEY_RIGHT:
		state->shift += state->shift + 2 < state->columns.count;
		return true;
	case 'U':
		state->n_tags = 0;
		return true;
	case 'r':
		state->refresh = true;
		return true;
	}
	if (!sort_key(key))
		return false;
	state->sort = columns_find(sort_key(key));
	return true;
}

/* What leads to another mode. Says if the key was one of these. */
static bool mode_key(struct topstate *state, const struct view *view, int key)
{
	switch (key) {
	case 'q':
	case TOP_KEY_F10:
		state->quit = true;
		return true;
	case '?':
	case 'h':
	case TOP_KEY_F1:
		state->mode = TOP_HELP;
		return true;
	case 'f':
	case TOP_KEY_F1 + 1:
		open_fields(state, TOP_FIELDS);
		return true;
	case '/':
	case TOP_KEY_F1 + 2:
		begin_input(state, TOP_SEARCH, "");
		return true;
	case '\\':
	case TOP_KEY_F1 + 3:
		begin_input(state, TOP_FILTER, state->filter);
		return true;
	case 'S':
	case TOP_KEY_F1 + 5:
		open_fields(state, TOP_ORDER);
		return true;
	case TOP_KEY_ENTER:
		open_detail(state, view);
		return true;
	}
	return false;
}

static void row_key(struct topstate *state, const struct view *view, int key)
{
	if (mode_key(state, view, key) || look_key(state, key))
		return;
	if (key == ' ')
		toggle_tag(state, view);
	else if (key == 'n')
		search_from(state, view, state->selected + 1);
	else
		move_selection(state, view, key);
}

static void move_field(struct topstate *state, int key)
{
	size_t at = 0, last = 0, i;

	for (i = 0; topstate_field(state, i); i++) {
		last = i;
		if (topstate_field(state, i) == state->field)
			at = i;
	}
	if (state->mode == TOP_ORDER)
		last = state->columns.count - 1;
	if (key == TOP_KEY_UP)
		at -= at > 0;
	else if (key == TOP_KEY_DOWN)
		at += at < last;
	else
		at = key == TOP_KEY_HOME ? 0 : last;
	state->field = topstate_field(state, at);
}

/* One column always stays. */
static void toggle_field(struct topstate *state)
{
	struct columns *columns = &state->columns;
	size_t at = position(state, state->field);

	if (at == columns->count && columns->count < COLUMNS_MAX) {
		columns->column[columns->count++] = state->field;
	} else if (at < columns->count && columns->count > 1) {
		memmove(&columns->column[at], &columns->column[at + 1],
			(columns->count - at - 1) * sizeof(columns->column[0]));
		columns->count--;
		state->shift = 0;
	}
}

/* Changes places with the neighbour. */
static void shift_field(struct topstate *state, int step)
{
	struct columns *columns = &state->columns;
	size_t at = position(state, state->field), to = at + (size_t)step;

	if (at >= columns->count || to >= columns->count)
		return;
	columns->column[at] = columns->column[to];
	columns->column[to] = state->field;
}

static void field_key(struct topstate *state, int key)
{
	switch (key) {
	case TOP_KEY_UP:
	case TOP_KEY_DOWN:
	case TOP_KEY_HOME:
	case TOP_KEY_END:
		move_field(state, key);
		break;
	case ' ':
		if (state->mode == TOP_FIELDS)
			toggle_field(state);
		break;
	case '<':
		shift_field(state, -1);
		break;
	case '>':
		shift_field(state, 1);
		break;
	case 's':
		state->sort = state->field;
		break;
	case TOP_KEY_ENTER:
		if (state->mode == TOP_ORDER)
			state->sort = state->field;
		/* fall through */
	case TOP_KEY_ESCAPE:
	case TOP_KEY_F10:
	case 'q':
		/* a column that was not shown may need what was not taken */
		state->refresh = true;
		state->mode = TOP_ROWS;
		break;
	}
}

static void detail_key(struct topstate *state, int key)
{
	switch (key) {
	case TOP_KEY_UP:
		state->scroll -= state->scroll > 0;
		break;
	case TOP_KEY_DOWN:
		state->scroll++;
		break;
	case TOP_KEY_HOME:
		state->scroll = 0;
		break;
	case 'r':
		state->refresh = true;
		break;
	case TOP_KEY_ENTER:
	case TOP_KEY_ESCAPE:
	case TOP_KEY_F10:
	case 'q':
		state->mode = TOP_ROWS;
		break;
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
	case TOP_FIELDS:
	case TOP_ORDER:
		field_key(state, key);
		break;
	case TOP_DETAIL:
		detail_key(state, key);
		break;
	}
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_owners(const struct vm *a, const struct vm *b)
{
	int order = compare_texts(a->user, b->user);

	return order ? order : compare_texts(a->slice, b->slice);
}

bool top_same_owner(const struct vm *a, const struct vm *b)
{
	return !compare_owners(a, b);
}

static int compare_grouped(const void *a, const void *b, void *data)
{
	const struct topstate *state = data;
	const struct row *left = a, *right = b;
	int order = compare_owners(left->vm, right->vm);

	if (order)
		return order;
	if (!state->sort)
		return (left->vm->pid > right->vm->pid) - (left->vm->pid < right->vm->pid);
	order = columns_compare(state->sort, left, right);
	return state->invert ? -order : order;
}

void topstate_apply(struct topstate *state, struct view *view)
{
	view_filter(view, state->filter);
	if (state->tree)
		qsort_r(view->rows, view->count, sizeof(*view->rows), compare_grouped, state);
	else
		view_sort(view, state->sort, state->invert);
	if (state->selected >= view->count)
		state->selected = view->count ? view->count - 1 : 0;
}
