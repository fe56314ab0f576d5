// SPDX-License-Identifier: GPL-2.0
/* vmshare victim: the cheapest set of VMs whose leaving really frees SIZE. */
#include "cmd.h"
#include "policy/freed.h"
#include "policy/victim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonout.h"
#include "selector.h"
#include "source.h"
#include "table.h"
#include "text.h"
#include "units.h"

static int set_need(struct options *options, const char *value, struct error *err)
{
	return units_parse_size(value, &options->need_bytes, err);
}

static int set_keep(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->keep, value, err);
}

static int set_with(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->with, value, err);
}

static int set_max_vms(struct options *options, const char *value, struct error *err)
{
	return units_parse_count(value, INT32_MAX, &options->max_vms, err);
}

static int set_nodes(struct options *options, const char *value, struct error *err)
{
	return units_parse_count(value, INT32_MAX, &options->nodes, err);
}

static int set_cost(struct options *options, const char *value, struct error *err)
{
	if (strcmp(value, "bytes") && strcmp(value, "count"))
		return error_set(err, EXIT_USAGE,
				 "there is no cost \"%s\"; there are bytes (to be sent) and count (of VMs)",
				 value);
	options->cost_count = *value == 'c';
	return 0;
}

static const struct option options_victim[] = {
	{ "need", 0, "SIZE", "how much has to come free (K M G T are 1024, KB.. 1000)", set_need },
	{ "keep", 0, "VM", "this VM stays; may be repeated", set_keep },
	{ "with", 0, "VM", "this VM leaves in any case; may be repeated", set_with },
	{ "max-vms", 0, "N", "at most N VMs leave", set_max_vms },
	{ "cost", 0, "MODEL", "bytes to be sent (default) or count of VMs", set_cost },
	{ "nodes", 0, "N", "stop searching after N steps, with a bound for the best", set_nodes },
	{ .name = NULL },
};

struct choice {
	const struct snapshot *snap;
	const struct options *options;
	struct victim_request request;
	struct victim_plan plan;
	bool *keep, *with;
	uint64_t *costs;
};

/* Do all VMs that may leave have a cost of their own, given by the document? */
static bool all_costs_given(const struct choice *choice)
{
	const struct snapshot *snap = choice->snap;
	size_t i, given = 0, movable = 0;
	uint64_t cost;

	for (i = 0; i < snap->n_vms; i++) {
		if (!victim_movable(snap, &choice->request, i))
			continue;
		movable++;
		given += facts_get(&snap->vms[i].facts, VM_COST, &cost);
	}
	return movable && given == movable;
}

static const char *cost_model(const struct choice *choice)
{
	if (all_costs_given(choice))
		return "given";
	return choice->options->cost_count ? "count" : "bytes";
}

static const char *cost_unit(const struct choice *choice)
{
	if (all_costs_given(choice))
		return "as given";
	return choice->options->cost_count ? "VMs" : "bytes";
}

static const char *cost_text(const struct choice *choice, uint64_t cost, char out[UNITS_TEXT])
{
	if (!choice->options->bytes && !strcmp(cost_model(choice), "bytes"))
		return units_bytes(cost, out);
	snprintf(out, UNITS_TEXT, "%" PRIu64, cost);
	return out;
}

static const char *size_text(const struct choice *choice, uint64_t bytes, char out[UNITS_TEXT])
{
	if (!choice->options->bytes)
		return units_bytes(bytes, out);
	snprintf(out, UNITS_TEXT, "%" PRIu64, bytes);
	return out;
}

static json_t *victims_json(const struct choice *choice)
{
	const struct victim_plan *plan = &choice->plan;
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct victim *victim = &plan->victims[i];
		const struct vm *vm = &choice->snap->vms[victim->vm];

		object = json_object();
		json_object_set_new(object, "pid", jsonout_number(vm->pid));
		if (vm->name)
			json_object_set_new(object, "name", jsonout_text(vm->name));
		json_object_set_new(object, "freed_alone_bytes",
				    jsonout_number(victim->freed_alone));
		json_object_set_new(object, "freed_with_previous_bytes",
				    jsonout_number(victim->freed_with_previous));
		json_object_set_new(object, "cost", jsonout_number(victim->cost));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *cost_json(const struct choice *choice)
{
	json_t *cost = json_object();

	json_object_set_new(cost, "model", json_string(cost_model(choice)));
	json_object_set_new(cost, "value", jsonout_number(choice->plan.cost));
	json_object_set_new(cost, "unit", json_string(cost_unit(choice)));
	if (choice->plan.feasible)
		json_object_set_new(cost, "lower_bound",
				    jsonout_number(choice->plan.lower_bound));
	return cost;
}

static json_t *choice_json(const struct choice *choice)
{
	const struct victim_plan *plan = &choice->plan;
	json_t *root = json_object();

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "need_bytes", jsonout_number(choice->request.need));
	json_object_set_new(root, "feasible", json_boolean(plan->feasible));
	json_object_set_new(root, "optimal", json_boolean(plan->feasible && plan->proved));
	if (plan->feasible)
		json_object_set_new(root, "gap", json_real(victim_gap(plan)));
	json_object_set_new(root, "freed_bytes", jsonout_number(plan->freed));
	json_object_set_new(root, "freed_all_bytes", jsonout_number(plan->freed_all));
	json_object_set_new(root, "cost", cost_json(choice));
	json_object_set_new(root, "victims", victims_json(choice));
	json_object_set_new(root, "destination_growth_bytes", jsonout_number(plan->growth));
	json_object_set_new(root, "nodes", jsonout_number(plan->nodes));
	return root;
}

static void print_victims(const struct choice *choice)
{
	static const char *const titles[] = { "VM", "PID", "COST", "ALONE", "WITH-PREVIOUS" };
	struct table *table = table_new(5);
	char text[UNITS_TEXT], name[2048], label[16];
	size_t i;

	for (i = 0; i < 5; i++)
		table_title(table, i, titles[i], i > 0);
	for (i = 0; i < choice->plan.count; i++) {
		const struct victim *victim = &choice->plan.victims[i];
		const struct vm *vm = &choice->snap->vms[victim->vm];

		text_escape(vm_label(vm, label, sizeof(label)), name, sizeof(name));
		table_cell(table, name);
		snprintf(text, sizeof(text), "%u", vm->pid);
		table_cell(table, text);
		table_cell(table, cost_text(choice, victim->cost, text));
		table_cell(table, size_text(choice, victim->freed_alone, text));
		table_cell(table, size_text(choice, victim->freed_with_previous, text));
	}
	table_print(table, stdout, !choice->options->no_header, choice->options->color);
	table_free(table);
}

static void print_proof(const struct choice *choice)
{
	const struct victim_plan *plan = &choice->plan;
	char bound[UNITS_TEXT];

	if (plan->proved) {
		printf("proved: no other choice that frees the need costs less (%" PRIu64
		       " steps)\n", plan->nodes);
		return;
	}
	printf("not proved: the search stopped after %" PRIu64
	       " steps; no choice costs less than %s, so this one is at most %.1f %% of its cost too dear\n",
	       plan->nodes, cost_text(choice, plan->lower_bound, bound), 100 * victim_gap(plan));
}

static void print_text(const struct choice *choice)
{
	const struct victim_plan *plan = &choice->plan;
	char need[UNITS_TEXT], freed[UNITS_TEXT], cost[UNITS_TEXT], growth[UNITS_TEXT];
	uint64_t consistent;

	printf("need %s: %zu of %zu movable VMs free %s at a cost of %s (%s%s)\n",
	       units_exact(choice->request.need, need), plan->count, plan->movable,
	       size_text(choice, plan->freed, freed), cost_text(choice, plan->cost, cost),
	       cost_unit(choice), strcmp(cost_unit(choice), "bytes") ? "" : " to be sent");
	print_victims(choice);
	print_proof(choice);
	printf("a destination that shares nothing with them grows by %s\n",
	       size_text(choice, plan->growth, growth));
	if (facts_get(&choice->snap->host, HOST_CONSISTENT, &consistent) && !consistent)
		printf("note: memory changed during the walk; the numbers are not of one instant\n");
}

static void explain_infeasible(const struct choice *choice, struct error *err)
{
	const struct victim_plan *plan = &choice->plan;
	char need[UNITS_TEXT], all[UNITS_TEXT], limit[64] = "";
	size_t staying = choice->snap->n_vms - plan->movable;

	if (choice->request.max_vms)
		snprintf(limit, sizeof(limit), " by at most %zu VMs", choice->request.max_vms);
	error_set(err, EXIT_NEED,
		  "%s cannot be freed%s: all %zu movable VMs together would free %s (%" PRIu64
		  " bytes); %zu VMs are pinned or kept",
		  units_exact(choice->request.need, need), limit, plan->movable,
		  units_bytes(plan->freed_all, all), plan->freed_all, staying);
}

/* A proof that there is none; in JSON the plan's object carries the error too. */
static int report_infeasible(const struct choice *choice, struct error *err)
{
	json_t *root, *inner;

	explain_infeasible(choice, err);
	if (!choice->options->json)
		return -1;
	root = choice_json(choice);
	inner = json_object();
	json_object_set_new(inner, "code", json_integer(err->code));
	json_object_set_new(inner, "message", jsonout_text(err->message));
	json_object_set_new(root, "error", inner);
	jsonout_print(root, choice->options->pretty);
	return EXIT_NEED;
}

static int report(const struct choice *choice, struct error *err)
{
	const struct victim_plan *plan = &choice->plan;

	if (!plan->feasible && plan->proved)
		return report_infeasible(choice, err);
	if (!plan->feasible)
		return error_set(err, EXIT_RUNTIME,
				 "the search stopped after %" PRIu64
				 " steps without a set of at most %zu VMs and without a proof that there is none; raise --nodes or --max-vms",
				 plan->nodes, choice->request.max_vms);
	if (choice->options->json)
		jsonout_print(choice_json(choice), choice->options->pretty);
	else
		print_text(choice);
	return EXIT_OK;
}

/* A VM about which too little is known can neither be chosen nor counted. */
static int check_known(const struct choice *choice, struct error *err)
{
	const struct snapshot *snap = choice->snap;
	enum vm_field missing;
	uint64_t value;
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		const struct facts *facts = &snap->vms[i].facts;

		if (!victim_movable(snap, &choice->request, i))
			continue;
		if (!facts_get(facts, VM_UNIQUE, &value))
			missing = VM_UNIQUE;
		else if (!choice->options->cost_count &&
			 !facts_get(facts, VM_ANON, &value) && !facts_get(facts, VM_COST, &value))
			missing = VM_ANON;
		else
			continue;
		return error_set(err, EXIT_RUNTIME,
				 "%s of the VM with pid %u is missing, so what it frees or costs is not known; leave it out by --keep %u",
				 vm_field_key[missing], snap->vms[i].pid, snap->vms[i].pid);
	}
	return 0;
}

static int check_contradictions(const struct choice *choice, struct error *err)
{
	size_t i;

	for (i = 0; i < choice->snap->n_vms; i++) {
		const struct vm *vm = &choice->snap->vms[i];

		if (!choice->with[i])
			continue;
		if (choice->keep[i])
			return error_set(err, EXIT_USAGE,
					 "the VM with pid %u cannot both leave (--with) and stay (--keep)",
					 vm->pid);
		if (vm->pinned)
			return error_set(err, EXIT_USAGE,
					 "the VM with pid %u is pinned; --with cannot make it leave",
					 vm->pid);
	}
	return 0;
}

/* A cost that the document gives goes before the model's. */
static void set_costs(struct choice *choice)
{
	size_t i;

	for (i = 0; i < choice->snap->n_vms; i++) {
		const struct vm *vm = &choice->snap->vms[i];

		if (!facts_get(&vm->facts, VM_COST, &choice->costs[i]))
			choice->costs[i] = choice->options->cost_count ? 1 : freed_resident(vm);
	}
}

static int choose(struct choice *choice, struct error *err)
{
	const struct options *options = choice->options;
	int ret;

	if (selector_mark(choice->snap, &options->keep, choice->keep, err) ||
	    selector_mark(choice->snap, &options->with, choice->with, err) ||
	    check_contradictions(choice, err))
		return -1;
	choice->request = (struct victim_request){
		.need = options->need_bytes,
		.keep = choice->keep,
		.with = choice->with,
		.max_vms = options->max_vms,
		.costs = choice->costs,
		.work = options->nodes,
	};
	if (check_known(choice, err))
		return -1;
	set_costs(choice);
	if (victim_choose(choice->snap, &choice->request, &choice->plan))
		return error_no_memory(err);
	ret = report(choice, err);
	victim_plan_free(&choice->plan);
	return ret;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct choice choice = { .options = options };
	struct snapshot snap;
	int ret;

	if (!options->need_bytes)
		return error_set(err, EXIT_USAGE,
				 "victim has to know how much: --need SIZE, for instance --need 4G");
	if (source_once(options, cmd->needs, &snap, err))
		return -1;
	choice.snap = &snap;
	choice.keep = calloc(snap.n_vms + 1, sizeof(*choice.keep));
	choice.with = calloc(snap.n_vms + 1, sizeof(*choice.with));
	choice.costs = calloc(snap.n_vms + 1, sizeof(*choice.costs));
	ret = choice.keep && choice.with && choice.costs ? choose(&choice, err) : error_no_memory(err);
	free(choice.keep);
	free(choice.with);
	free(choice.costs);
	snapshot_free(&snap);
	return ret;
}

const struct cmd cmd_victim = {
	.name = "victim",
	.args = "--need SIZE",
	.summary = "the cheapest set of VMs whose leaving really frees SIZE",
	.needs = NEED_SETS,
	.options = options_victim,
	.run = run,
};
