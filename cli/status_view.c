// SPDX-License-Identifier: GPL-2.0
/* The manager's VMs, one line each. */
#include "status_view.h"

#include <inttypes.h>
#include <string.h>

#include "table.h"
#include "text.h"

static const struct {
	const char *title;
	bool right;
} columns[] = {
	{ "VM", false }, { "CLASS", false }, { "CPU%", true }, { "WANTS", true },
	{ "SURE", true }, { "QUOTA", true }, { "BY", false }, { "WHY", false },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *text_of(const json_t *vm, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(vm, key));

	return text ? text : otherwise;
}

/* The answer may be of somebody else's making: the directory is whose it is. */
static void word(struct table *table, const json_t *vm, const char *key)
{
	char cell[1024];

	text_escape(text_of(vm, key, "-"), cell, sizeof(cell));
	table_cell(table, cell);
}

/* Thousandths of one CPU as percent of one. */
static void percent(struct table *table, const json_t *vm, const char *key, const char *otherwise)
{
	const json_t *value = json_object_get(vm, key);
	char cell[32];

	snprintf(cell, sizeof(cell), "%.1f", (double)json_integer_value(value) / 10);
	table_cell(table, json_is_integer(value) ? cell : otherwise);
}

/* The quota as a rate of CPU, like the columns before it. */
static void quota(struct table *table, const json_t *vm)
{
	json_int_t ns = json_integer_value(json_object_get(vm, "quota_ns"));
	json_int_t period = json_integer_value(json_object_get(vm, "period_ns"));
	char cell[32];

	snprintf(cell, sizeof(cell), "%.1f", period ? 100.0 * (double)ns / (double)period : 0);
	table_cell(table, period ? cell : "none");
}

static void name(struct table *table, const json_t *vm)
{
	const char *known = json_string_value(json_object_get(vm, "name"));
	char cell[512];

	if (known)
		text_escape(known, cell, sizeof(cell));
	else
		snprintf(cell, sizeof(cell), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(vm, "pid")));
	table_cell(table, cell);
}

static void add_row(struct table *table, const json_t *vm)
{
	name(table, vm);
	word(table, vm, "class");
	percent(table, vm, "usage_millicpus", "-");
	percent(table, vm, "demand_millicpus", "-");
	percent(table, vm, "guarantee_millicpus", "-");
	quota(table, vm);
	word(table, vm, "actuator");
	word(table, vm, "reason");
}

static void print_head(const json_t *status, FILE *out)
{
	json_int_t t_check = json_integer_value(json_object_get(status, "t_check_ns"));
	char policy[64];

	text_escape(text_of(status, "policy", "-"), policy, sizeof(policy));
	fprintf(out, "manager %" JSON_INTEGER_FORMAT ": %s, policy %s, a check every %.3g s, %"
		JSON_INTEGER_FORMAT " checks, CPUs %s\n",
		json_integer_value(json_object_get(status, "pid")),
		json_is_true(json_object_get(status, "apply")) ? "applies" : "observes only",
		policy, (double)t_check / 1e9,
		json_integer_value(json_object_get(status, "checks")),
		json_is_true(json_object_get(status, "contended")) ? "contended" : "not contended");
}

int status_print(const json_t *status, const struct options *options, FILE *out,
		 struct error *err)
{
	struct table *table = table_new(COLUMNS);
	json_t *vm;
	size_t i;

	if (!table)
		return error_no_memory(err);
	for (i = 0; i < COLUMNS; i++)
		table_title(table, i, columns[i].title, columns[i].right);
	json_array_foreach(json_object_get(status, "vms"), i, vm)
		add_row(table, vm);
	if (!options->no_header)
		print_head(status, out);
	table_print(table, out, !options->no_header, options->color);
	table_free(table);
	return EXIT_OK;
}
