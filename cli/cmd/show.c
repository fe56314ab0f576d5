// SPDX-License-Identifier: GPL-2.0
/* vmshare show VM: everything known about one VM. */
#include "cmd.h"

#include <inttypes.h>
#include <linux/vmshare.h>
#include <stdio.h>
#include <stdlib.h>

#include "columns.h"
#include "consistency.h"
#include "jsonout.h"
#include "options_cpu.h"
#include "selector.h"
#include "sharing.h"
#include "snapjson.h"
#include "source.h"
#include "table.h"
#include "text.h"
#include "threads_view.h"
#include "units.h"
#include "view.h"

#define CELL_SIZE 2048

static const struct option options_show[] = {
	OPTION_WINDOW("what its threads do, over so long from now instead of since birth"),
	{ .name = NULL },
};

struct partner {
	const struct vm *vm;
	uint64_t frames;
};

struct portrait {
	const struct snapshot *snap;
	const struct options *options;
	const struct vm *vm;
	bool sharing_known;
	struct partner *partners;	/* most shared first */
	size_t n_partners;
	uint64_t outside;
};

static int compare_partners(const void *a, const void *b)
{
	const struct partner *left = a, *right = b;

	return left->frames > right->frames ? -1 : left->frames < right->frames;
}

static int find_partners(struct portrait *portrait, struct error *err)
{
	size_t self = (size_t)(portrait->vm - portrait->snap->vms), i;
	struct sharing sharing;

	portrait->partners = calloc(portrait->snap->n_vms + 1, sizeof(*portrait->partners));
	if (!portrait->partners || sharing_init(&sharing, portrait->snap))
		return error_no_memory(err);
	for (i = 0; i < sharing.vms; i++) {
		uint64_t frames = sharing_between(&sharing, self, i);

		if (i != self && frames)
			portrait->partners[portrait->n_partners++] =
				(struct partner){ &portrait->snap->vms[i], frames };
	}
	portrait->outside = sharing.outside[self];
	portrait->sharing_known = portrait->snap->sets_known;
	sharing_free(&sharing);
	qsort(portrait->partners, portrait->n_partners, sizeof(*portrait->partners),
	      compare_partners);
	return 0;
}

static const char *size_text(const struct portrait *portrait, uint64_t bytes,
			     char out[UNITS_TEXT])
{
	return units_size(bytes, portrait->options->bytes, out);
}

static bool is_known(const struct column *column, const struct row *row)
{
	struct value value = {};

	column->get(column, row, &value);
	return value.known;
}

static void print_line(const struct portrait *portrait, const struct column *column,
		       const struct row *row)
{
	char cell[CELL_SIZE];

	columns_format(column, row, portrait->options->bytes, cell, sizeof(cell));
	if (portrait->options->no_header)
		printf("%s\n", cell);
	else
		printf("%-14s %s\n", column->key, cell);
}

static void print_all(const struct portrait *portrait, const struct row *row)
{
	const struct column *column;

	for (column = columns_all; column->key; column++) {
		if (is_known(column, row))
			print_line(portrait, column, row);
	}
}

static void print_partners(const struct portrait *portrait)
{
	char name[CELL_SIZE], text[UNITS_TEXT], pid[16];
	size_t i;

	if (!portrait->sharing_known)
		return;
	for (i = 0; i < portrait->n_partners; i++) {
		const struct partner *partner = &portrait->partners[i];

		text_escape(vm_label(partner->vm, pid, sizeof(pid)), name, sizeof(name));
		printf("%-14s %s of frames with %s (pid %u)\n", i ? "" : "shared",
		       size_text(portrait, partner->frames, text), name, partner->vm->pid);
	}
	if (portrait->outside)
		printf("%-14s %s of frames with processes that are no VM\n", "outside",
		       size_text(portrait, portrait->outside, text));
}

static void add_fact(const struct portrait *portrait, struct table *table,
		     const struct vcpu *vcpu, enum vcpu_field field)
{
	bool time = field == VCPU_RUN_NS || field == VCPU_READY_NS || field == VCPU_GUEST_NS;
	char text[UNITS_TEXT] = "-";
	uint64_t value;

	if (facts_get(&vcpu->facts, field, &value)) {
		units_time(value, !time || portrait->options->bytes, text);
	}
	table_cell(table, text);
}

static void print_vcpus(const struct portrait *portrait)
{
	static const char *const titles[] = {
		"VCPU", "TID", "RUN", "READY", "GUEST", "VCSW", "IVCSW", "MIGR", "EXITS",
	};
	struct table *table = table_new(VCPU_FIELDS + 1);
	char id[16];
	size_t i, field;

	for (i = 0; i <= VCPU_FIELDS; i++)
		table_title(table, i, titles[i], true);
	for (i = 0; i < portrait->vm->n_vcpus; i++) {
		snprintf(id, sizeof(id), "%u", portrait->vm->vcpus[i].id);
		table_cell(table, id);
		for (field = 0; field < VCPU_FIELDS; field++)
			add_fact(portrait, table, &portrait->vm->vcpus[i], (enum vcpu_field)field);
	}
	table_print(table, stdout, !portrait->options->no_header, portrait->options->color);
	table_free(table);
}

static void print_threads(const struct portrait *portrait)
{
	const struct options *options = portrait->options;

	if (!portrait->snap->cpu.n_threads)
		return;
	if (!options->no_header)
		view_print_period(portrait->snap);
	threads_view_print(stdout, portrait->snap, portrait->vm, options);
}

static int print_text(const struct portrait *portrait, const struct columns *columns,
		      struct error *err)
{
	struct usage usage;
	struct row row = { portrait->vm, &usage };
	size_t i;

	if (usage_of(&usage, portrait->snap, NULL, portrait->vm))
		return error_no_memory(err);
	for (i = 0; i < columns->count; i++)
		print_line(portrait, columns->column[i], &row);
	if (!columns->count) {
		print_all(portrait, &row);
		print_partners(portrait);
		if (portrait->vm->n_vcpus)
			print_vcpus(portrait);
		print_threads(portrait);
	}
	usage_free(&usage);
	if (!portrait->options->no_header)
		consistency_print(portrait->snap, NULL);
	return 0;
}

static json_t *partners_json(const struct portrait *portrait)
{
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < portrait->n_partners; i++) {
		const struct partner *partner = &portrait->partners[i];

		object = json_object();
		json_object_set_new(object, "pid", jsonout_number(partner->vm->pid));
		if (partner->vm->name)
			json_object_set_new(object, "name", jsonout_text(partner->vm->name));
		json_object_set_new(object, "frames_bytes", jsonout_number(partner->frames));
		json_array_append_new(array, object);
	}
	return array;
}

static void print_json(const struct portrait *portrait)
{
	json_t *root = json_object();
	uint64_t generation;

	json_object_set_new(root, "version", json_integer(1));
	if (facts_get(&portrait->snap->host, HOST_GENERATION, &generation))
		json_object_set_new(root, "generation", jsonout_number(generation));
	consistency_put(root, portrait->snap);
	json_object_set_new(root, "vm", snapjson_write_vm(portrait->snap, portrait->vm));
	if (portrait->sharing_known) {
		json_object_set_new(root, "shared_with", partners_json(portrait));
		json_object_set_new(root, "outside_bytes", jsonout_number(portrait->outside));
	}
	if (portrait->snap->window.window_ns)
		json_object_set_new(root, "window_ns",
				    jsonout_number(portrait->snap->window.window_ns));
	jsonout_print(root, portrait->options->pretty);
}

static int show(const struct snapshot *snap, const struct columns *columns,
		const struct options *options, struct error *err)
{
	struct portrait portrait = { .snap = snap, .options = options };
	int ret;

	if (selector_find(snap, options->operands.word[0], &portrait.vm, err))
		return -1;
	ret = find_partners(&portrait, err);
	if (!ret && options->json)
		print_json(&portrait);
	else if (!ret)
		ret = print_text(&portrait, columns, err);
	free(portrait.partners);
	return ret;
}

/* Sets are a bonus here: a document without them still says all the rest. */
static unsigned int needs_of(const struct cmd *cmd, const struct options *options)
{
	return cmd->needs | (options->from ? 0 : NEED_SETS);
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct columns columns = {};
	struct snapshot snap;
	int ret;

	if (options->columns && columns_parse(options->columns, &columns, err))
		return -1;
	if (source_once_window(options, needs_of(cmd, options),
			       VMSHARE_HOOK_SCHED, &snap, err))
		return -1;
	ret = show(&snap, &columns, options, err);
	snapshot_free(&snap);
	return ret;
}

const struct cmd cmd_show = {
	.name = "show",
	.args = "VM",
	.summary = "everything known about one VM",
	.needs = NEED_VCPUS | NEED_PSS | NEED_CPU | NEED_OWNER,
	.columns = true,
	.operands_min = 1,
	.operands_max = 1,
	.options = options_show,
	.run = run,
};
