// SPDX-License-Identifier: GPL-2.0
#include "policy/threshold.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

#define STEPS 3000u			/* per item */
#define FIRST 0.05			/* threshold to begin with, of the mean cost */
#define PRICE_STEP 1.01			/* once per as many steps as there are items */

/* splitmix64 (Steele, Lea, Flood 2014): the same steps in every run. */
static uint64_t draw(struct threshold *threshold)
{
	uint64_t z = threshold->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* The group is complete, or no more: its members lose that much more without it. */
static void count_complete(struct threshold *threshold, uint32_t group, uint32_t item,
			   int64_t gain)
{
	const struct division *division = threshold->division;
	uint32_t i;

	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		if (division->member[i] != item)
			threshold->change[division->member[i]] += gain;
	}
	threshold->work += i - division->first[group];
}

/* What an item would add when out is what it would take along when in, so change stays. */
static void toggle(struct threshold *threshold, uint32_t item)
{
	const struct division *division = threshold->division;
	const struct cover *cover = division->cover;
	bool in = threshold->in[item];
	wide sign = in ? (wide)-1 : 1;
	uint32_t i;

	for (i = division->at[item]; i < division->at[item + 1]; i++) {
		uint32_t group = division->group_of[division->place[i]];
		uint32_t others = threshold->missing[group] - !in;
		int64_t gain = in ? -division->gain[group] : division->gain[group];

		threshold->missing[group] += in ? 1 : -1;
		threshold->last[group] ^= item;
		if (!others)
			count_complete(threshold, group, item, gain);
		else if (others == 1)
			threshold->change[threshold->last[group] ^ (in ? item : 0)] += gain;
	}
	threshold->gained += in ? -threshold->change[item] : threshold->change[item];
	threshold->cost += sign * cover->cost[item];
	threshold->taken += cover->size ? sign * cover->size[item] : 0;
	threshold->count += in ? -1 : 1;
	threshold->in[item] = !in;
	threshold->work += division->at[item + 1] - division->at[item] + 1;
}

/* How much dearer it all gets by this step. */
static double worsening(const struct threshold *threshold, uint32_t item)
{
	const struct division *division = threshold->division;
	int64_t need = division->need, before = threshold->gained;
	int64_t after = before + (threshold->in[item] ? -threshold->change[item] :
							threshold->change[item]);
	double cost = (double)division->cover->cost[item];
	double missing = (double)((after < need ? need - after : 0) -
				  (before < need ? need - before : 0));

	return (threshold->in[item] ? -cost : cost) + threshold->price * missing;
}

static bool may_change(const struct threshold *threshold, uint32_t item)
{
	const struct cover *cover = threshold->division->cover;

	return threshold->in[item] ||
	       (threshold->count < cover->max_items &&
		!(cover->size && threshold->taken + cover->size[item] > cover->room));
}

static void keep_best(struct threshold *threshold)
{
	if (threshold->gained < threshold->division->need ||
	    (threshold->found && threshold->cost >= threshold->best_cost))
		return;
	threshold->found = true;
	threshold->best_cost = threshold->cost;
	memcpy(threshold->best, threshold->in,
	       threshold->division->cover->items * sizeof(*threshold->best));
}

/* The price follows the need: dearer while it is not met, cheaper while it is. */
static void follow_need(struct threshold *threshold)
{
	if (threshold->gained < threshold->division->need)
		threshold->price *= PRICE_STEP;
	else
		threshold->price /= PRICE_STEP;
}

static double mean_cost(const struct cover *cover)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < cover->items; i++)
		sum += (double)cover->cost[i];
	return cover->items ? sum / cover->items : 0;
}

void threshold_run(struct threshold *threshold, const bool *in, double price, uint64_t work)
{
	const struct cover *cover = threshold->division->cover;
	double first = FIRST * mean_cost(cover);
	uint64_t steps = (uint64_t)STEPS * cover->items, i;
	uint32_t item;

	for (item = 0; item < cover->items; item++) {
		if (threshold->in[item] != in[item])
			toggle(threshold, item);
	}
	threshold->price = price;
	for (i = 0; i < steps && threshold->work < work; i++) {
		double left = 1 - (double)i / (double)steps;

		item = (uint32_t)(draw(threshold) % cover->items);
		if (may_change(threshold, item) &&
		    worsening(threshold, item) <= first * left * left) {
			toggle(threshold, item);
			keep_best(threshold);
		}
		if (i % cover->items == 0)
			follow_need(threshold);
		threshold->work++;
	}
}

static void begin(struct threshold *threshold)
{
	const struct division *division = threshold->division;
	uint32_t i, g;

	for (i = 0; i < division->cover->items; i++) {
		threshold->change[i] = division->stake[i];
		for (g = division->at[i]; g < division->at[i + 1]; g++)
			threshold->change[i] -=
				division->gain[division->group_of[division->place[g]]];
	}
	for (g = 0; g < division->n_groups; g++) {
		threshold->missing[g] = division->first[g + 1] - division->first[g];
		for (i = division->first[g]; i < division->first[g + 1]; i++)
			threshold->last[g] ^= division->member[i];
	}
}

int threshold_init(struct threshold *threshold, const struct division *division)
{
	size_t items = (size_t)division->cover->items + 1, groups = (size_t)division->n_groups + 1;

	*threshold = (struct threshold){
		.division = division,
		.in = calloc(items, sizeof(*threshold->in)),
		.best = calloc(items, sizeof(*threshold->best)),
		.missing = calloc(groups, sizeof(*threshold->missing)),
		.last = calloc(groups, sizeof(*threshold->last)),
		.change = calloc(items, sizeof(*threshold->change)),
	};
	if (!threshold->in || !threshold->best || !threshold->missing || !threshold->last ||
	    !threshold->change)
		return -1;
	begin(threshold);
	return 0;
}

void threshold_free(struct threshold *threshold)
{
	free(threshold->in);
	free(threshold->best);
	free(threshold->missing);
	free(threshold->last);
	free(threshold->change);
}
