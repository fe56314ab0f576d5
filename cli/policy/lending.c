// SPDX-License-Identifier: GPL-2.0
/*
 * Guarantees, and what they leave unused lent out.
 *
 * Class. Usage is measured against the time that a VM was not held back:
 * used / (vCPUs - waiting). A VM that alternates between work and sleep shows
 * the same there whether it had to wait in between or not, so neither a cap nor
 * a crowd changes its class. Counts stay between 0 and beta + 1.
 *
 * Contention. The host is contended while the VMs' demands, use and waiting
 * together, are more than there is. Under a cap a VM's waiting grows by what
 * its use shrinks, so this does not change when caps are set, and caps go only
 * after some calm checks in a row. No cap is set without contention.
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

#include <errno.h>
#include <stdlib.h>

enum tier { TIER_SERVICE, TIER_BATCH, TIER_HEAVY_SERVICE, TIERS };

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool takes_part(const struct check *check, size_t i)
{
	return !check->measure.vms[i].left_alone;
}

/* The part of the time in which nothing held it back that its vCPUs were busy. */
static uint64_t pressure_permille(const struct measure_vm *row)
{
	uint64_t free_time = row->vcpus - row->wait;
	uint64_t busy = smaller(row->usage - row->vmm, free_time);

	return free_time ? busy * 1000 / free_time : 0;
}

/* Leaving a class takes a little more than staying. */
static uint64_t threshold(const struct manage_options *options, enum manage_class class)
{
	uint64_t alpha = options->alpha_permille;

	return class == MANAGE_BATCH ? alpha - alpha * options->hysteresis_permille / 1000 : alpha;
}

/* A service VM by configuration that works like batch. */
static bool is_heavy(const struct check *check, size_t i)
{
	return check_class_given(&check->measure.vms[i]) &&
	       check->memory[i].class == MANAGE_SERVICE &&
	       check->memory[i].count > (int32_t)check->options->beta;
}

static bool works_like_batch(const struct check *check, size_t i)
{
	bool batch = check->memory[i].class == MANAGE_BATCH || is_heavy(check, i);
	enum manage_class class = batch ? MANAGE_BATCH : MANAGE_SERVICE;

	return pressure_permille(&check->measure.vms[i]) >= threshold(check->options, class);
}

static void count_free(struct check *check, size_t i)
{
	struct manage_memory *memory = &check->memory[i];

	if (works_like_batch(check, i) == (memory->class == MANAGE_SERVICE))
		memory->count++;
	else
		memory->count -= memory->count > 0;
	if (memory->count <= (int32_t)check->options->beta)
		return;
	memory->count = 0;
	memory->class = memory->class == MANAGE_SERVICE ? MANAGE_BATCH : MANAGE_SERVICE;
}

/*
 * The class stays, so the count alone says how the VM works: above beta like
 * batch. Crossing beta takes it as far to the other side, so that the way back
 * takes as many checks.
 */
static void count_given(struct check *check, size_t i)
{
	int32_t *count = &check->memory[i].count, beta = (int32_t)check->options->beta;

	if (works_like_batch(check, i)) {
		*count += *count < 2 * (beta + 1);
		if (*count == beta + 1)
			*count = 2 * (beta + 1);
	} else {
		*count -= *count > 0;
		if (*count == beta)
			*count = 0;
	}
}

/* One from another configuration may be anything. */
static void bound_count(struct check *check, size_t i)
{
	int32_t *count = &check->memory[i].count, beta = (int32_t)check->options->beta;
	int32_t most = check_class_given(&check->measure.vms[i]) ? 2 * (beta + 1) : beta;

	*count = *count < 0 ? 0 : *count > most ? most : *count;
}

static void count_one(struct check *check, size_t i)
{
	bound_count(check, i);
	if (!takes_part(check, i) || !check->measure.vms[i].measured)
		return;
	if (check_class_given(&check->measure.vms[i]))
		count_given(check, i);
	else
		count_free(check, i);
}

static enum tier tier_of(const struct check *check, size_t i)
{
	if (check->memory[i].class == MANAGE_BATCH)
		return TIER_BATCH;
	return is_heavy(check, i) ? TIER_HEAVY_SERVICE : TIER_SERVICE;
}

static void find_contention(struct check *check)
{
	uint64_t demand = 0, more = check->measure.cpus * check->options->contention_permille / 1000;
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (takes_part(check, i))
			demand += check->measure.vms[i].demand;
	}
	if (demand > check->measure.capacity + more) {
		check->contended = true;
		check->calm = 0;
	} else if (check->contended && ++check->calm >= check->options->calm_checks) {
		check->contended = false;
		check->calm = 0;
	}
}

/* Who gets how much, one entry per VM. */
struct division {
	uint64_t *given;		/* millicpus */
	struct fill *fills;		/* room for one tier */
	uint64_t left;
	bool present[TIERS];		/* some VM of the tier wants CPU */
};

static bool fill_tier(const struct check *check, struct division *division, enum tier tier)
{
	uint64_t given;
	size_t n = 0, i;

	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];

		if (takes_part(check, i) && tier_of(check, i) == tier)
			division->fills[n++] = (struct fill){
				.limit = row->demand - division->given[i], .weight = row->weight };
	}
	if (!fill_by_weight(division->left, division->fills, n, &given))
		return false;
	for (i = n = 0; i < check->n; i++) {
		if (takes_part(check, i) && tier_of(check, i) == tier)
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

		if (!takes_part(check, i))
			continue;
		division->given[i] = smaller(row->demand, row->guarantee);
		division->left -= division->given[i];
		/* less than a hundredth of a CPU is what an idle VM uses */
		if (row->demand >= 10)
			division->present[tier_of(check, i)] = true;
	}
}

static bool divide(const struct check *check, struct division *division)
{
	uint64_t headroom = check->measure.cpus * check->options->headroom_permille / 1000;

	give_guarantees(check, division);
	if (!fill_tier(check, division, TIER_SERVICE))
		return false;
	if (division->present[TIER_SERVICE])
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

		if (takes_part(check, i) && row->usage + row->usage / 10 + 10 < due)
			return true;
	}
	return false;
}

/* Caps are for those whom somebody of a tier before them waits for. */
static bool wants_cap(const struct check *check, const struct division *division, size_t i)
{
	enum tier tier = tier_of(check, i);

	if (!check->contended || check->options->cap == MANAGE_CAP_NONE ||
	    !check->measure.vms[i].measured)
		return false;
	if (tier == TIER_BATCH)
		return check->options->cap == MANAGE_CAP_BATCH && division->present[TIER_SERVICE];
	return tier == TIER_HEAVY_SERVICE &&
	       (division->present[TIER_SERVICE] || division->present[TIER_BATCH]);
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
	shortest = larger(10 * MANAGE_PERIOD_MIN_NS, MANAGE_QUOTA_MIN_NS * 1000 / quota);
	period = smaller(larger(period, shortest), MANAGE_PERIOD_MAX_NS);
	return period - period % 1000;
}

/* What a quota has in it for the VMM's own threads. */
static uint64_t vmm_part(const struct check *check, size_t i)
{
	return larger(check->options->vmm_floor_millicpus, 2 * check->measure.vms[i].vmm);
}

static void set_cap(const struct check *check, size_t i, uint64_t millicpus)
{
	const struct manage_options *options = check->options;
	const struct measure_vm *row = &check->measure.vms[i];
	struct manage_decision *decision = &check->decisions[i];

	decision->allowed_millicpus = millicpus + vmm_part(check, i);
	decision->period_ns = choose_period(options, decision->allowed_millicpus, row->vcpus);
	decision->quota_ns = check_quota(decision->allowed_millicpus, decision->period_ns);
	decision->burst_ns = (uint64_t)((unsigned __int128)decision->quota_ns *
					options->burst_permille / 1000);
	decision->burst_ns -= decision->burst_ns % 1000;
	decision->vcpu_quota_ns = check_quota(millicpus * 1000 / row->vcpus, decision->period_ns);
}

static bool near(uint64_t found, uint64_t wanted, uint32_t permille)
{
	uint64_t apart = found > wanted ? found - wanted : wanted - found;

	return apart <= found / 1000 * permille + found % 1000 * permille / 1000;
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
	decision->vcpu_quota_ns =
		check_quota((row->found - smaller(row->found, vmm_part(check, i))) * 1000 / row->vcpus,
			    row->vm->period_ns);
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
	bool raised = limited && decision->allowed_millicpus > row->found;

	decision->change = true;
	if (limited && row->found >= row->guarantee &&
	    near(row->found, decision->allowed_millicpus, check->options->hysteresis_permille))
		stay(check, i);
	else if (!urgent && !raised && too_soon(check, i))
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

static void explain_free(const struct check *check, const struct division *division, size_t i)
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
	else if (wants_cap(check, division, i))
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

	if (wants_cap(check, division, i) && short_of && cap < row->vcpus) {
		set_cap(check, i, cap);
		settle(check, i, urgent);
		explain_cap(check, i);
		return;
	}
	decision->change = row->found != MANAGE_UNLIMITED;
	explain_free(check, division, i);
}

/*
 * Service VMs that want little may go well before the others as long as these
 * have room for what they want of their guarantees.
 */
static bool may_boost(const struct check *check)
{
	uint64_t due = 0;
	size_t i;

	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];

		if (!takes_part(check, i))
			continue;
		due += tier_of(check, i) == TIER_SERVICE ? row->demand :
							   smaller(row->demand, row->guarantee);
	}
	return due <= check->measure.capacity;
}

/* What its weight is in proportion to. A VM without any guarantee still has the floor. */
static uint64_t stake(const struct check *check, size_t i, bool boost)
{
	uint64_t stake = larger(check->measure.vms[i].guarantee, check->options->floor_millicpus);

	return boost && tier_of(check, i) == TIER_SERVICE ? stake * check->options->service_boost
							  : stake;
}

/* 100 on average; all as found if all are equal. */
static void weigh(struct check *check)
{
	uint64_t sum = 0, n = 0, least = UINT64_MAX, most = 0;
	bool boost = may_boost(check);
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (!takes_part(check, i))
			continue;
		sum += stake(check, i, boost);
		least = smaller(least, stake(check, i, boost));
		most = larger(most, stake(check, i, boost));
		n++;
	}
	if (!check->contended || !sum || near(most, least, check->options->hysteresis_permille))
		return;
	for (i = 0; i < check->n; i++) {
		uint64_t weight = 100 * n * stake(check, i, boost) / sum;

		if (takes_part(check, i))
			check->decisions[i].weight = (uint32_t)smaller(larger(weight, 1), 10000);
	}
}

static void settle_weight(struct check *check, size_t i)
{
	struct manage_decision *decision = &check->decisions[i];
	uint32_t before = check->memory[i].weight;

	if (before && decision->weight &&
	    near(before, decision->weight, check->options->hysteresis_permille))
		decision->weight = before;
	decision->change |= decision->weight != before;
}

static int decide_all(struct check *check, struct division *division)
{
	bool urgent = somebody_hurt(check);
	size_t i;

	if (!divide(check, division))
		return -ENOMEM;
	weigh(check);
	for (i = 0; i < check->n; i++) {
		if (!takes_part(check, i))
			continue;
		decide_one(check, division, i, urgent);
		settle_weight(check, i);
	}
	return 0;
}

int check_lending(struct check *check)
{
	struct division division = {
		.given = calloc(check->n + 1, sizeof(*division.given)),
		.fills = calloc(check->n + 1, sizeof(*division.fills)),
	};
	int ret = -ENOMEM;
	size_t i;

	for (i = 0; i < check->n; i++)
		count_one(check, i);
	find_contention(check);
	if (division.given && division.fills)
		ret = decide_all(check, &division);
	free(division.given);
	free(division.fills);
	return ret;
}
