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

/* The part of the capacity that each VM has by the weight in its entry. */
static bool share_out(const struct check *check, struct fill *fills)
{
	uint64_t given;
	size_t i;

	for (i = 0; i < check->n; i++)
		fills[i].limit = check_manages(check, i) ? tier_claim(check, i) : 0;
	return fill_by_weight(check->measure.capacity, fills, check->n, &given);
}

/* Is that clearly less than it should be? A hundredth is forgiven. */
static bool is_short(uint64_t share, uint64_t wanted)
{
	return share + share / 100 + 1 < wanted;
}

/* Do shares in proportion to stakes give everybody what is due? */
static bool gives_due(const struct check *check, struct fill *fills, const struct lift *lift)
{
	size_t i;

	for (i = 0; i < check->n; i++)
		fills[i].weight = (uint32_t)smaller(stake(check, i, lift), UINT32_MAX);
	if (!share_out(check, fills))
		return false;
	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i) && is_short(fills[i].share, due(check, i)))
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
 * the kernel takes, all have less: proportions keep guarantees. False if all are equal:
 * a part that cannot be divided equally leaves some a thousandth more.
 */
static bool weigh(struct check *check, const struct lift *lift)
{
	uint64_t sum = 0, n = 0, least = UINT64_MAX, most = 0, weights;
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (!check_manages(check, i))
			continue;
		least = smaller(least, stake(check, i, lift));
		most = larger(most, stake(check, i, lift));
		if (lift->modest && tier_is_light(check, i))
			continue;
		sum += stake(check, i, lift);
		n++;
	}
	if (!sum || most - least <= 1)
		return false;
	/* so many stakes are so much weight */
	weights = 100 * n;
	if (weights * most / sum > WEIGHT_MAX) {
		weights = WEIGHT_MAX;
		sum = most;
	}
	for (i = 0; i < check->n; i++) {
		/* a weight of 1 for 1.9 would be half of a small guarantee */
		uint64_t up = is_given(&check->measure.vms[i]) ? sum - 1 : 0;
		uint64_t weight = (weights * stake(check, i, lift) + up) / sum;

		if (check_manages(check, i))
			check->decisions[i].weight = (uint32_t)smaller(larger(weight, 1), WEIGHT_MAX);
	}
	return true;
}

static bool all_as_found(const struct check *check)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i) && check->memory[i].weight)
			return false;
	}
	return true;
}

/* Are the weights that are wanted so close to each other that all may be as found? */
static bool are_level(const struct check *check)
{
	uint32_t least = UINT32_MAX, most = 0;
	size_t i;

	for (i = 0; i < check->n; i++) {
		uint32_t weight = check->decisions[i].weight;

		if (!check_manages(check, i))
			continue;
		least = weight < least ? weight : least;
		most = weight > most ? weight : most;
	}
	return check_near(most, least, check->options->hysteresis_permille);
}

/* 0, as found, if all are. */
static uint32_t kept(const struct check *check, size_t i, bool found)
{
	uint32_t before = check->memory[i].weight, weight = check->decisions[i].weight;

	if (found)
		return 0;
	return before && check_near(before, weight, check->options->hysteresis_permille) ? before :
											   weight;
}

/* Does anybody get less than is due to it only because weights are kept? */
static bool costs_somebody(const struct check *check, struct fill *fills, bool found)
{
	struct fill *others = fills + check->n;
	size_t i;

	for (i = 0; i < check->n; i++) {
		fills[i].weight = larger(kept(check, i, found), 1);
		others[i].weight = larger(check->decisions[i].weight, 1);
	}
	if (!share_out(check, fills) || !share_out(check, others))
		return true;
	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i) &&
		    is_short(fills[i].share, smaller(others[i].share, due(check, i))))
			return true;
	}
	return false;
}

/*
 * A weight that is close to the one before stays, and all stay as found while those that
 * are wanted are close to each other, but not at the cost of what is due to somebody:
 * within the hysteresis there is a tenth of a guarantee, for as long as the load stays.
 * Once set they do not go back to as found for being close: who claims how much just now
 * would have them come and go.
 */
static void settle(struct check *check, struct fill *fills)
{
	bool found = all_as_found(check);
	size_t i;

	if ((found && !are_level(check)) || costs_somebody(check, fills, found))
		return;
	for (i = 0; i < check->n; i++) {
		if (check_manages(check, i))
			check->decisions[i].weight = kept(check, i, found);
	}
}

/* All as found if all are equal. */
void weights_decide(struct check *check, struct fill *fills)
{
	struct lift lift;

	if (!check->contended)
		return;
	lift = lift_services(check, fills);
	if (weigh(check, &lift))
		settle(check, fills);
}
