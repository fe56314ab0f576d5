// SPDX-License-Identifier: GPL-2.0
/* The keys of vmshare top, without a terminal. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "footer.h"
#include "graph.h"
#include "header.h"
#include "history.h"
#include "meters.h"
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
	topstate_key(state, view, TOP_KEY_F1);
	is_number(state->mode, TOP_HELP, "F1: help");
	type(state, view, "x /");
	for (i = 0; i < 500; i++)
		type(state, view, "q");
	is_number(strlen(state->input), TOP_INPUT - 1, "no more is typed than there is room for");
	topstate_key(state, view, TOP_KEY_ESCAPE);
	state->refresh = false;
	type(state, view, "r");
	ok(state->refresh, "r: a new snapshot");
	type(state, view, "q");
	ok(state->quit, "q: quit");
}

static void test_tags(struct topstate *state, struct view *view, const struct snapshot *snap)
{
	struct together together;
	struct snapshot later;
	char text[128];

	topstate_key(state, view, TOP_KEY_HOME);
	state->n_tags = 0;
	state->refresh = false;
	type(state, view, "  ");
	ok(state->n_tags == 2 && state->selected == 2, "space: tags, and goes on");
	ok(state->refresh && (topstate_needs(state) & NEED_SETS), "what they free needs the sets");
	ok(topstate_is_tagged(state, view->rows[0].vm) && !topstate_is_tagged(state, view->rows[2].vm),
	   "these two");
	together_tagged(&together, snap, state);
	ok(together.vms == 2 && together.anon == 4096 * 3 && !together.freed_known,
	   "what the tagged ones are together");
	together_text(&together, true, text, sizeof(text));
	is_text(text, "2 VMs, 0% CPU, 12.0K anon", "and in words, without what is not known");
	make_snapshot(&later);
	facts_set(&later.vms[0].facts, VM_START_TIME_NS, 77);
	together_tagged(&together, &later, state);
	is_number(together.vms, 1, "another VM with the pid of a tagged one is not tagged");
	snapshot_free(&later);
	topstate_key(state, view, TOP_KEY_HOME);
	type(state, view, " ");
	is_number(state->n_tags, 1, "space: the tag is taken off again");
	type(state, view, "U");
	ok(!state->n_tags && !(topstate_needs(state) & NEED_SETS), "U: none is tagged");
}

/* Three VMs share 4 frames of 4 KiB; two have 4 KiB of their own. */
static void test_together(void)
{
	uint32_t pids[] = { 1, 2 }, all[] = { 1, 2, 3 };
	struct together together;
	struct topstate state = {};
	struct snapshot snap;
	struct view view;
	struct error err;
	char text[128];
	uint32_t i;

	snapshot_init(&snap);
	for (i = 1; i <= 3; i++) {
		struct vm *vm = snapshot_add_vm(&snap, i);

		facts_set(&vm->facts, VM_UNIQUE, 4096);
		facts_set(&vm->facts, VM_PAGE_TABLES, 0);
		facts_set(&vm->facts, VM_ANON, 8192);
		facts_set(&vm->facts, VM_FREED, 4096);
		vm->user = strdup(i == 2 ? "b" : "a");
	}
	snapshot_add_set(&snap, pids, 2)->frames_bytes = 8192;
	snapshot_add_set(&snap, all, 3)->frames_bytes = 16384;
	snap.sets_known = true;
	columns_parse("vm,pid", &state.columns, &err);
	state.tree = true;
	state.page = 1;
	view_init(&view, &snap, NULL, &err);
	topstate_apply(&state, &view);
	ok(view.rows[0].vm->pid == 1 && view.rows[1].vm->pid == 3 && view.rows[2].vm->pid == 2,
	   "the tree: VMs of one owner are neighbours");
	state.sort = columns_find("pid");
	state.invert = true;
	topstate_apply(&state, &view);
	ok(view.rows[0].vm->pid == 3 && view.rows[1].vm->pid == 1 && view.rows[2].vm->pid == 2,
	   "sorted among themselves, and inverted");
	state.invert = false;
	topstate_apply(&state, &view);
	is_number(view.rows[0].vm->pid, 1, "or not");
	ok(top_same_owner(view.rows[0].vm, view.rows[1].vm) &&
	   !top_same_owner(view.rows[1].vm, view.rows[2].vm), "and others are not");
	together_owner(&together, &snap, &view, 0);
	ok(together.vms == 2 && together.freed == 8192, "an owner's VMs together");
	topstate_key(&state, &view, ' ');
	state.selected = 2;
	topstate_key(&state, &view, ' ');
	together_tagged(&together, &snap, &state);
	ok(together.freed == 2 * 4096 + 8192, "a set frees what only its members share");
	together_text(&together, true, text, sizeof(text));
	is_text(text, "2 VMs, 0% CPU, 16.0K anon, 16.0K freed together (8.00K one by one)",
		"and that is more than one by one");
	view_free(&view);
	topstate_free(&state);
	snapshot_free(&snap);
}

static void test_fields(struct topstate *state, struct view *view)
{
	struct columns visible;

	topstate_key(state, view, TOP_KEY_F1 + 1);
	ok(state->mode == TOP_FIELDS && state->field == columns_find("vm"), "F2: fields");
	topstate_key(state, view, TOP_KEY_DOWN);
	type(state, view, " ");
	ok(!topstate_is_shown(state, columns_find("pid")), "space: a column goes");
	type(state, view, " ");
	ok(topstate_is_shown(state, columns_find("pid")) &&
	   state->columns.column[2] == columns_find("pid"), "and comes, as the last");
	type(state, view, "<");
	ok(state->columns.column[1] == columns_find("pid"), "<: it moves to the left");
	type(state, view, "<<<>>>>>>>>");
	ok(state->columns.column[2] == columns_find("pid") && state->columns.count == 3,
	   "and to the right, no further than there are others");
	type(state, view, "s");
	is_text(state->sort->key, "pid", "s: sorts by it");
	topstate_key(state, view, TOP_KEY_END);
	ok(state->field && !topstate_field(state, 1000), "the last of all columns");
	type(state, view, " ");
	ok(state->columns.count == 4, "can be shown");
	type(state, view, " ");
	topstate_key(state, view, TOP_KEY_HOME);
	state->refresh = false;
	topstate_key(state, view, TOP_KEY_ENTER);
	ok(state->mode == TOP_ROWS && state->refresh, "enter: back, with what these columns need");
	topstate_key(state, view, TOP_KEY_F1 + 5);
	ok(state->mode == TOP_ORDER && state->field == state->sort, "F6: the order");
	topstate_key(state, view, TOP_KEY_HOME);
	topstate_key(state, view, TOP_KEY_END);
	topstate_key(state, view, TOP_KEY_DOWN);
	ok(state->field == state->columns.column[2], "has only the columns that are shown");
	topstate_key(state, view, TOP_KEY_UP);
	topstate_key(state, view, TOP_KEY_ENTER);
	ok(state->sort == state->columns.column[1] && state->mode == TOP_ROWS, "enter: sorted by it");
	topstate_key(state, view, TOP_KEY_RIGHT);
	topstate_visible(state, &visible);
	ok(visible.count == 2 && visible.column[0] == columns_find("vm"), "right: but the first stays");
	topstate_key(state, view, TOP_KEY_RIGHT);
	topstate_visible(state, &visible);
	is_number(visible.count, 2, "and one more");
	topstate_key(state, view, TOP_KEY_LEFT);
	topstate_key(state, view, TOP_KEY_LEFT);
	is_number(state->shift, 0, "left: back");
}

static void test_detail(struct topstate *state, struct view *view)
{
	topstate_key(state, view, TOP_KEY_HOME);
	topstate_key(state, view, TOP_KEY_ENTER);
	ok(state->mode == TOP_DETAIL && topstate_detail(state, view) == &view->rows[0],
	   "enter: one VM");
	ok((topstate_needs(state) & NEED_OWNER) != 0, "with its owner");
	topstate_key(state, view, TOP_KEY_UP);
	topstate_key(state, view, TOP_KEY_DOWN);
	is_number(state->scroll, 1, "down: scrolled");
	topstate_key(state, view, TOP_KEY_HOME);
	is_number(state->scroll, 0, "home: back at the top");
	topstate_key(state, view, TOP_KEY_DOWN);
	topstate_key(state, view, TOP_KEY_UP);
	is_number(state->scroll, 0, "up: scrolled back");
	state->refresh = false;
	type(state, view, "r");
	ok(state->refresh && state->mode == TOP_DETAIL, "r: a new snapshot, of the same VM");
	state->quit = false;
	state->detail.start_ns++;
	ok(!topstate_detail(state, view), "a VM that has gone");
	type(state, view, "q");
	ok(state->mode == TOP_ROWS && !state->quit, "q: back");
}

static void test_history(void)
{
	struct history history = {};
	const struct track *track;
	struct snapshot snap;
	unsigned int i;

	make_snapshot(&snap);
	for (i = 0; i < HISTORY_SAMPLES + 10; i++) {
		facts_set(&snap.vms[0].facts, VM_ANON, i);
		history_add(&history, &snap, NULL);
	}
	track = history_of(&history, &snap.vms[0]);
	ok(track && track->count == HISTORY_SAMPLES, "no more samples than there is room for");
	ok(history_sample(track, 0)->anon == 10 &&
	   history_sample(track, HISTORY_SAMPLES - 1)->anon == HISTORY_SAMPLES + 9,
	   "the oldest first");
	ok(history_sample(track, 0)->cpu < 0, "what is not known is negative");
	facts_set(&snap.vms[0].facts, VM_START_TIME_NS, 5);
	ok(!history_of(&history, &snap.vms[0]), "another VM of that pid has no history");
	history_add(&history, &snap, NULL);
	is_number(history_of(&history, &snap.vms[0])->count, 1, "but begins one");
	snapshot_free(&snap);
	snapshot_init(&snap);
	history_add(&history, &snap, NULL);
	is_number(history.count, 0, "VMs that are gone are forgotten");
	history_free(&history);
}

static void test_graph(void)
{
	const double values[] = { -1, 0, 1, 50, 75, 100, 200 };
	char line[GRAPH_LINE];

	graph_line(values, 7, 100, 2, 0, false, line);
	is_text(line, "    _||", "the upper half of a graph in ASCII");
	graph_line(values, 7, 100, 2, 1, false, line);
	is_text(line, "   ||||", "its lower half");
	graph_line(values, 7, 100, 2, 1, true, line);
	is_text(line, "  ▁████", "a little is not nothing");
	graph_line(values, 7, 100, 2, 0, true, line);
	is_text(line, "    ▄██", "eighths");
	ok(graph_scale(values, 7, 10, false) == 200 && graph_scale(values, 4, 10, false) == 50 &&
	   graph_scale(values, 1, 10, false) == 10 && graph_scale(values, 7, 1, true) == 256,
	   "round scales");
}

static void test_meters(void)
{
	struct meter meters[METERS], meter = { .part = { 0.25, 0.5 } };
	struct snapshot snap;
	size_t filled[METER_PARTS];

	snapshot_init(&snap);
	meters_of(meters, &snap, NULL);
	ok(!*meters[METER_CPU].label && !*meters[METER_MEMORY].label && !*meters[METER_KSM].label,
	   "bars of nothing known are empty");
	facts_set(&snap.host, HOST_CPUS, 2);
	facts_set(&snap.host, HOST_MEM_TOTAL, 4096);
	facts_set(&snap.host, HOST_MEM_AVAILABLE, 1024);
	facts_set(&snap.host, HOST_KSM_MERGED_FRAMES, 4);
	facts_set(&snap.host, HOST_KSM_MERGED_MAPPINGS, 24);
	snap.window.window_ns = 100;
	facts_set(&snap.window.host, CPU_VMS_NS, 50);
	facts_set(&snap.window.host, CPU_HOST_NS, 30);
	facts_set(&snap.window.host, CPU_IDLE_NS, 120);
	meters_of(meters, &snap, NULL);
	is_text(meters[METER_CPU].label, "VMs 50% others 30% of 200%", "CPU by hooks");
	is_text(meters[METER_MEMORY].label, "3.00K of 4.00K", "memory");
	is_text(meters[METER_KSM].label, "80.0K saved of 96.0K", "KSM");
	meter_fill(&meter, 10, filled);
	ok(filled[0] == 3 && filled[1] == 5, "parts of a bar, rounded so that they add up");
	meter.part[1] = 2;
	meter_fill(&meter, 10, filled);
	is_number(filled[0] + filled[1], 10, "never more than the bar");
	snapshot_free(&snap);
}

/* Numbers that are missing, or that cannot be: a bar is left out rather than made up. */
static void test_odd_meters(void)
{
	struct meter meters[METERS];
	struct snapshot now, before;

	snapshot_init(&now);
	snapshot_init(&before);
	facts_set(&now.host, HOST_CPUS, 2);
	facts_set(&now.host, HOST_MEM_TOTAL, 4096);
	facts_set(&now.host, HOST_KSM_RUN, 0);
	facts_set(&now.host, HOST_KSM_MERGED_FRAMES, 0);
	facts_set(&now.host, HOST_TIME_NS, 3000000000);
	facts_set(&now.host, HOST_IDLE_CPU_NS, 1000000000);
	facts_set(&before.host, HOST_TIME_NS, 1000000000);
	facts_set(&before.host, HOST_IDLE_CPU_NS, 0);
	meters_of(meters, &now, &before);
	is_text(meters[METER_CPU].label, "150% of 200%", "CPU by what was idle");
	ok(!*meters[METER_MEMORY].label && !*meters[METER_KSM].label, "and nothing of which a half is known");
	facts_set(&now.host, HOST_MEM_AVAILABLE, 8192);
	facts_set(&now.host, HOST_KSM_MERGED_MAPPINGS, 0);
	now.window.window_ns = 100;
	facts_set(&now.window.host, CPU_VMS_NS, 0);
	meters_of(meters, &now, &before);
	ok(!*meters[METER_CPU].label && !*meters[METER_MEMORY].label, "a window of nothing, more than all memory");
	is_text(meters[METER_KSM].label, "stopped, 0 saved of 0", "nothing merged, and KSM stopped");
	facts_set(&now.host, HOST_KSM_MERGED_FRAMES, 1);
	facts_set(&now.host, HOST_MEM_TOTAL, 0);
	meters_of(meters, &now, &before);
	ok(!*meters[METER_KSM].label && !*meters[METER_MEMORY].label, "fewer mappings than frames, no memory");
	snapshot_free(&now);
	snapshot_free(&before);
}

/* What a clock that stands still, or counters that begin anew, would make of it. */
static void test_idle(void)
{
	static const enum host_field fields[] = { HOST_IDLE_CPU_NS, HOST_TIME_NS, HOST_CPUS };
	struct snapshot now, before, less;
	double percent;
	size_t i;

	snapshot_init(&now);
	snapshot_init(&before);
	for (i = 0; i < 3; i++) {
		facts_set(&now.host, fields[i], 5000000000);
		facts_set(&before.host, fields[i], 4000000000);
	}
	facts_set(&now.host, HOST_CPUS, 2);
	ok(header_idle_percent(&now, &before, &percent) && percent == 50, "half of the time");
	ok(!header_idle_percent(&now, NULL, &percent), "not by one look alone");
	for (i = 0; i < 3; i++) {
		less = now;
		less.host.known &= ~(1u << fields[i]);
		ok(!header_idle_percent(&less, &before, &percent), "nor without one of the numbers");
		if (fields[i] == HOST_CPUS)
			continue;
		less = before;
		less.host.known &= ~(1u << fields[i]);
		ok(!header_idle_percent(&now, &less, &percent), "or without one of those before");
	}
	ok(!header_idle_percent(&now, &now, &percent), "nor if no time has passed");
	facts_set(&before.host, HOST_IDLE_CPU_NS, 6000000000);
	ok(!header_idle_percent(&now, &before, &percent), "nor if the counter has begun anew");
	facts_set(&before.host, HOST_IDLE_CPU_NS, 0);
	ok(header_idle_percent(&now, &before, &percent) && percent == 100, "and never more than all of it");
	facts_set(&now.host, HOST_CPUS, 0);
	ok(!header_idle_percent(&now, &before, &percent), "of no CPU nothing");
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
	topstate_free(&state);
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
	header_print(&now, NULL, 0, false, out);
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
	header_print(&now, &before, 5000000000, false, out);
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
	test_tags(&state, &view, &snap);
	test_fields(&state, &view);
	test_detail(&state, &view);
	view_free(&view);
	snapshot_free(&snap);
	topstate_free(&state);
	test_together();
	test_history();
	test_graph();
	test_meters();
	test_odd_meters();
	test_idle();
	test_empty();
	test_header();
}
