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
		    units_parse_size(value, &rate, err))
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

static int vm_cost(const struct vm *vm, struct costs *costs, uint64_t *cost, struct error *err)
{
	uint64_t unique;

	if (!facts_get(&vm->facts, VM_UNIQUE, &unique))
		return refuse_unknown(vm, vm_field_key[VM_UNIQUE], "", err);
	costs->movable++;
	if (facts_get(&vm->facts, VM_COST, cost)) {
		costs->given++;
		return 0;
	}
	return model_cost(vm, costs, cost, err);
}

/* Weights of the command line go before all others. */
static int set_weights(struct costs *costs, const struct snapshot *snap,
		       const struct options *options, struct error *err)
{
	const struct vm *vm;
	const char *value;
	size_t i;

	for (i = 0; i < options->weights.count; i++) {
		if (selector_assigned(snap, options->weights.word[i], &vm, &value, err) ||
		    units_parse_whole(value, &costs->cost[vm - snap->vms], err))
			return error_prefix(err, "--weight: ");
	}
	return 0;
}

static int check_sum(const struct costs *costs, size_t n_vms, struct error *err)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n_vms; i++)
		sum = add_saturating(sum, costs->cost[i]);
	if (sum <= INT64_MAX)
		return 0;
	return error_set(err, EXIT_RUNTIME,
			 "the costs of the VMs add up to more than %lld %s, which is more than can be counted; give smaller ones",
			 (long long)INT64_MAX, costs_unit(costs));
}

int costs_make(struct costs *costs, const struct snapshot *snap, const struct options *options,
	       const struct victim_request *request, struct error *err)
{
	size_t i;

	*costs = (struct costs){
		.model = options->cost,
		.bandwidth = options->bandwidth,
		.cost = calloc(snap->n_vms + 1, sizeof(*costs->cost)),
	};
	if (!costs->cost)
		return error_no_memory(err);
	for (i = 0; i < snap->n_vms; i++) {
		if (victim_movable(snap, request, i) &&
		    vm_cost(&snap->vms[i], costs, &costs->cost[i], err))
			break;
	}
	if (i == snap->n_vms && !set_weights(costs, snap, options, err) &&
	    !check_sum(costs, snap->n_vms, err))
		return 0;
	costs_free(costs);
	return -1;
}

void costs_free(struct costs *costs)
{
	free(costs->cost);
	costs->cost = NULL;
}

static bool all_given(const struct costs *costs)
{
	return costs->model != COST_WEIGHT && costs->movable && costs->given == costs->movable;
}

const char *costs_name(const struct costs *costs)
{
	return all_given(costs) ? "given" : cost_model_name(costs->model);
}

const char *costs_unit(const struct costs *costs)
{
	return all_given(costs) ? "as given" : cost_model_unit(costs->model);
}
