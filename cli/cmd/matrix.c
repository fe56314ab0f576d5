// SPDX-License-Identifier: GPL-2.0
/* vmshare matrix: which VMs share how much with which, and which takes CPU from which. */
#include "cmd.h"

#include <linux/vmshare.h>
#include <stdlib.h>

#include "consistency.h"
#include "displacement.h"
#include "jsonout.h"
#include "options_cpu.h"
#include "selector.h"
#include "sharing.h"
#include "source.h"
#include "text.h"
#include "units.h"
#include "view.h"

#define WINDOW_MS 2000

static const struct option options_matrix[] = {
	OPTION_WINDOW("for the CPU part (default 2); 0: memory alone"),
	{ .name = NULL },
};

struct matrix {
	const struct snapshot *snap;
	const struct options *options;
	struct sharing sharing;
	struct view view;		/* the VMs to show, in order */
	struct error problem;		/* why there is no CPU part; code 0: nothing wrong */
};

static size_t index_of(const struct matrix *matrix, size_t row)
{
	return (size_t)(matrix->view.rows[row].vm - matrix->snap->vms);
}

static void add_cell(const struct matrix *matrix, struct table *table, uint64_t bytes)
{
	char text[UNITS_TEXT];

	table_cell(table, units_size(bytes, matrix->options->bytes, text));
}

static const char *label_of(const struct matrix *matrix, size_t row, char *out, size_t size)
{
	char pid[16];

	text_escape(vm_label(matrix->view.rows[row].vm, pid, sizeof(pid)), out, size);
	return out;
}

static void print_text(const struct matrix *matrix)
{
	size_t count = matrix->view.count, i, j;
	struct table *table = table_new(count + 2);
	char label[2048];

	table_title(table, 0, "VM", false);
	for (j = 0; j < count; j++)
		table_title(table, j + 1, label_of(matrix, j, label, sizeof(label)), true);
	table_title(table, count + 1, "OTHERS", true);
	for (i = 0; i < count; i++) {
		size_t vm = index_of(matrix, i);

		table_cell(table, label_of(matrix, i, label, sizeof(label)));
		for (j = 0; j < count; j++)
			add_cell(matrix, table,
				 sharing_between(&matrix->sharing, vm, index_of(matrix, j)));
		add_cell(matrix, table, matrix->sharing.outside[vm]);
	}
	table_print(table, stdout, !matrix->options->no_header, matrix->options->color);
	table_free(table);
}

static int print_cpu(const struct matrix *matrix, struct error *err)
{
	if (matrix->problem.code)
		printf("\nno CPU part: %s\n", matrix->problem.message);
	if (!matrix->snap->window.preemptions_known)
		return 0;
	putchar('\n');
	if (displacement_print(&matrix->snap->window, &matrix->view, matrix->options))
		return error_no_memory(err);
	return 0;
}

static json_t *vm_json(const struct vm *vm)
{
	json_t *object = json_object();

	json_object_set_new(object, "pid", jsonout_number(vm->pid));
	if (vm->name)
		json_object_set_new(object, "name", jsonout_text(vm->name));
	return object;
}

static json_t *row_json(const struct matrix *matrix, size_t row)
{
	json_t *cells = json_array();
	size_t j;

	for (j = 0; j < matrix->view.count; j++)
		json_array_append_new(cells,
				      jsonout_cell(sharing_between(&matrix->sharing,
								   index_of(matrix, row),
								   index_of(matrix, j))));
	return cells;
}

static int print_json(const struct matrix *matrix, struct error *err)
{
	json_t *root = json_object(), *vms = json_array(), *rows = json_array();
	json_t *outside = json_array();
	uint64_t generation;
	size_t i;

	for (i = 0; i < matrix->view.count; i++) {
		json_array_append_new(vms, vm_json(matrix->view.rows[i].vm));
		json_array_append_new(rows, row_json(matrix, i));
		json_array_append_new(outside,
				      jsonout_cell(matrix->sharing.outside[index_of(matrix, i)]));
	}
	json_object_set_new(root, "version", json_integer(1));
	if (facts_get(&matrix->snap->host, HOST_GENERATION, &generation))
		json_object_set_new(root, "generation", jsonout_number(generation));
	consistency_put(root, matrix->snap);
	json_object_set_new(root, "vms", vms);
	json_object_set_new(root, "frames_bytes", rows);
	json_object_set_new(root, "outside_bytes", outside);
	if (matrix->problem.code)
		json_object_set_new(root, "cpu_missing", jsonout_text(matrix->problem.message));
	if (matrix->snap->window.preemptions_known &&
	    displacement_put(root, &matrix->snap->window, &matrix->view)) {
		json_decref(root);
		return error_no_memory(err);
	}
	jsonout_print(root, matrix->options->pretty);
	return 0;
}

/* Leaves the rows of the VMs that were named; all if none was. */
static int choose_rows(struct matrix *matrix, struct error *err)
{
	bool *chosen = calloc(matrix->snap->n_vms + 1, sizeof(*chosen));
	size_t kept = 0, i;
	int ret;

	if (!chosen)
		return error_no_memory(err);
	ret = selector_mark(matrix->snap, &matrix->options->operands, chosen, err);
	for (i = 0; i < matrix->view.count; i++) {
		if (chosen[i] || !matrix->options->operands.count)
			matrix->view.rows[kept++] = matrix->view.rows[i];
	}
	matrix->view.count = kept;
	free(chosen);
	return ret;
}

static int show(struct matrix *matrix, const struct column *sort, struct error *err)
{
	if (sharing_init(&matrix->sharing, matrix->snap))
		return error_no_memory(err);
	if (view_init(&matrix->view, matrix->snap, NULL, err) || choose_rows(matrix, err))
		return -1;
	view_sort(&matrix->view, sort, false);
	if (matrix->options->json)
		return print_json(matrix, err);
	print_text(matrix);
	if (!matrix->options->no_header)
		consistency_print(matrix->snap, NULL);
	return print_cpu(matrix, err);
}

/* A kernel without hooks still has the memory part. */
static int take(struct matrix *matrix, unsigned int needs, struct snapshot *snap,
		struct error *err)
{
	const struct options *options = matrix->options;
	uint32_t window_ms = options->window_given ? options->window_ms : WINDOW_MS;
	struct source *source;
	int ret;

	if (source_open(&source, options, err))
		return -1;
	if (options->from || !window_ms)
		ret = source_next(source, needs, 0, snap, err);
	else
		ret = source_window(source, needs, VMSHARE_HOOK_SCHED, window_ms, NULL, snap,
				    err);
	if (ret && window_ms && err->code == EXIT_SUPPORT) {
		matrix->problem = *err;
		ret = source_next(source, needs, 0, snap, err);
	}
	source_close(source);
	/* a document may have been taken over a window that is not asked for */
	if (!ret && !window_ms)
		snap->window.preemptions_known = false;
	return ret;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct matrix matrix = { .options = options };
	const struct column *sort;
	struct snapshot snap;
	int ret;

	if (columns_parse_key(options->sort, &sort, err) ||
	    take(&matrix, cmd->needs | (sort ? sort->needs : 0), &snap, err))
		return -1;
	matrix.snap = &snap;
	ret = show(&matrix, sort, err);
	sharing_free(&matrix.sharing);
	view_free(&matrix.view);
	snapshot_free(&snap);
	return ret;
}

const struct cmd cmd_matrix = {
	.name = "matrix",
	.args = "[VM...]",
	.summary = "which VMs share how much with which; which takes CPU from which",
	.needs = NEED_SETS,
	.sorts = true,
	.operands_max = SIZE_MAX,
	.options = options_matrix,
	.run = run,
};
