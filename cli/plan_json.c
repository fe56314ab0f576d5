// SPDX-License-Identifier: GPL-2.0
/* A plan as the document of the contract. */
#include "consistency.h"
#include "jsonout.h"
#include "plan.h"

static void put_number(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, jsonout_number(value));
}

/* What moving the VM takes, whatever the plan keeps low. */
static json_t *migration_json(const struct plan *plan, const struct vm *vm)
{
	struct migration migration = migration_estimate(vm, plan->costs->bandwidth);
	json_t *object = json_object();

	put_number(object, "bytes", migration.bytes);
	put_number(object, "time_ns", migration.time_ns);
	if (migration.downtime_known) {
		put_number(object, "downtime_ns", migration.downtime_ns);
		json_object_set_new(object, "converges", json_boolean(migration.converges));
	}
	return object;
}

static json_t *victim_json(const struct plan *plan, size_t i)
{
	const struct victim *victim = &plan->choice->victims[i];
	const struct vm *vm = &plan->snap->vms[victim->vm];
	json_t *object = json_object();
	uint64_t bytes;

	put_number(object, "pid", vm->pid);
	if (vm->name)
		json_object_set_new(object, "name", jsonout_text(vm->name));
	put_number(object, "freed_alone_bytes", victim->freed_alone);
	put_number(object, "freed_with_previous_bytes", victim->freed_with_previous);
	put_number(object, "cost", victim->cost);
	if (facts_get(&vm->facts, VM_ANON, &bytes))
		json_object_set_new(object, "migration", migration_json(plan, vm));
	if (plan->host_of)
		json_object_set_new(object, "destination",
				    jsonout_text(plan->fleet->names[plan->host_of[i]]));
	return object;
}

/* Is there a set at all, if only one that does not fit? Else its numbers are not 0 but none. */
static bool has_set(const struct victim_plan *choice)
{
	return choice->feasible || choice->no_host;
}

/* choice NULL: the model alone. */
json_t *plan_cost_json(const struct plan *plan, const struct victim_plan *choice)
{
	json_t *cost = json_object();

	json_object_set_new(cost, "model", json_string(costs_name(plan->costs)));
	if (choice && has_set(choice))
		put_number(cost, "value", choice->cost);
	json_object_set_new(cost, "unit", json_string(costs_unit(plan->costs)));
	if (choice && choice->feasible)
		put_number(cost, "lower_bound", choice->lower_bound);
	if (choice && choice->cost_anywhere)
		put_number(cost, "anywhere", choice->cost_anywhere);
	put_number(cost, "bandwidth_bytes_per_s", plan->costs->bandwidth);
	return cost;
}

static json_t *destinations_json(const struct plan *plan)
{
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < plan->fleet->hosts; i++) {
		const struct destination *destination = &plan->fleet->destinations[i];

		object = json_object();
		json_object_set_new(object, "host", jsonout_text(plan->fleet->names[i]));
		put_number(object, "available_bytes", destination->available);
		put_number(object, "margin_bytes", destination->margin);
		put_number(object, "vms", destination->vms);
		put_number(object, "growth_bytes", destination->growth);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *victims_json(const struct plan *plan)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < plan->choice->count; i++)
		json_array_append_new(array, victim_json(plan, i));
	return array;
}

json_t *plan_json(const struct plan *plan)
{
	const struct victim_plan *choice = plan->choice;
	struct gaps gaps = plan_gaps(plan);
	json_t *root = json_object();

	json_object_set_new(root, "version", json_integer(1));
	put_number(root, "need_bytes", plan->request->need);
	json_object_set_new(root, "feasible", json_boolean(choice->feasible));
	json_object_set_new(root, "optimal", json_boolean(choice->feasible && choice->proved));
	if (choice->feasible)
		json_object_set_new(root, "gap", json_real(victim_gap(choice)));
	if (has_set(choice))
		put_number(root, "freed_bytes", choice->freed);
	put_number(root, "freed_all_bytes", choice->freed_all);
	json_object_set_new(root, "cost", plan_cost_json(plan, choice));
	json_object_set_new(root, "victims", victims_json(plan));
	if (has_set(choice) && plan_growth_known(plan))
		put_number(root, "destination_growth_bytes", choice->growth);
	if (plan->fleet->hosts)
		json_object_set_new(root, "destinations", destinations_json(plan));
	if (plan->explanation)
		json_object_set_new(root, "explanation", explain_json(plan));
	gaps_put(root, &gaps);
	consistency_put(root, plan->snap);
	put_number(root, "nodes", choice->nodes);
	json_object_set_new(root, "dry_run", json_true());
	return root;
}
