// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs of their own. A batch VM that is guaranteed a CPU for each of its vCPUs has
 * nothing to gain elsewhere, and loses where others displace it: on a contended host
 * it gets that many CPUs, for its VMM's threads too, and all others the rest. Who is
 * guaranteed less than it could use is not pinned: what others leave unused could
 * no longer be lent to it.
 */
#include "policy/pins.h"

static bool is_owner(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];

	return check_manages(check, i) && row->measured && row->vcpus && row->rule &&
	       row->rule->guarantee_given && row->rule->guarantee_millicpus >= row->vcpus &&
	       check->memory[i].class == MANAGE_BATCH;
}

/* CPUs that those without any of their own must keep: one, and what they were given. */
static uint64_t kept_for_others(const struct check *check)
{
	uint64_t given = 0;
	size_t i;

	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];

		if (row->rule && row->rule->guarantee_given && !is_owner(check, i))
			given += row->rule->guarantee_millicpus;
	}
	return given > 1000 ? (given + 999) / 1000 : 1;
}

/* Owners are served in the order of their pids, from the last CPU down: the first is the host's. */
void pins_decide(struct check *check)
{
	uint64_t left = check->measure.cpus / 1000, keep = kept_for_others(check);
	size_t i;

	if (!check->options->pin || !check->contended || check->measure.overbooked)
		return;
	for (i = 0; i < check->n; i++) {
		uint64_t vcpus = check->measure.vms[i].vcpus / 1000;

		if (!is_owner(check, i) || left < keep + vcpus)
			continue;
		left -= vcpus;
		check->decisions[i].cpus_first = (uint32_t)left;
		check->decisions[i].cpus = (uint32_t)vcpus;
		check->decisions[i].cpus_own = true;
	}
	if (left == check->measure.cpus / 1000)
		return;
	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i) && !check->decisions[i].cpus)
			check->decisions[i].cpus = (uint32_t)left;
	}
}

void pins_explain(struct check *check, size_t i)
{
	struct manage_decision *decision = &check->decisions[i];

	if (decision->cpus_own)
		check_reason(decision, "%s: a CPU of its own for each of its vCPUs, as guaranteed",
			     manage_class_name(check->memory[i].class));
}
