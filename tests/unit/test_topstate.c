// SPDX-License-Identifier: GPL-2.0
/* The keys of vmshare top, without a terminal. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "topstate.h"

static void make_snapshot(struct snapshot *snap)
{
	static const char *const names[] = { "web1", "web2", "db1", "db2", "mail" };
	uint32_t i;

	snapshot_init(snap);
	for (i = 0; i < 5; i++) {
		struct vm *vm = snapshot_add_vm(snap, 10 + i);

		vm->name = strdup(names[i]);
		facts_set(&vm->facts, VM_ANON, 4096 * (i + 1));
	}
}

static void type(struct topstate *state, const struct view *view, const char *keys)
{
	for (; *keys; keys++)
		topstate_key(state, view, (unsigned char)*keys);
}

static void apply(struct topstate *state, struct view *view, const struct snapshot *snap)
{
	struct error err;

	view_free(view);
	view_init(view, snap, NULL, &err);
	topstate_apply(state, view);
}

static void test_sorting(struct topstate *state, struct view *view, const struct snapshot *snap)
{
	topstate_key(state, view, 'M');
	apply(state, view, snap);
	is_number(view->rows[0].vm->pid, 14, "M: most memory first");
	topstate_key(state, view, 'I');
	apply(state, view, snap);
	is_number(view->rows[0].vm->pid, 10, "I: least first");
	topstate_key(state, view, 'I');
	topstate_key(state, view, 'N');
	is_text(state->sort->key, "pid", "N: by pid");
	topstate_key(state, view, '>');
	is_text(state->sort->key, "anon", ">: the column to the right");
	topstate_key(state, view, '>');
	is_text(state->sort->key, "vm", ">: round about");
	topstate_key(state, view, '<');
	is_text(state->sort->key, "anon", "<: back");
	topstate_key(state, view, 'P');
	is_text(state->sort->key, "cpu", "P: by CPU");
	topstate_key(state, view, 'T');
	is_text(state->sort->key, "time", "T: by time, though it is not shown");
	topstate_key(state, view, 'N');
	apply(state, view, snap);
}

static void test_selecting(struct topstate *state, struct view *view)
{
	state->page = 3;
	topstate_key(state, view, TOP_KEY_UP);
	is_number(state->selected, 0, "up at the top stays");
	topstate_key(state, view, TOP_KEY_DOWN);
	is_number(state->selected, 1, "down");
	topstate_key(state, view, TOP_KEY_PAGE_DOWN);
	topstate_key(state, view, TOP_KEY_PAGE_DOWN);
	is_number(state->selected, 4, "page down stops at the last");
	topstate_key(state, view, TOP_KEY_PAGE_UP);
	is_number(state->selected, 1, "page up");
	topstate_key(state, view, TOP_KEY_END);
	topstate_key(state, view, TOP_KEY_DOWN);
	is_number(state->selected, 4, "end");
	topstate_key(state, view, TOP_KEY_HOME);
	is_number(state->selected, 0, "home");
}

static void test_finding(struct topstate *state, struct view *view, const struct snapshot *snap)
{
	type(state, view, "/db");
	topstate_key(state, view, TOP_KEY_ENTER);
	is_number(state->selected, 2, "/: the first match");
	type(state, view, "n");
	is_number(state->selected, 3, "n: the next one");
	type(state, view, "n");
	is_number(state->selected, 2, "n: round about");
	type(state, view, "\\web|mail");
	is_number(state->mode, TOP_FILTER, "\\: typing a filter");
	apply(state, view, snap);
	is_number(view->count, 5, "which does nothing yet");
	topstate_key(state, view, TOP_KEY_ENTER);
	apply(state, view, snap);
	is_number(view->count, 3, "and then keeps what matches");
	ok(state->selected < view->count, "the selection stays on the screen");
	type(state, view, "\\xyz");
	topstate_key(state, view, TOP_KEY_ESCAPE);
	is_text(state->filter, "web|mail", "escape leaves the filter as it was");
	type(state, view, "\\");
	while (*state->input)
		topstate_key(state, view, TOP_KEY_BACKSPACE);
	topstate_key(state, view, TOP_KEY_BACKSPACE);
	type(state, view, "\xc3\xa4");
	topstate_key(state, view, TOP_KEY_BACKSPACE);
	is_text(state->input, "", "backspace takes whole characters");
	topstate_key(state, view, TOP_KEY_ENTER);
	apply(state, view, snap);
	is_number(view->count, 5, "an empty filter shows all");
}

static void test_rest(struct topstate *state, struct view *view)
{
	int i;

	type(state, view, "?q");
	ok(state->mode == TOP_ROWS && !state->quit, "any key leaves the help");
	topstate_key(state, view, TOP_KEY_HELP);
	is_number(state->mode, TOP_HELP, "F1: help");
	type(state, view, "x /");
	for (i = 0; i < 500; i++)
		type(state, view, "q");
	is_number(strlen(state->input), TOP_INPUT - 1, "no more is typed than there is room for");
	topstate_key(state, view, TOP_KEY_ESCAPE);
	state->refresh = false;
	type(state, view, " ");
	ok(state->refresh, "space: a new snapshot");
	type(state, view, "q");
	ok(state->quit, "q: quit");
}

static void test_empty(void)
{
	struct columns columns;
	struct topstate state;
	struct snapshot snap;
	struct view view = {};
	struct error err;
	int key;

	columns_parse("vm,pid,anon", &columns, &err);
	topstate_init(&state, &columns, NULL);
	snapshot_init(&snap);
	apply(&state, &view, &snap);
	for (key = 0x20; key < 0x7f; key++) {
		topstate_key(&state, &view, key);
		topstate_key(&state, &view, TOP_KEY_ENTER);
	}
	for (key = TOP_KEY_UP; key <= TOP_KEY_RESIZE; key++)
		topstate_key(&state, &view, key);
	is_number(state.selected, 0, "every key on no VM at all");
	view_free(&view);
}

static void test_header(void)
{
	struct snapshot now, before;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	make_snapshot(&now);
	make_snapshot(&before);
	header_print(&now, NULL, 0, out);
	fflush(out);
	has_text(text, "5 VMs  kernel -\nMem   - total, - available\nKSM   state not known\nWalk  -\n",
		 "a header of nothing known");
	facts_set(&now.host, HOST_CPUS, 2);
	facts_set(&now.host, HOST_TIME_NS, 3000000000);
	facts_set(&now.host, HOST_IDLE_CPU_NS, 1000000000);
	facts_set(&before.host, HOST_TIME_NS, 1000000000);
	facts_set(&before.host, HOST_IDLE_CPU_NS, 0);
	facts_set(&now.host, HOST_KSM_RUN, 1);
	facts_set(&now.host, HOST_KSM_MERGED_FRAMES, 4);
	facts_set(&now.host, HOST_KSM_MERGED_MAPPINGS, 24);
	header_print(&now, &before, 5000000000, out);
	fclose(out);
	has_text(text, "2 CPUs, 25 % idle", "1 s of 2 CPUs' 2 s was idle");
	has_text(text, "running, 96.0K in 16.0K of frames, 80.0K saved", "what is saved");
	has_text(text, ", 2s ago", "the age of the walk");
	snapshot_free(&now);
	snapshot_free(&before);
	free(text);
}

void test_topstate(void)
{
	struct columns columns;
	struct topstate state;
	struct snapshot snap;
	struct view view = {};
	struct error err;

	make_snapshot(&snap);
	columns_parse("vm,pid,anon", &columns, &err);
	topstate_init(&state, &columns, NULL);
	apply(&state, &view, &snap);
	test_sorting(&state, &view, &snap);
	test_selecting(&state, &view);
	test_finding(&state, &view, &snap);
	test_rest(&state, &view);
	view_free(&view);
	snapshot_free(&snap);
	test_empty();
	test_header();
}
