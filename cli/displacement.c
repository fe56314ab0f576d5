// SPDX-License-Identifier: GPL-2.0
/* The displacement matrix: rows waited while columns ran. */
#include "displacement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jsonout.h"
#include "text.h"
#include "units.h"

#define LABEL 2048

static void add_row(struct displaced *displaced, const struct preemption *row,
		    const struct view *view)
{
	size_t i;

	displaced->ready_ns = add_saturating(displaced->ready_ns, row->wait_ns);
	if (!row->by) {
		uint64_t nobody = add_saturating(row->idle_ns, row->unknown_ns);

		displaced->idle_ns = row->idle_ns;
		displaced->unknown_ns = row->unknown_ns;
		displaced->idle_known = row->idle_known;
		displaced->unknown_known = row->unknown_known;
		displaced->host_ns = row->wait_ns > nobody ? row->wait_ns - nobody : 0;
		displaced->host_count = row->count;
		return;
	}
	for (i = 0; i < view->count; i++) {
		if (view->rows[i].vm->pid == row->by) {
			displaced->by_ns[i] = row->wait_ns;
			displaced->by_count[i] = row->count;
			return;
		}
	}
	displaced->others_ns = add_saturating(displaced->others_ns, row->wait_ns);
}

int displaced_of(struct displaced *displaced, const struct cpu *window, const struct view *view,
		 size_t row)
{
	size_t i;

	*displaced = (struct displaced){ .idle_known = true, .unknown_known = true };
	displaced->by_ns = calloc(view->count, sizeof(uint64_t));
	displaced->by_count = calloc(view->count, sizeof(uint64_t));
	if (!displaced->by_ns || !displaced->by_count) {
		displaced_free(displaced);
		return -1;
	}
	for (i = 0; i < window->n_preemptions; i++) {
		if (window->preemptions[i].victim == view->rows[row].vm->pid)
			add_row(displaced, &window->preemptions[i], view);
	}
	return 0;
}

void displaced_free(struct displaced *displaced)
{
	free(displaced->by_ns);
	free(displaced->by_count);
	memset(displaced, 0, sizeof(*displaced));
}

static const char *label(const struct view *view, size_t row, char out[LABEL])
{
	char pid[16];

	text_escape(vm_label(view->rows[row].vm, pid, sizeof(pid)), out, LABEL);
	return out;
}

static const char *time_text(uint64_t ns, bool exact, char out[UNITS_TEXT])
{
	return ns ? units_time(ns, exact, out) : "0";
}

/* "12ms/34": for so long, in so many pieces. */
static void pieces_cell(struct table *table, uint64_t ns, uint64_t count, bool exact)
{
	char text[2 * UNITS_TEXT], time[UNITS_TEXT];

	snprintf(text, sizeof(text), "%s/%" PRIu64, time_text(ns, exact, time), count);
	table_cell(table, ns || count ? text : "0");
}

static void time_cell(struct table *table, bool known, uint64_t ns, bool exact)
{
	char text[UNITS_TEXT];

	table_cell(table, known ? time_text(ns, exact, text) : "-");
}

static void row_cells(struct table *table, const struct displaced *displaced, size_t count,
		      bool exact)
{
	size_t i;

	for (i = 0; i < count; i++)
		pieces_cell(table, displaced->by_ns[i], displaced->by_count[i], exact);
	time_cell(table, true, displaced->others_ns, exact);
	pieces_cell(table, displaced->host_ns, displaced->host_count, exact);
	time_cell(table, displaced->idle_known, displaced->idle_ns, exact);
	time_cell(table, displaced->unknown_known, displaced->unknown_ns, exact);
	time_cell(table, true, displaced->ready_ns, exact);
}

static struct table *titled(const struct view *view)
{
	static const char *const rest[] = { "OTHER VMS", "HOST", "IDLE", "UNKNOWN", "READY" };
	struct table *table = table_new(view->count + 6);
	char name[LABEL];
	size_t i;

	table_title(table, 0, "VM", false);
	for (i = 0; i < view->count; i++)
		table_title(table, i + 1, label(view, i, name), true);
	for (i = 0; i < 5; i++)
		table_title(table, view->count + 1 + i, rest[i], true);
	return table;
}

int displacement_print(const struct cpu *window, const struct view *view,
		       const struct options *options)
{
	struct table *table = titled(view);
	char name[LABEL], text[UNITS_TEXT];
	struct displaced displaced;
	int ret = 0;
	size_t i;

	for (i = 0; i < view->count && !ret; i++) {
		ret = displaced_of(&displaced, window, view, i);
		if (ret)
			break;
		table_cell(table, label(view, i, name));
		row_cells(table, &displaced, view->count, options->bytes);
		displaced_free(&displaced);
	}
	if (!ret && !options->no_header)
		printf("CPU over %s: how long, and in how many pieces, each VM was ready while another ran\n",
		       units_duration(window->window_ns, text));
	if (!ret)
		table_print(table, stdout, !options->no_header, options->color);
	table_free(table);
	return ret;
}

static json_t *numbers_json(const uint64_t *numbers, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, jsonout_cell(numbers[i]));
	return array;
}

enum { WAIT, COUNT, OTHERS, HOST, HOST_COUNT, IDLE, UNKNOWN, READY, MEMBERS };

static void append_row(json_t *members[MEMBERS], const struct displaced *displaced, size_t count)
{
	json_array_append_new(members[WAIT], numbers_json(displaced->by_ns, count));
	json_array_append_new(members[COUNT], numbers_json(displaced->by_count, count));
	json_array_append_new(members[OTHERS], jsonout_cell(displaced->others_ns));
	json_array_append_new(members[HOST], jsonout_cell(displaced->host_ns));
	json_array_append_new(members[HOST_COUNT], jsonout_cell(displaced->host_count));
	json_array_append_new(members[IDLE], displaced->idle_known ?
			      jsonout_cell(displaced->idle_ns) : json_null());
	json_array_append_new(members[UNKNOWN], displaced->unknown_known ?
			      jsonout_cell(displaced->unknown_ns) : json_null());
	json_array_append_new(members[READY], jsonout_cell(displaced->ready_ns));
}

int displacement_put(json_t *root, const struct cpu *window, const struct view *view)
{
	static const char *const keys[MEMBERS] = {
		"wait_ns", "count", "other_vms_wait_ns", "host_wait_ns", "host_count",
		"idle_wait_ns", "unknown_wait_ns", "ready_ns",
	};
	json_t *members[MEMBERS];
	struct displaced displaced;
	size_t i;

	json_object_set_new(root, "window_ns", jsonout_number(window->window_ns));
	for (i = 0; i < MEMBERS; i++) {
		members[i] = json_array();
		json_object_set_new(root, keys[i], members[i]);
	}
	for (i = 0; i < view->count; i++) {
		if (displaced_of(&displaced, window, view, i))
			return -1;
		append_row(members, &displaced, view->count);
		displaced_free(&displaced);
	}
	return 0;
}
