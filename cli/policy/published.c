// SPDX-License-Identifier: GPL-2.0
/*
 * The published algorithm (workload-type-based dynamic CPU manager, Korea
 * University), as printed:
 *
 *	Monitoring. Service VM: usage >= alpha -> count + 1, else count - 1.
 *	Scientific VM: usage < alpha -> count + 1, else count - 1.
 *
 *	Management. Service VM with count > beta: count := 0, to the scientific
 *	list, allocate_PR. Scientific VM with count > beta: count := 0, to the
 *	service list, allocate_SLA.
 *
 * Four things are not printed and are read so here. Usage is the part of its
 * vCPUs' time that a VM used. VMs are gone through by pid. The idle CPU that
 * allocate_PR divides is what the host leaves idle and what the scientific VMs
 * use themselves: if their own use did not count, the second of them would find
 * nothing to divide. A VM that the configuration puts into a list stays in it, and
 * is given at its first check what a VM is given that moves there. What the study left open is left open here too: a VM that
 * is capped cannot show demand, counts have no floor, and nobody's share is
 * lent out.
 */
#include "policy/check.h"

static bool takes_part(const struct check *check, size_t i)
{
	return check->measure.vms[i].measured && !check->measure.vms[i].left_alone;
}

static void count_one(struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_memory *memory = &check->memory[i];
	/* usage / vcpus >= alpha, without a division */
	bool heavy = row->usage * 1000 >= row->vcpus * check->options->alpha_permille;

	if (heavy == (memory->class == MANAGE_SERVICE))
		memory->count += memory->count < INT32_MAX;
	else
		memory->count -= memory->count > INT32_MIN;
	check_reason(&check->decisions[i], "%s, used " CHECK_CPUS " of " CHECK_CPUS
		     " CPUs: count is %d", manage_class_name(memory->class),
		     CHECK_CPUS_OF(row->usage), CHECK_CPUS_OF(row->vcpus), memory->count);
}

static void limit(struct check *check, size_t i, uint64_t millicpus)
{
	struct manage_decision *decision = &check->decisions[i];
	const struct manage_vm *found = check->measure.vms[i].vm;

	decision->allowed_millicpus = millicpus;
	decision->period_ns = check->options->period_ns;
	decision->quota_ns = check_quota(millicpus, decision->period_ns);
	decision->vcpu_quota_ns = check_quota(millicpus / (found->vcpus ? found->vcpus : 1),
					      decision->period_ns);
	decision->change = !check_is_found(decision, found);
}

/* The least that its service-level agreement guarantees. */
static void allocate_sla(struct check *check, size_t i)
{
	uint64_t guarantee = check->measure.vms[i].guarantee;

	limit(check, i, guarantee);
	check_reason(&check->decisions[i], "service: given its guarantee of " CHECK_CPUS " CPUs",
		     CHECK_CPUS_OF(guarantee));
}

static bool is_batch(const struct check *check, size_t i)
{
	return takes_part(check, i) && check->memory[i].class == MANAGE_BATCH;
}

/* All idle CPU in equal parts to all scientific VMs. */
static void allocate_pr(struct check *check)
{
	uint64_t idle = check->measure.idle, members = 0;
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (!is_batch(check, i))
			continue;
		idle += check->measure.vms[i].usage;
		members++;
	}
	for (i = 0; i < check->n; i++) {
		if (!is_batch(check, i))
			continue;
		limit(check, i, idle / members);
		check_reason(&check->decisions[i], "batch: a part in %llu of " CHECK_CPUS
			     " idle CPUs", (unsigned long long)members, CHECK_CPUS_OF(idle));
	}
}

/* Once: later checks find what was decided. */
static void place(struct check *check, size_t i)
{
	if (check->memory[i].period_ns)
		return;
	if (check->memory[i].class == MANAGE_BATCH)
		allocate_pr(check);
	else
		allocate_sla(check, i);
}

static void manage_one(struct check *check, size_t i)
{
	struct manage_memory *memory = &check->memory[i];

	if (check_class_given(&check->measure.vms[i])) {
		place(check, i);
		return;
	}
	if (memory->count < 0 || (uint32_t)memory->count <= check->options->beta)
		return;
	memory->count = 0;
	if (memory->class == MANAGE_SERVICE) {
		memory->class = MANAGE_BATCH;
		allocate_pr(check);
	} else {
		memory->class = MANAGE_SERVICE;
		allocate_sla(check, i);
	}
}

/*
 * Limits stay as they were decided until a move decides them anew; if they are not in
 * place, they are set again.
 */
static void keep(struct check *check, size_t i)
{
	struct manage_decision *decision = &check->decisions[i];
	const struct manage_memory *memory = &check->memory[i];
	const struct manage_vm *found = check->measure.vms[i].vm;
	uint64_t vcpus = check->measure.vms[i].vcpus / 1000;

	decision->quota_ns = memory->quota_ns;
	decision->period_ns = memory->period_ns;
	decision->change = !check_is_found(decision, found);
	if (memory->quota_ns == MANAGE_UNLIMITED)
		return;
	decision->allowed_millicpus = (uint64_t)((unsigned __int128)memory->quota_ns * 1000 /
						 memory->period_ns);
	decision->vcpu_quota_ns = check_quota(decision->allowed_millicpus / vcpus,
					      memory->period_ns);
}

int check_published(struct check *check)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (!check->measure.vms[i].left_alone)
			keep(check, i);
		if (takes_part(check, i) && !check_class_given(&check->measure.vms[i]))
			count_one(check, i);
	}
	for (i = 0; i < check->n; i++) {
		if (takes_part(check, i))
			manage_one(check, i);
	}
	return 0;
}
