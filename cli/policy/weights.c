// SPDX-License-Identifier: GPL-2.0
/*
 * CPU weights in proportion to guarantees, but that light service VMs go first as
 * long as it takes no guarantee from anybody.
 */
#include "policy/weights.h"

#include "policy/tiers.h"

#define WEIGHT_MAX 10000ull		/* of cpu.weight */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_given(const struct measure_vm *row)
{
	return row->rule && row->rule->guarantee_given;
}

/* What becomes of stakes for the sake of light service VMs. */
struct lift {
	uint64_t modest;		/* least stake of those that want no more than their guarantee */
	uint64_t others;		/* of the others */
	uint64_t rest_permille;		/* what is left to the rest of parts that nobody was given */
};

/* What its weight is in proportion to. A VM without any guarantee still has the floor. */
static uint64_t stake(const struct check *check, size_t i, const struct lift *lift)
{
	const struct measure_vm *row = &check->measure.vms[i];
	uint64_t floor = check->options->floor_millicpus;

	if (tier_is_light(check, i))
		return larger(larger(row->guarantee, floor),
			      tier_claim(check, i) <= row->guarantee ? lift->modest : lift->others);
	if (is_given(row))
		return larger(row->guarantee, floor);
	return larger(row->guarantee * lift->rest_permille / 1000, floor);
}

/*
 * What the service VMs must leave to a VM that wants it: all of a guarantee that the
 * operator gave, half of the part that others are guaranteed for want of one.
 */
static uint64_t due(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];

	return smaller(tier_claim(check, i), is_given(row) ? row->guarantee : row->guarantee / 2);
}

/* Do shares in proportion to stakes give everybody what is due? A hundredth is forgiven. */
static bool gives_due(const struct check *check, struct fill *fills, const struct lift *lift)
{
	uint64_t given;
	size_t n = 0, i;

	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i))
			fills[n++] = (struct fill){ .limit = tier_claim(check, i),
				.weight = (uint32_t)smaller(stake(check, i, lift), UINT32_MAX) };
	}
	if (!fill_by_weight(check->measure.capacity, fills, n, &given))
		return false;
	for (i = n = 0; i < check->n; i++) {
		uint64_t share = check_manages(check, i) ? fills[n++].share : due(check, i);

		if (share + share / 100 + 1 < due(check, i))
			return false;
	}
	return true;
}

/*
 * What light service VMs want beyond their guarantees comes out of the parts of those
 * that were given none, not out of the guarantees of those that were.
 */
static uint64_t rest_of_parts(const struct check *check)
{
	uint64_t parts = 0, beyond = 0;
	size_t i;

	for (i = 0; i < check->n; i++) {
		const struct measure_vm *row = &check->measure.vms[i];

		if (!check_manages(check, i))
			continue;
		if (!tier_is_light(check, i))
			parts += is_given(row) ? 0 : row->guarantee;
		else if (tier_claim(check, i) > row->guarantee)
			beyond += tier_claim(check, i) - row->guarantee;
	}
	return parts <= 2 * beyond ? 500 : 1000 - 1000 * beyond / parts;
}

/*
 * A VM that sleeps in between gets its CPU in time only if its weight is above those
 * that it finds running, however little it was guaranteed. So light service VMs stand
 * above the highest of the rest by the boost. Those that want no more than their
 * guarantee take nobody's; the others, by as much of it as leaves everybody what is due.
 */
static struct lift lift_services(const struct check *check, struct fill *fills)
{
	const struct lift none = { .rest_permille = 1000 };
	struct lift lift = { .rest_permille = rest_of_parts(check) };
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i) && !tier_is_light(check, i))
			lift.modest = larger(lift.modest, stake(check, i, &none));
	}
	lift.modest *= check->options->service_boost;
	/* no stake is below the floor */
	for (lift.others = lift.modest; lift.others > check->options->floor_millicpus;
	     lift.others /= 2) {
		if (gives_due(check, fills, &lift))
			return lift;
	}
	return (struct lift){ .modest = lift.modest, .rest_permille = 1000 };
}

/*
 * Those that are not lifted have 100 on average, but where that puts somebody above what
 * the kernel takes, all have less: proportions keep guarantees. All as found if all are
 * equal.
 */
void weights_decide(struct check *check, struct fill *fills)
{
	uint64_t sum = 0, n = 0, least = UINT64_MAX, most = 0, weights;
	struct lift lift;
	size_t i;

	if (!check->contended)
		return;
	lift = lift_services(check, fills);
	for (i = 0; i < check->n; i++) {
		if (!check_manages(check, i))
			continue;
		least = smaller(least, stake(check, i, &lift));
		most = larger(most, stake(check, i, &lift));
		if (lift.modest && tier_is_light(check, i))
			continue;
		sum += stake(check, i, &lift);
		n++;
	}
	if (!sum || check_near(most, least, check->options->hysteresis_permille))
		return;
	/* so many stakes are so much weight */
	weights = 100 * n;
	if (weights * most / sum > WEIGHT_MAX) {
		weights = WEIGHT_MAX;
		sum = most;
	}
	for (i = 0; i < check->n; i++) {
		uint64_t weight = weights * stake(check, i, &lift) / sum;

		if (check_manages(check, i))
			check->decisions[i].weight = (uint32_t)larger(weight, 1);
	}
}

void weights_settle(struct check *check, size_t i)
{
	struct manage_decision *decision = &check->decisions[i];
	uint32_t before = check->memory[i].weight;

	if (before && decision->weight &&
	    check_near(before, decision->weight, check->options->hysteresis_permille))
		decision->weight = before;
}
