// SPDX-License-Identifier: GPL-2.0
/* A plan for people. */
#include <inttypes.h>
#include <string.h>

#include "consistency.h"
#include "plan.h"
#include "table.h"
#include "text.h"

static struct table *new_table(const struct plan *plan)
{
	static const char *const titles[] = {
		"VM", "PID", "COST", "ALONE", "WITH-PREVIOUS", "TO",
	};
	size_t columns = plan->fleet->hosts ? 6 : 5, i;
	struct table *table = table_new(columns);

	for (i = 0; i < columns; i++)
		table_title(table, i, titles[i], i > 0 && i < 5);
	return table;
}

static void print_victims(const struct plan *plan)
{
	struct table *table = new_table(plan);
	char text[UNITS_TEXT], name[PLAN_NAME], host[FLEET_NAME];
	size_t i;

	for (i = 0; i < plan->choice->count; i++) {
		const struct victim *victim = &plan->choice->victims[i];
		const struct vm *vm = &plan->snap->vms[victim->vm];

		table_cell(table, plan_name(vm, name));
		snprintf(text, sizeof(text), "%u", vm->pid);
		table_cell(table, text);
		table_cell(table, plan_cost(plan->options, plan->costs, victim->cost, text));
		table_cell(table, plan_size(plan->options, victim->freed_alone, text));
		table_cell(table, plan_size(plan->options, victim->freed_with_previous, text));
		if (plan->fleet->hosts)
			table_cell(table, fleet_name(plan->fleet, plan->host_of[i], host));
	}
	table_print(table, stdout, !plan->options->no_header, plan->options->color);
	table_free(table);
}

static void print_proof(const struct plan *plan)
{
	const struct victim_plan *choice = plan->choice;
	char bound[UNITS_TEXT];

	if (choice->proved) {
		printf("proved: no other choice that frees the need%s costs less (%" PRIu64
		       " step%s)\n", choice->cost_anywhere ? " and fits" : "", choice->nodes,
		       text_plural(choice->nodes));
		return;
	}
	printf("not proved: the search stopped after %" PRIu64
	       " step%s; no choice costs less than %s, so this one is at most %.1f %% of its cost too dear\n",
	       choice->nodes, text_plural(choice->nodes), plan_cost(plan->options, plan->costs, choice->lower_bound, bound),
	       100 * victim_gap(choice));
}

static void print_hosts(const struct plan *plan)
{
	char growth[UNITS_TEXT], left[UNITS_TEXT], margin[UNITS_TEXT], host[FLEET_NAME];
	size_t i;

	for (i = 0; i < plan->fleet->hosts; i++) {
		const struct destination *destination = &plan->fleet->destinations[i];

		printf("%s grows by %s for %zu VM%s and keeps %s available (at least %s)\n",
		       fleet_name(plan->fleet, i, host),
		       plan_size(plan->options, destination->growth, growth),
		       destination->vms, text_plural(destination->vms),
		       plan_size(plan->options, destination->available - destination->growth, left),
		       plan_size(plan->options, destination->margin, margin));
	}
}

static void print_notes(const struct plan *plan)
{
	struct gaps gaps = plan_gaps(plan);
	char cost[UNITS_TEXT];

	if (plan->choice->cost_anywhere)
		printf("note: a set that costs %s does not fit the destinations\n",
		       plan_cost(plan->options, plan->costs, plan->choice->cost_anywhere, cost));
	if (plan->without_host)
		printf("note: " PLAN_WITHOUT_HOST "\n",
		       plan->without_host, text_plural(plan->without_host));
	if (plan->costs->given && plan->costs->given < plan->costs->movable)
		printf("note: %zu of the %zu costs are the document's own, in whatever unit\n",
		       plan->costs->given, plan->costs->movable);
	gaps_print(&gaps);
	consistency_print(plan->snap, NULL);
}

static void print_growth(const struct plan *plan)
{
	char growth[UNITS_TEXT];

	if (plan->fleet->hosts)
		print_hosts(plan);
	else if (plan_growth_known(plan))
		printf("a destination that shares nothing with them grows by %s\n",
		       plan_size(plan->options, plan->choice->growth, growth));
}

void plan_print(const struct plan *plan)
{
	const struct victim_plan *choice = plan->choice;
	char need[UNITS_TEXT], freed[UNITS_TEXT], cost[UNITS_TEXT];

	printf("need %s: %zu of %zu movable VMs free %s at a cost of %s (%s)\n",
	       units_exact(plan->request->need, need), choice->count, choice->movable,
	       plan_size(plan->options, choice->freed, freed),
	       plan_cost(plan->options, plan->costs, choice->cost, cost),
	       plan_cost_words(plan->costs));
	print_victims(plan);
	print_proof(plan);
	print_growth(plan);
	print_notes(plan);
	if (plan->explanation)
		explain_print(plan);
}
