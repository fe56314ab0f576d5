// SPDX-License-Identifier: GPL-2.0
/* A snapshot as rows: filtered, sorted, printed. */
#include "view.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "snapjson.h"
#include "text.h"
#include "units.h"

#define CELL_SIZE (4 * 512)

int view_init(struct view *view, const struct snapshot *snap, const struct snapshot *before,
	      struct error *err)
{
	size_t i;

	*view = (struct view){
		.rows = calloc(snap->n_vms + 1, sizeof(*view->rows)),
		.usages = calloc(snap->n_vms + 1, sizeof(*view->usages)),
	};
	for (i = 0; view->rows && view->usages && i < snap->n_vms; i++) {
		if (usage_of(&view->usages[i], snap, before, &snap->vms[i]))
			break;
		view->rows[i] = (struct row){ &snap->vms[i], &view->usages[i] };
		view->count = ++view->n_usages;
	}
	if (view->rows && view->usages && i == snap->n_vms)
		return 0;
	view_free(view);
	return error_no_memory(err);
}

void view_free(struct view *view)
{
	size_t i;

	for (i = 0; i < view->n_usages; i++)
		usage_free(&view->usages[i]);
	free(view->usages);
	free(view->rows);
	memset(view, 0, sizeof(*view));
}

static bool holds(const struct vm *vm, const char *word)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%u", vm->pid);
	return (vm->name && strcasestr(vm->name, word)) ||
	       (vm->uuid && strcasestr(vm->uuid, word)) || !strcmp(pid, word);
}

bool view_matches(const struct vm *vm, const char *filter)
{
	const char *end;
	char word[128];

	if (!*filter)
		return true;
	for (;; filter = end + 1) {
		end = strchrnul(filter, '|');
		snprintf(word, sizeof(word), "%.*s", (int)(end - filter), filter);
		if (*word && holds(vm, word))
			return true;
		if (!*end)
			return false;
	}
}

void view_filter(struct view *view, const char *filter)
{
	size_t kept = 0, i;

	for (i = 0; i < view->count; i++) {
		if (view_matches(view->rows[i].vm, filter))
			view->rows[kept++] = view->rows[i];
	}
	view->count = kept;
}

struct order {
	const struct column *column;
	bool invert;
};

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct order *order = data;
	int result = columns_compare(order->column, a, b);

	return order->invert ? -result : result;
}

void view_sort(struct view *view, const struct column *column, bool invert)
{
	struct order order = { column, invert };

	if (column && view->count)
		qsort_r(view->rows, view->count, sizeof(*view->rows), compare_rows, &order);
}

static void print(const struct view *view, const struct columns *columns,
		  const struct options *options, FILE *out, bool header, bool color)
{
	struct table *table = table_new(columns->count);
	char cell[CELL_SIZE];
	size_t i, j;

	for (j = 0; j < columns->count; j++)
		table_title(table, j, columns->column[j]->title,
			    columns->column[j]->kind != COLUMN_TEXT);
	for (i = 0; i < view->count; i++) {
		for (j = 0; j < columns->count; j++) {
			columns_format(columns->column[j], &view->rows[i], options->bytes, cell,
				       sizeof(cell));
			table_cell(table, cell);
		}
	}
	table_print(table, out, header, color);
	table_free(table);
}

void view_print_period(const struct snapshot *snap)
{
	char text[UNITS_TEXT];

	if (snap->window.window_ns)
		printf("CPU over %s\n", units_duration(snap->window.window_ns, text));
	else
		printf("CPU since each VM's birth\n");
}

void view_print(const struct view *view, const struct columns *columns,
		const struct options *options)
{
	print(view, columns, options, stdout, !options->no_header, options->color);
}

void view_render(const struct view *view, const struct columns *columns,
		 const struct options *options, FILE *out)
{
	print(view, columns, options, out, true, false);
}

json_t *view_json(const struct view *view, const struct snapshot *snap)
{
	struct snapshot lines = *snap;
	json_t *root, *all, *vms = json_array();
	size_t i;

	lines.sets_known = false;
	lines.window.preemptions_known = false;
	root = snapjson_write(&lines);
	all = json_object_get(root, "vms");
	for (i = 0; i < view->count; i++)
		json_array_append(vms, json_array_get(all, (size_t)(view->rows[i].vm - snap->vms)));
	json_object_set_new(root, "vms", vms);
	return root;
}
