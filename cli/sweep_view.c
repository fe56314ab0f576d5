// SPDX-License-Identifier: GPL-2.0
/* The whole trade-off: table, plot, document. */
#include <stdlib.h>

#include "consistency.h"
#include "jsonout.h"
#include "memory.h"
#include "plan.h"
#include "plot.h"
#include "table.h"
#include "text.h"

static void print_table(const struct plan *plan, const struct sweep *sweep)
{
	static const char *const titles[] = { "FREED", "COST", "VMS", "AT-LEAST", "MARK" };
	struct table *table = table_new(5);
	char text[UNITS_TEXT];
	size_t i;

	for (i = 0; i < 5; i++)
		table_title(table, i, titles[i], i < 4);
	for (i = 0; i < sweep->count; i++) {
		const struct sweep_point *point = &sweep->points[i];

		table_cell(table, plan_size(plan->options, point->need, text));
		table_cell(table, plan_cost(plan->options, plan->costs, point->cost, text));
		snprintf(text, sizeof(text), "%zu", point->count);
		table_cell(table, text);
		table_cell(table, point->proved ? "proved" :
						  plan_cost(plan->options, plan->costs,
							    point->lower_bound, text));
		table_cell(table, point->hull ? "*" : "o");
	}
	table_print(table, stdout, !plan->options->no_header, plan->options->color);
	table_free(table);
}

static void print_plot(const struct plan *plan, const struct sweep *sweep)
{
	struct plot_point *points = memory_checked(calloc(sweep->count + 1, sizeof(*points)));
	char freed[UNITS_TEXT], cost[UNITS_TEXT];
	uint64_t highest = 0;
	size_t i;

	for (i = 0; i < sweep->count; i++) {
		const struct sweep_point *point = &sweep->points[i];

		points[i] = (struct plot_point){ point->need, point->cost,
						 point->hull ? '*' : 'o' };
		highest = point->cost > highest ? point->cost : highest;
	}
	plot_print(&(struct plot){
		.points = points, .count = sweep->count, .x_max = sweep->freed_all,
		.x_title = "need", .y_title = plan_cost_words(plan->costs),
		.x_label = plan_size(plan->options, sweep->freed_all, freed),
		.y_label = plan_cost(plan->options, plan->costs, highest, cost),
	}, stdout);
	free(points);
}

/* With few points, or a small share of the work for each, not all corners are among them. */
static void print_corners(const struct sweep *sweep)
{
	size_t shown = 0, i;

	for (i = 0; i < sweep->count; i++)
		shown += sweep->points[i].hull;
	if (!sweep->corners_complete)
		return;
	printf("there %s %zu corner%s (proved)", sweep->corners == 1 ? "is" : "are",
	       sweep->corners, text_plural(sweep->corners));
	if (shown < sweep->corners)
		printf(", of which %zu %s shown; more --points show more", shown,
		       shown == 1 ? "is" : "are");
	putchar('\n');
}

void sweep_print(const struct plan *plan, const struct sweep *sweep)
{
	struct gaps gaps = plan_gaps(plan);
	char all[UNITS_TEXT];

	printf("what comes free, and the cheapest cost of it; all that may leave free %s\n",
	       plan_size(plan->options, sweep->freed_all, all));
	print_table(plan, sweep);
	printf("\n");
	print_plot(plan, sweep);
	printf("* corner of the best prices per byte   o other cheapest set\n"
	       "a need between two of them costs at most as much as the line shows\n");
	print_corners(sweep);
	gaps_print(&gaps);
	consistency_print(plan->snap, NULL);
}

static json_t *point_json(const struct plan *plan, const struct sweep_point *point)
{
	json_t *object = json_object(), *pids = json_array();
	size_t i;

	json_object_set_new(object, "need_bytes", jsonout_number(point->need));
	json_object_set_new(object, "cost", jsonout_number(point->cost));
	json_object_set_new(object, "lower_bound", jsonout_number(point->lower_bound));
	json_object_set_new(object, "optimal", json_boolean(point->proved));
	json_object_set_new(object, "hull", json_boolean(point->hull));
	for (i = 0; i < point->count; i++)
		json_array_append_new(pids, json_integer(plan->snap->vms[point->vms[i]].pid));
	json_object_set_new(object, "vms", pids);
	return object;
}

json_t *sweep_json(const struct plan *plan, const struct sweep *sweep)
{
	json_t *root = json_object(), *points = json_array();
	struct gaps gaps = plan_gaps(plan);
	size_t i;

	for (i = 0; i < sweep->count; i++)
		json_array_append_new(points, point_json(plan, &sweep->points[i]));
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "freed_all_bytes", jsonout_number(sweep->freed_all));
	json_object_set_new(root, "cost", plan_cost_json(plan, NULL));
	json_object_set_new(root, "corners", json_integer((json_int_t)sweep->corners));
	json_object_set_new(root, "corners_complete", json_boolean(sweep->corners_complete));
	json_object_set_new(root, "points", points);
	gaps_put(root, &gaps);
	consistency_put(root, plan->snap);
	return root;
}
