// SPDX-License-Identifier: GPL-2.0
/*
 * Guarantees, and what they leave unused lent out. Classes: tiers.c; CPU weights:
 * weights.c; CPUs of their own: pins.c.
 *
 * Contention. The host is contended while the VMs' demands, use and waiting
 * together, are more than there is. Under a cap a VM's waiting grows by what
 * its use shrinks or more, so this does not end when caps are set, and caps go only
 * after some calm checks in a row, in which less is wanted than would call for them.
 * No cap is set without contention.
 *
 * Division. First everybody gets what it wants of its guarantee. What is left
 * goes by weight to service VMs, then, without the headroom kept for their
 * bursts, to batch VMs, last to those that the operator calls service VMs and
 * that work like batch VMs. Service VMs that behave like ones are never capped.
 * No cap is below the guarantee, so who comes back to its share finds it at
 * once; until the others' caps follow at the next check, CPU weights in
 * proportion to the guarantees see to that.
 */
#include "policy/check.h"
#include "policy/pins.h"
#include "policy/tiers.h"
#include "policy/weights.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void find_contention(struct check *check)
{
	uint64_t demand = 0, more = check->measure.cpus * check->options->contention_permille / 1000;
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i))
			demand += check->measure.vms[i].demand;
	}
	if (demand > check->measure.capacity + (check->contended ? 0 : more)) {
		check->contended = true;
		check->calm = 0;
	} else if (check->contended && ++check->calm >= check->options->calm_checks) {
		check->contended = false;
		check->calm = 0;
	}
}

/* Does a VM of that tier want CPU? Less than a hundredth of one is what an idle VM uses. */
static bool wants_any(const struct check *check, enum tier tier)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i) && tier_of(check, i) == tier &&
		    tier_claim(check, i) >= 10)
			return true;
	}
	return false;
}

/* Who wants none in one check only is not gone: caps must not come and go with it. */
static uint32_t count_wanting(const struct check *check, enum tier tier, uint32_t before)
{
	uint32_t checks = check->options->calm_checks;

	if (wants_any(check, tier))
		return checks ? checks : 1;
	return before ? before - 1 : 0;
}

static void find_wanting(struct check *check)
{
	check->service_wants = count_wanting(check, TIER_SERVICE, check->service_wants);
	check->batch_wants = count_wanting(check, TIER_BATCH, check->batch_wants);
}

/* Who gets how much, one entry per VM. */
struct division {
	uint64_t *given;		/* millicpus */
	struct fill *fills;		/* room for one tier, and for two sets of weights */
	uint64_t left;
};

static bool fill_tier(const struct check *check, struct division *division, enum tier tier)
{
	uint64_t given;
	size_t n = 0, i;

	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];

		if (check_manages(check, i) && tier_of(check, i) == tier)
			division->fills[n++] = (struct fill){
				.limit = tier_claim(check, i) - division->given[i],
				.weight = row->weight };
	}
	if (!fill_by_weight(division->left, division->fills, n, &given))
		return false;
	for (i = n = 0; i < check->n; i++) {
		if (check_manages(check, i) && tier_of(check, i) == tier)
			division->given[i] += division->fills[n++].share;
	}
	division->left -= given;
	return true;
}

static void give_guarantees(const struct check *check, struct division *division)
{
	size_t i;

	division->left = check->measure.capacity;
	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];

		if (!check_manages(check, i))
			continue;
		division->given[i] = smaller(tier_claim(check, i), row->guarantee);
		division->left -= division->given[i];
	}
}

static bool divide(const struct check *check, struct division *division)
{
	uint64_t headroom = check->measure.cpus * check->options->headroom_permille / 1000;

	give_guarantees(check, division);
	if (!fill_tier(check, division, TIER_SERVICE))
		return false;
	if (check->service_wants)
		division->left -= smaller(division->left, headroom);
	return fill_tier(check, division, TIER_BATCH) &&
	       fill_tier(check, division, TIER_HEAVY_SERVICE);
}

/* Is somebody kept from its guarantee right now? Then limits do not wait. */
static bool somebody_hurt(const struct check *check)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];
		uint64_t due = smaller(row->demand, row->guarantee);

		if (check_manages(check, i) && row->usage + row->usage / 10 + 10 < due)
			return true;
	}
	return false;
}

/* Caps are for those whom somebody of a tier before them waits for. */
static bool wants_cap(const struct check *check, size_t i)
{
	enum tier tier = tier_of(check, i);

	if (!check->contended || check->options->cap == MANAGE_CAP_NONE ||
	    !check->measure.vms[i].measured)
		return false;
	if (tier == TIER_BATCH)
		return check->options->cap == MANAGE_CAP_BATCH && check->service_wants;
	return tier == TIER_HEAVY_SERVICE && (check->service_wants || check->batch_wants);
}

/*
 * A quota is of the whole VM, and once its vCPUs have used it up, the VMM's
 * threads stand as well, for up to period * (1 - quota / vCPUs). A shorter
 * period keeps that below the longest stall allowed.
 */
static uint64_t choose_period(const struct manage_options *options, uint64_t quota,
			      uint64_t vcpus)
{
	uint64_t period = options->period_ns, stalled, shortest;

	if (quota >= vcpus)
		return period;
	stalled = (uint64_t)((unsigned __int128)period * (vcpus - quota) / vcpus);
	if (stalled > options->stall_max_ns)
		period = (uint64_t)((unsigned __int128)options->stall_max_ns * vcpus /
				    (vcpus - quota));
	/* the kernel's least quota must fit in, and it counts in microseconds */
	shortest = larger(MANAGE_SHORTEST_NS, MANAGE_QUOTA_MIN_NS * 1000 / quota);
	period = smaller(larger(period, shortest), MANAGE_PERIOD_MAX_NS);
	return period - period % 1000;
}

/* What a quota has in it for the VMM's own threads. */
static uint64_t vmm_part(const struct check *check, size_t i)
{
	return larger(check->options->vmm_floor_millicpus, 2 * check->measure.vms[i].vmm);
}

static uint64_t choose_burst(const struct manage_options *options, uint64_t quota_ns)
{
	uint64_t burst = (uint64_t)((unsigned __int128)quota_ns * options->burst_permille / 1000);

	return burst - burst % 1000;
}

static void set_cap(const struct check *check, size_t i, uint64_t millicpus)
{
	const struct manage_options *options = check->options;
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_decision *decision = &check->decisions[i];

	decision->allowed_millicpus = millicpus + vmm_part(check, i);
	decision->period_ns = choose_period(options, decision->allowed_millicpus, row->vcpus);
	decision->quota_ns = check_quota(decision->allowed_millicpus, decision->period_ns);
	decision->burst_ns = choose_burst(options, decision->quota_ns);
	decision->vcpu_quota_ns = check_quota(millicpus * 1000 / row->vcpus, decision->period_ns);
}

/* Is the quota that is in place the one that was decided last? */
static bool is_as_decided(const struct check *check, size_t i)
{
	const struct manage_vm *found = check->measure.vms[i].vm;

	return check->memory[i].quota_ns == found->quota_ns &&
	       check->memory[i].period_ns == found->period_ns;
}

/* What each vCPU has by it: what the VMM uses today is not what it was given a part for then. */
static uint64_t vcpu_quota_found(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];

	if (is_as_decided(check, i))
		return check->memory[i].vcpu_quota_ns;
	return check_quota((row->found - smaller(row->found, vmm_part(check, i))) * 1000 / row->vcpus,
			   row->vm->period_ns);
}

/* What is found stays: too close to what is wanted, or changed too short ago. */
static void stay(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_decision *decision = &check->decisions[i];

	decision->change = false;
	decision->quota_ns = row->vm->quota_ns;
	decision->allowed_millicpus = row->found;
	decision->burst_ns = 0;
	decision->period_ns = 0;
	decision->vcpu_quota_ns = MANAGE_UNLIMITED;
	if (row->found == MANAGE_UNLIMITED)
		return;
	decision->period_ns = row->vm->period_ns;
	decision->vcpu_quota_ns = vcpu_quota_found(check, i);
	decision->burst_ns = is_as_decided(check, i) ? check->memory[i].burst_ns :
			     choose_burst(check->options, row->vm->quota_ns);
}

/*
 * Does what is found leave the guarantee to the vCPUs? A part for the VMM is twice what
 * it used, so that what it uses now may grow within it.
 */
static bool keeps_guarantee(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];
	unsigned __int128 of_vcpus;

	if (row->found == MANAGE_UNLIMITED)
		return true;
	/* a thousandth of each vCPU may have been cut off */
	of_vcpus = (unsigned __int128)vcpu_quota_found(check, i) * row->vcpus / row->vm->period_ns +
		   row->vcpus / 1000 + 1;
	return row->found >= row->guarantee + row->vmm && of_vcpus >= row->guarantee;
}

static bool too_soon(const struct check *check, size_t i)
{
	const struct manage_memory *memory = &check->memory[i];

	return memory->changed_ns && memory->changed_ns <= check->time_ns &&
	       check->time_ns - memory->changed_ns < check->options->rate_limit_ns;
}

/* Whether a cap that is wanted is written now. */
static void settle(const struct check *check, size_t i, bool urgent)
{
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_decision *decision = &check->decisions[i];
	bool limited = row->found != MANAGE_UNLIMITED;
	bool keeps = keeps_guarantee(check, i);
	bool raised = limited && decision->allowed_millicpus > row->found;

	decision->change = true;
	if (limited && keeps &&
	    check_near(row->found, decision->allowed_millicpus, check->options->hysteresis_permille))
		stay(check, i);
	else if (!urgent && !raised && keeps && too_soon(check, i))
		stay(check, i);
}

static void explain_cap(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_decision *decision = &check->decisions[i];
	bool heavy = tier_of(check, i) == TIER_HEAVY_SERVICE;

	check_reason(decision, "%s: wants " CHECK_CPUS " CPUs, others come first on a contended "
		     "host: at most " CHECK_CPUS ", never below its guarantee of " CHECK_CPUS "%s%s",
		     heavy ? "works like batch, service by configuration" : "batch",
		     CHECK_CPUS_OF(row->demand), CHECK_CPUS_OF(decision->allowed_millicpus),
		     CHECK_CPUS_OF(row->guarantee), decision->change ? "" : " (stays)",
		     check->measure.overbooked ? "; the guarantees given are more than the host has"
					       : "");
}

static void explain_free(const struct check *check, size_t i)
{
	struct manage_decision *decision = &check->decisions[i];
	const char *class = manage_class_name(check->memory[i].class);

	if (!decision->measured)
		return;
	if (!check->contended)
		check_reason(decision, "%s: the host is not contended, no limit", class);
	else if (check->options->cap == MANAGE_CAP_NONE)
		check_reason(decision, "%s: caps are switched off, weights alone", class);
	else if (tier_of(check, i) == TIER_SERVICE)
		check_reason(decision, "service: goes first, no limit");
	else if (wants_cap(check, i))
		check_reason(decision, "%s: gets all that its vCPUs can use, no limit", class);
	else
		check_reason(decision, "%s: weights alone, no limit", class);
}

static void decide_one(struct check *check, const struct division *division, size_t i,
		       bool urgent)
{
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_decision *decision = &check->decisions[i];
	uint64_t cap = larger(larger(division->given[i], row->guarantee),
			      check->options->floor_millicpus);

	/* one that gets what it wants is not capped, but one that is capped stays so until calm */
	bool short_of = division->given[i] < row->demand || row->found != MANAGE_UNLIMITED;

	if (wants_cap(check, i) && short_of && cap < row->vcpus) {
		set_cap(check, i, cap);
		settle(check, i, urgent);
		explain_cap(check, i);
		return;
	}
	decision->change = row->found != MANAGE_UNLIMITED;
	explain_free(check, i);
}

static int decide_all(struct check *check, struct division *division)
{
	bool urgent = somebody_hurt(check);
	size_t i;

	if (!divide(check, division))
		return -ENOMEM;
	weights_decide(check, division->fills);
	pins_decide(check);
	for (i = 0; i < check->n; i++) {
		if (!check_manages(check, i))
			continue;
		decide_one(check, division, i, urgent);
		pins_explain(check, i);
	}
	return 0;
}

int check_lending(struct check *check)
{
	struct division division = {
		.given = calloc(check->n + 1, sizeof(*division.given)),
		.fills = calloc(2 * check->n + 1, sizeof(*division.fills)),
	};
	int ret = -ENOMEM;
	size_t i;

	for (i = 0; i < check->n; i++)
		tier_count(check, i);
	find_contention(check);
	find_wanting(check);
	if (division.given && division.fills)
		ret = decide_all(check, &division);
	free(division.given);
	free(division.fills);
	return ret;
}
