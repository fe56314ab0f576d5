// SPDX-License-Identifier: GPL-2.0
/* Why this plan, and what the obvious choices would have done, for people. */
#include <inttypes.h>
#include <string.h>

#include "plan.h"
#include "table.h"

#define NAMES_SHOWN 6

static void print_victims(const struct plan *plan)
{
	static const char *const titles[] = { "VM", "ALONE", "ADDED", "LOST-IF-KEPT" };
	struct table *table = table_new(4);
	char text[UNITS_TEXT], name[PLAN_NAME];
	uint64_t before = 0;
	size_t i;

	for (i = 0; i < 4; i++)
		table_title(table, i, titles[i], i > 0);
	for (i = 0; i < plan->choice->count; i++) {
		const struct victim *victim = &plan->choice->victims[i];

		table_cell(table, plan_name(&plan->snap->vms[victim->vm], name));
		table_cell(table, plan_size(plan->options, victim->freed_alone, text));
		table_cell(table, plan_size(plan->options, victim->freed_with_previous - before,
					    text));
		table_cell(table, plan_size(plan->options, plan->explanation->needed_for[i], text));
		before = victim->freed_with_previous;
	}
	table_print(table, stdout, !plan->options->no_header, plan->options->color);
	table_free(table);
}

/* Is one of them dispensable? Then it leaves because it was asked to. */
static void print_necessity(const struct plan *plan)
{
	const struct victim_plan *choice = plan->choice;
	uint64_t spare = choice->freed - plan->request->need;
	char text[UNITS_TEXT];
	size_t needed = 0, i;

	for (i = 0; i < choice->count; i++)
		needed += plan->explanation->needed_for[i] > spare;
	printf("%s more than needed come free; ", plan_size(plan->options, spare, text));
	if (needed == choice->count)
		printf("without any one of them it would not be enough\n");
	else
		printf("%zu of %zu would be missed, the others cost nothing or were asked for\n",
		       needed, choice->count);
}

static void print_names(const struct plan *plan, const struct explain_choice *obvious,
			size_t count)
{
	char name[PLAN_NAME];
	size_t i;

	for (i = 0; i < count && i < NAMES_SHOWN; i++)
		printf("%s%s", i ? ", " : "", plan_name(&plan->snap->vms[obvious->vms[i]], name));
	if (count > NAMES_SHOWN)
		printf(" and %zu more", count - NAMES_SHOWN);
}

static void print_believed(const struct plan *plan, const struct explain_choice *obvious)
{
	const struct explain_prefix *believed = &obvious->believed;
	char promised[UNITS_TEXT], freed[UNITS_TEXT], missing[UNITS_TEXT];

	printf("  ");
	print_names(plan, obvious, believed->count);
	printf(": %s promised, %s freed", plan_size(plan->options, believed->promised, promised),
	       plan_size(plan->options, believed->freed, freed));
	if (obvious->enough)
		printf(", which is enough\n");
	else if (plan->request->need > believed->freed)
		printf(", %s too little\n",
		       plan_size(plan->options, plan->request->need - believed->freed, missing));
	else
		printf(", by more VMs than may leave\n");
}

/* How much dearer than the plan, in percent of its cost. */
static void print_excess(const struct plan *plan, uint64_t cost)
{
	uint64_t best = plan->choice->cost;

	if (cost == best)
		printf("no more than the plan");
	else if (cost < best && plan->choice->proved)
		printf("less than the plan, but the destinations do not take them");
	else if (cost < best)
		printf("less than the plan, which is not proved");
	else if (best)
		printf("%.1f %% more than the plan", 100 * (double)(cost - best) / (double)best);
	else
		printf("while the plan costs nothing");
}

static void print_real(const struct plan *plan, const struct explain_choice *obvious)
{
	const struct explain_prefix *real = &obvious->real;
	char cost[UNITS_TEXT];

	if (!obvious->possible) {
		printf("  going on in this order never meets the need with as many VMs as may leave\n");
		return;
	}
	if (!obvious->enough) {
		printf("  to meet the need it has to go on: ");
		print_names(plan, obvious, real->count);
		printf("\n");
	}
	printf("  cost %s, ", plan_cost(plan->options, plan->costs, real->cost, cost));
	print_excess(plan, real->cost);
	printf("\n");
}

void explain_print(const struct plan *plan)
{
	enum explain_order order;

	printf("\nwhy these VMs:\n");
	print_victims(plan);
	print_necessity(plan);
	for (order = 0; order < ORDERS; order++) {
		const struct explain_choice *obvious = &plan->explanation->choice[order];

		printf("\nwhy not the largest by %s (%s):\n", explain_order_words(order),
		       explain_order_name(order));
		print_believed(plan, obvious);
		print_real(plan, obvious);
	}
}
