// SPDX-License-Identifier: GPL-2.0
/* What all views of a plan have in common. */
#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "text.h"

const char *plan_size(const struct options *options, uint64_t bytes, char out[UNITS_TEXT])
{
	return units_size(bytes, options->bytes, out);
}

const char *plan_cost(const struct options *options, const struct costs *costs, uint64_t cost,
		      char out[UNITS_TEXT])
{
	bool rounded = !options->bytes && costs_of_model(costs);

	if (rounded && costs->model == COST_BYTES)
		return units_bytes(cost, out);
	if (rounded && (costs->model == COST_TIME || costs->model == COST_DOWNTIME))
		return units_duration(cost, out);
	snprintf(out, UNITS_TEXT, "%" PRIu64, cost);
	return out;
}

const char *plan_cost_words(const struct costs *costs)
{
	static const char *const words[] = {
		[COST_BYTES] = "bytes to be sent", [COST_TIME] = "time to send them",
		[COST_DOWNTIME] = "downtime", [COST_COUNT] = "VMs", [COST_WEIGHT] = "weight",
	};

	if (!costs_of_model(costs))
		return costs_unit(costs);
	return words[costs->model];
}

const char *plan_name(const struct vm *vm, char out[PLAN_NAME])
{
	char label[16];

	text_escape(vm_label(vm, label, sizeof(label)), out, PLAN_NAME);
	return out;
}

bool plan_growth_known(const struct plan *plan)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < plan->choice->count; i++) {
		if (!facts_get(&plan->snap->vms[plan->choice->victims[i].vm].facts, VM_ANON, &bytes))
			return false;
	}
	return true;
}

struct gaps plan_gaps(const struct plan *plan)
{
	struct gaps gaps = {};
	size_t i;

	for (i = 0; i < plan->snap->n_vms; i++) {
		if (victim_movable(plan->snap, plan->request, i))
			gaps_add(&gaps, &plan->snap->vms[i]);
	}
	return gaps;
}

int plan_commands(const struct plan *plan, char ***commands, struct error *err)
{
	const struct options *options = plan->options;
	enum command_format format =
		options->command_template ? COMMAND_TEMPLATE : options->format;
	size_t i;

	*commands = calloc(plan->choice->count + 1, sizeof(**commands));
	if (!*commands)
		return error_no_memory(err);
	for (i = 0; i < plan->choice->count; i++) {
		struct command_move move = {
			.vm = &plan->snap->vms[plan->choice->victims[i].vm],
			.among = plan->snap,
			.dest = plan->fleet->hosts ? plan->fleet->names[plan->host_of[i]] : NULL,
		};

		(*commands)[i] = command_write(format, options->command_template, &move, err);
		if (!(*commands)[i]) {
			plan_commands_free(*commands, i);
			return -1;
		}
	}
	return 0;
}

void plan_commands_free(char **commands, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(commands[i]);
	free(commands);
}

/* Comments for whoever reads it first; a template may be for something without any. */
void plan_print_commands(const struct plan *plan, char **commands)
{
	const struct victim_plan *choice = plan->choice;
	char need[UNITS_TEXT], freed[UNITS_TEXT], name[PLAN_NAME];
	bool comments = !plan->options->command_template;
	size_t i;

	if (comments)
		printf("# vmshare changes nothing: read these commands before you run them.\n"
		       "# need %s: %zu VM%s to move, %s come free\n",
		       units_exact(plan->request->need, need), choice->count,
		       text_plural(choice->count),
		       plan_size(plan->options, choice->freed, freed));
	if (comments && plan->options->from)
		printf("# to be run on the host that the document was taken on\n");
	if (comments && !plan->fleet->hosts)
		printf("# set DEST to the destination's host name\n");
	for (i = 0; i < choice->count; i++) {
		if (comments)
			printf("# %s\n", plan_name(&plan->snap->vms[choice->victims[i].vm], name));
		puts(commands[i]);
	}
}
