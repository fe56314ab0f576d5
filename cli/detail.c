// SPDX-License-Identifier: GPL-2.0
/* The detail screen as lines. */
#include "detail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "text.h"
#include "threads_view.h"
#include "units.h"

#define GRAPH_HEIGHT 3
#define MARGIN 14			/* left of a graph: its scale */
#define NAME 2048

static const char *cell(const char *key, const struct row *row, char out[64])
{
	columns_format(columns_find(key), row, false, out, 64);
	return out;
}

static void add_identity(struct lines *lines, const struct row *row)
{
	char name[NAME], user[NAME], slice[NAME], label[16];
	const struct vm *vm = row->vm;

	text_escape(vm_label(vm, label, sizeof(label)), name, sizeof(name));
	text_escape(vm->user ? vm->user : "-", user, sizeof(user));
	text_escape(vm->slice ? vm->slice : "-", slice, sizeof(slice));
	lines_add(lines, STYLE_TITLE, "%s  pid %u  user %s  slice %s", name, vm->pid, user, slice);
	if (vm->uuid)
		lines_add(lines, STYLE_PLAIN, "%s", vm->uuid);
}

/* "CPU 50.0 %" and so on, as many as there are keys. */
static void add_facts(struct lines *lines, const struct row *row, const char *const *keys,
		      size_t count)
{
	char text[512] = "", value[64];
	size_t used = 0, i;

	for (i = 0; i < count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", i ? "  " : "",
					 columns_find(keys[i])->title, cell(keys[i], row, value));
	lines_add(lines, STYLE_PLAIN, "%s", text);
}

static double value_of(const struct sample *sample, enum style style)
{
	switch (style) {
	case STYLE_GRAPH_RUN:
		return sample->cpu;
	case STYLE_GRAPH_READY:
		return sample->ready;
	default:
		return sample->anon;
	}
}

/* The newest samples that fit, the latest at the right edge. */
static size_t collect(const struct track *track, enum style style, size_t room, double *values)
{
	size_t kept = track ? track->count : 0, blank, i;

	if (kept > room)
		kept = room;
	blank = room - kept;
	for (i = 0; i < blank; i++)
		values[i] = -1;
	for (i = 0; i < kept; i++)
		values[blank + i] = value_of(history_sample(track, track->count - kept + i), style);
	return room;
}

static void scale_text(double most, enum style style, char out[UNITS_TEXT])
{
	if (style == STYLE_GRAPH_MEMORY)
		units_bytes((uint64_t)most, out);
	else
		snprintf(out, UNITS_TEXT, "%.0f%%", most);
}

static void add_graph(struct lines *lines, const struct track *track, const char *title,
		      enum style style, size_t width, bool unicode)
{
	size_t room = width > MARGIN + 1 ? width - MARGIN : 1, row;
	bool memory = style == STYLE_GRAPH_MEMORY;
	double values[HISTORY_SAMPLES], most;
	char line[GRAPH_LINE], scale[UNITS_TEXT];

	room = collect(track, style, room < HISTORY_SAMPLES ? room : HISTORY_SAMPLES, values);
	most = graph_scale(values, room, memory ? 1 << 20 : 10, memory);
	if (style == STYLE_GRAPH_RUN)
		most = most < 100 ? 100 : most;
	scale_text(most, style, scale);
	for (row = 0; row < GRAPH_HEIGHT; row++) {
		graph_line(values, room, most, GRAPH_HEIGHT, row, unicode, line);
		lines_add(lines, style, "%-6.6s%6.6s |%s", row == GRAPH_HEIGHT - 1 ? title : "",
			  row ? "" : scale, line);
	}
}

static void add_threads(struct lines *lines, const struct snapshot *snap, const struct vm *vm)
{
	static const struct options rounded;	/* with titles, without colours */
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	threads_view_print(out, snap, vm, &rounded);
	if (!fclose(out))
		lines_add_text(lines, STYLE_TITLE, STYLE_PLAIN, text);
	free(text);
}

static const char *who(const struct snapshot *snap, uint32_t pid, char out[NAME])
{
	const struct vm *vm = snapshot_vm(snap, pid);
	char label[16];

	if (vm)
		text_escape(vm_label(vm, label, sizeof(label)), out, NAME);
	else
		snprintf(out, NAME, "pid %u, gone", pid);
	return out;
}

static int compare_waits(const void *a, const void *b)
{
	const struct preemption *left = a, *right = b;

	return (left->wait_ns < right->wait_ns) - (left->wait_ns > right->wait_ns);
}

static void add_culprit(struct lines *lines, const struct snapshot *snap,
			const struct preemption *row)
{
	char name[NAME], time[UNITS_TEXT], idle[UNITS_TEXT];

	lines_add(lines, STYLE_PLAIN, "%8s in %6" PRIu64 " pieces  %s%s%s",
		  units_duration(row->wait_ns, time), row->count,
		  !row->by ? "no VM" : row->by == row->victim ? "its own threads" :
		  who(snap, row->by, name), row->idle_ns ? "; of this nobody " : "",
		  row->idle_ns ? units_duration(row->idle_ns, idle) : "");
}

/* Those who ran while it was ready, most first. */
static void add_culprits(struct lines *lines, const struct snapshot *snap, const struct vm *vm)
{
	const struct cpu *window = &snap->window;
	struct preemption *rows = calloc(window->n_preemptions + 1, sizeof(*rows));
	size_t count = 0, i;

	for (i = 0; rows && i < window->n_preemptions; i++) {
		if (window->preemptions[i].victim == vm->pid)
			rows[count++] = window->preemptions[i];
	}
	if (count) {
		qsort(rows, count, sizeof(*rows), compare_waits);
		lines_add(lines, STYLE_TITLE, "ran while this VM was ready");
	}
	for (i = 0; i < count; i++)
		add_culprit(lines, snap, &rows[i]);
	free(rows);
}

void detail_lines(struct lines *lines, const struct snapshot *snap, const struct row *row,
		  const struct track *track, size_t width, bool unicode)
{
	static const char *const cpu[] = { "cpu", "ready", "guest", "vmm", "steal", "switches",
					   "exits", "p50", "p99" };
	static const char *const memory[] = { "anon", "unique", "self", "inter", "freed", "shmem",
					      "swap" };

	add_identity(lines, row);
	add_facts(lines, row, cpu, sizeof(cpu) / sizeof(*cpu));
	add_facts(lines, row, memory, sizeof(memory) / sizeof(*memory));
	add_graph(lines, track, "CPU", STYLE_GRAPH_RUN, width, unicode);
	add_graph(lines, track, "ready", STYLE_GRAPH_READY, width, unicode);
	add_graph(lines, track, "memory", STYLE_GRAPH_MEMORY, width, unicode);
	add_threads(lines, snap, row->vm);
	add_culprits(lines, snap, row->vm);
}
