// SPDX-License-Identifier: GPL-2.0
/* Costs of VMs, from options, the document and the model of migration. */
#include "costs.h"

#include <stdlib.h>

#include "selector.h"
#include "units.h"

int costs_set_dirty_rates(struct snapshot *snap, const struct options *options,
			  struct error *err)
{
	const struct vm *vm;
	const char *value;
	uint64_t rate;
	size_t i;

	for (i = 0; i < options->dirty_rates.count; i++) {
		if (selector_assigned(snap, options->dirty_rates.word[i], &vm, &value, err) ||
		    units_parse_amount(value, &rate, err))
			return error_prefix(err, "--dirty-rate: ");
		facts_set(&snap->vms[vm - snap->vms].facts, VM_DIRTY_RATE, rate);
	}
	return 0;
}

/* The VM's number is at the end of the message, so that --keep can take it. */
static int refuse_unknown(const struct vm *vm, const char *key, const char *advice,
			  struct error *err)
{
	return error_set(err, EXIT_RUNTIME,
			 "%s of the VM with pid %u is missing, so what it frees or costs is not known; %sleave it out by --keep %u",
			 key, vm->pid, advice, vm->pid);
}

static int model_cost(const struct vm *vm, struct costs *costs, uint64_t *cost,
		      struct error *err)
{
	bool resident = costs->model != COST_COUNT && costs->model != COST_WEIGHT;
	uint64_t bytes;

	if (resident && !facts_get(&vm->facts, VM_ANON, &bytes))
		return refuse_unknown(vm, vm_field_key[VM_ANON], "", err);
	if (migration_cost(vm, costs->model, costs->bandwidth, cost))
		return 0;
	return refuse_unknown(vm, vm_field_key[VM_DIRTY_RATE],
			      "give it by --dirty-rate VM=SIZE (virsh domdirtyrate-calc measures it), or ",
			      err);
}

/* weighed: the command line has set the cost already, which goes before all others. */
static int vm_cost(const struct vm *vm, struct costs *costs, bool weighed, uint64_t *cost,
		   struct error *err)
{
	uint64_t unique;

	if (!facts_get(&vm->facts, VM_UNIQUE, &unique))
		return refuse_unknown(vm, vm_field_key[VM_UNIQUE], "", err);
	costs->movable++;
	if (weighed)
		return 0;
	if (facts_get(&vm->facts, VM_COST, cost)) {
		costs->given++;
		return 0;
	}
	return model_cost(vm, costs, cost, err);
}

static int set_weights(struct costs *costs, bool *weighed, const struct snapshot *snap,
		       const struct options *options, struct error *err)
{
	const struct vm *vm;
	const char *value;
	size_t i;

	for (i = 0; i < options->weights.count; i++) {
		if (selector_assigned(snap, options->weights.word[i], &vm, &value, err) ||
		    units_parse_whole(value, &costs->cost[vm - snap->vms], err))
			return error_prefix(err, "--weight: ");
		weighed[vm - snap->vms] = true;
	}
	return 0;
}

static int set_costs(struct costs *costs, bool *weighed, const struct snapshot *snap,
		     const struct options *options, const struct victim_request *request,
		     struct error *err)
{
	size_t i;

	if (set_weights(costs, weighed, snap, options, err))
		return -1;
	for (i = 0; i < snap->n_vms; i++) {
		if (victim_movable(snap, request, i) &&
		    vm_cost(&snap->vms[i], costs, weighed[i], &costs->cost[i], err))
			return -1;
	}
	return 0;
}

/* Of VMs that may leave: what the others would cost is never added up. */
static int check_sum(const struct costs *costs, const struct snapshot *snap,
		     const struct victim_request *request, struct error *err)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		if (victim_movable(snap, request, i))
			sum = add_saturating(sum, costs->cost[i]);
	}
	if (sum <= INT64_MAX)
		return 0;
	return error_set(err, EXIT_RUNTIME,
			 "the costs of the VMs add up to more than %lld %s, which is more than can be counted; give smaller ones",
			 (long long)INT64_MAX, costs_unit(costs));
}

int costs_make(struct costs *costs, const struct snapshot *snap, const struct options *options,
	       const struct victim_request *request, struct error *err)
{
	bool *weighed = calloc(snap->n_vms + 1, sizeof(*weighed));
	int ret;

	*costs = (struct costs){
		.model = options->cost,
		.bandwidth = options->bandwidth,
		.cost = calloc(snap->n_vms + 1, sizeof(*costs->cost)),
	};
	if (weighed && costs->cost)
		ret = set_costs(costs, weighed, snap, options, request, err);
	else
		ret = error_no_memory(err);
	free(weighed);
	if (!ret)
		ret = check_sum(costs, snap, request, err);
	if (ret)
		costs_free(costs);
	return ret;
}

void costs_free(struct costs *costs)
{
	free(costs->cost);
	costs->cost = NULL;
}

bool costs_of_model(const struct costs *costs)
{
	return costs->model == COST_WEIGHT || !costs->given;
}

static bool all_given(const struct costs *costs)
{
	return !costs_of_model(costs) && costs->given == costs->movable;
}

const char *costs_name(const struct costs *costs)
{
	return all_given(costs) ? "given" : cost_model_name(costs->model);
}

const char *costs_unit(const struct costs *costs)
{
	if (costs_of_model(costs))
		return cost_model_unit(costs->model);
	return all_given(costs) ? "as given" : "mixed";
}
