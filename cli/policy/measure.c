// SPDX-License-Identifier: GPL-2.0
/* Rates and guarantees out of counters. */
#include "policy/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 65536u			/* of a host, and of a VM: far above any kernel's limit */
#define WEIGHT_DEFAULT 100

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A counter that went backwards says nothing. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* Nanoseconds of CPU time per time as millicpus, rounded to the nearest, at most max. */
static uint64_t rate(uint64_t ns, uint64_t elapsed_ns, uint64_t max)
{
	unsigned __int128 thousandths = (unsigned __int128)ns * 1000 + elapsed_ns / 2;

	thousandths /= elapsed_ns;
	return thousandths < max ? (uint64_t)thousandths : max;
}

static bool sample_ok(const struct manage_sample *sample)
{
	size_t i;

	if (!sample->cpus || sample->cpus > CPUS_MAX || sample->n_vms > MANAGE_VMS_MAX)
		return false;
	for (i = 0; i < sample->n_vms; i++) {
		if (i && sample->vms[i].pid <= sample->vms[i - 1].pid)
			return false;
		if (sample->vms[i].quota_ns != MANAGE_UNLIMITED && !sample->vms[i].period_ns)
			return false;
	}
	return true;
}

static const struct manage_vm *find_vm(const struct manage_sample *sample,
				       const struct manage_vm *like)
{
	size_t low = 0, high = sample ? sample->n_vms : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sample->vms[middle].pid < like->pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (!sample || low == sample->n_vms || sample->vms[low].pid != like->pid ||
	    sample->vms[low].start_time_ns != like->start_time_ns)
		return NULL;
	return &sample->vms[low];
}

/*
 * Time runnable has the time held back by a quota in it on most kernels, and on
 * those that take throttled threads off the queue it has not, so the larger of
 * the two is what is known.
 */
static uint64_t held_back(const struct manage_vm *now, const struct manage_vm *before)
{
	uint64_t ready = grown(now->ready_ns, before->ready_ns);
	uint64_t throttled = grown(now->throttled_ns, before->throttled_ns);

	return ready > throttled ? ready : throttled;
}

static void measure_rates(struct measure_vm *row, const struct manage_vm *before,
			  uint64_t elapsed_ns)
{
	const struct manage_vm *now = row->vm;
	uint64_t guest_side, most = CPUS_MAX * 1000ull;

	row->measured = true;
	row->usage = rate(grown(now->run_ns, before->run_ns), elapsed_ns, most);
	row->vmm = smaller(rate(grown(now->vmm_ns, before->vmm_ns), elapsed_ns, most), row->usage);
	guest_side = smaller(row->usage - row->vmm, row->vcpus);
	row->wait = rate(held_back(now, before), elapsed_ns, row->vcpus - guest_side);
	row->demand = guest_side + row->wait + row->vmm;
}

static uint64_t found_rate(const struct manage_vm *vm)
{
	if (vm->quota_ns == MANAGE_UNLIMITED)
		return MANAGE_UNLIMITED;
	return rate(vm->quota_ns, vm->period_ns, MANAGE_UNLIMITED - 1);
}

static void measure_vm(struct measure_vm *row, const struct manage_vm *vm,
		       const struct manage_vm *before, uint64_t elapsed_ns,
		       const struct manage_options *options)
{
	row->vm = vm;
	row->rule = manage_rule_of(options, vm);
	row->vcpus = 1000ull * (vm->vcpus ? smaller(vm->vcpus, CPUS_MAX) : 1);
	row->weight = row->rule && row->rule->weight ? row->rule->weight : WEIGHT_DEFAULT;
	row->left_alone = vm->foreign || (row->rule && row->rule->unmanaged);
	row->found = found_rate(vm);
	if (before && elapsed_ns)
		measure_rates(row, before, elapsed_ns);
}

/* What the host's own processes and the VMs that are left alone use is not ours to give. */
static void measure_capacity(struct measure *measure)
{
	uint64_t taken = 0, vms = 0;
	size_t i;

	for (i = 0; i < measure->n_vms; i++) {
		vms += measure->vms[i].usage;
		if (measure->vms[i].left_alone)
			taken += measure->vms[i].usage;
	}
	if (measure->elapsed_ns)
		taken += grown(measure->cpus - measure->idle, vms);
	measure->capacity = grown(measure->cpus, taken);
}

static int compare_fills(const void *a, const void *b)
{
	const struct fill *left = *(struct fill *const *)a, *right = *(struct fill *const *)b;
	unsigned __int128 l = (unsigned __int128)left->limit * right->weight;
	unsigned __int128 r = (unsigned __int128)right->limit * left->weight;

	if (l != r)
		return l < r ? -1 : 1;
	return left < right ? -1 : left > right;
}

/*
 * Those who reach their limit first come first; what they leave is divided
 * among the rest, so that one pass is enough.
 */
bool fill_by_weight(uint64_t total, struct fill *fills, size_t n, uint64_t *given)
{
	struct fill **order = reallocarray(NULL, n ? n : 1, sizeof(*order));
	uint64_t weights = 0, left = total;
	size_t i;

	if (!order)
		return false;
	for (i = 0; i < n; i++) {
		order[i] = &fills[i];
		weights += fills[i].weight;
	}
	qsort(order, n, sizeof(*order), compare_fills);
	for (i = 0; i < n; i++) {
		unsigned __int128 part = (unsigned __int128)left * order[i]->weight / weights;

		order[i]->share = smaller(order[i]->limit, (uint64_t)part);
		left -= order[i]->share;
		weights -= order[i]->weight;
	}
	free(order);
	*given = total - left;
	return true;
}

static bool is_given(const struct measure_vm *row)
{
	return row->rule && row->rule->guarantee_given;
}

/* Guarantees that were given; the sum is what they take of the capacity. */
static uint64_t give_guarantees(struct measure *measure)
{
	unsigned __int128 sum = 0;
	uint64_t scaled = 0;
	size_t i;

	for (i = 0; i < measure->n_vms; i++) {
		struct measure_vm *row = &measure->vms[i];

		if (row->left_alone || !is_given(row))
			continue;
		row->guarantee = smaller(row->rule->guarantee_millicpus, row->vcpus);
		sum += row->guarantee;
	}
	if (sum <= measure->capacity)
		return (uint64_t)sum;
	measure->overbooked = true;
	for (i = 0; i < measure->n_vms; i++) {
		struct measure_vm *row = &measure->vms[i];

		row->guarantee = (uint64_t)((unsigned __int128)row->guarantee *
					    measure->capacity / sum);
		scaled += row->guarantee;
	}
	return scaled;
}

/* VMs without a guarantee of their own are guaranteed a fair part of what is left. */
static int measure_guarantees(struct measure *measure)
{
	struct fill *fills = calloc(measure->n_vms + 1, sizeof(*fills));
	uint64_t left = measure->capacity - give_guarantees(measure), given;
	size_t n = 0, i;
	bool done;

	if (!fills)
		return -ENOMEM;
	for (i = 0; i < measure->n_vms; i++) {
		const struct measure_vm *row = &measure->vms[i];

		if (!row->left_alone && !is_given(row))
			fills[n++] = (struct fill){ .limit = row->vcpus, .weight = row->weight };
	}
	done = fill_by_weight(left, fills, n, &given);
	for (i = n = 0; i < measure->n_vms && done; i++) {
		struct measure_vm *row = &measure->vms[i];

		if (!row->left_alone && !is_given(row))
			row->guarantee = fills[n++].share;
	}
	free(fills);
	return done ? 0 : -ENOMEM;
}

int measure_samples(const struct manage_sample *previous, const struct manage_sample *now,
		    const struct manage_options *options, struct measure *measure)
{
	size_t i;

	memset(measure, 0, sizeof(*measure));
	if (!sample_ok(now) || (previous && (!sample_ok(previous) ||
					     previous->time_ns >= now->time_ns)))
		return -EINVAL;
	measure->vms = calloc(now->n_vms + 1, sizeof(*measure->vms));
	if (!measure->vms)
		return -ENOMEM;
	measure->n_vms = now->n_vms;
	measure->cpus = 1000ull * now->cpus;
	if (previous) {
		measure->elapsed_ns = now->time_ns - previous->time_ns;
		measure->idle = rate(grown(now->idle_ns, previous->idle_ns), measure->elapsed_ns,
				     measure->cpus);
	}
	for (i = 0; i < now->n_vms; i++)
		measure_vm(&measure->vms[i], &now->vms[i], find_vm(previous, &now->vms[i]),
			   measure->elapsed_ns, options);
	measure_capacity(measure);
	if (measure_guarantees(measure)) {
		measure_free(measure);
		return -ENOMEM;
	}
	return 0;
}

void measure_free(struct measure *measure)
{
	free(measure->vms);
	memset(measure, 0, sizeof(*measure));
}
