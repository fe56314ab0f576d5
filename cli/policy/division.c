// SPDX-License-Identifier: GPL-2.0
/*
 * Shares are whole numbers below 2^52 in sum, so they are exact as doubles too
 * and no rounding ever makes the shares of a group less than its gain.
 */
#include "policy/division.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

#define GAIN_BITS 52

static int64_t scaled_up(const struct division *division, uint64_t gain)
{
	uint64_t low = gain & ((1ull << division->shift) - 1);

	return (int64_t)((gain >> division->shift) + (low ? 1 : 0));
}

/* So that all gains together, each rounded up, stay below 2^52. */
static unsigned int shift_for(const struct cover *cover)
{
	wide total = cover->need;
	unsigned int shift = 0;
	size_t i;

	for (i = 0; i < cover->items; i++)
		total += cover->gain[i];
	for (i = 0; i < cover->n_groups; i++)
		total += cover->groups[i].gain;
	while ((total >> shift) + cover->items + cover->n_groups >= (wide)1 << GAIN_BITS)
		shift++;
	return shift;
}

/* Items that cost nothing weigh almost nothing, so that shares flow to them first. */
static void weigh(struct division *division)
{
	const struct cover *cover = division->cover;
	uint64_t least = UINT64_MAX;
	uint32_t i;

	for (i = 0; i < cover->items; i++) {
		if (cover->cost[i] && cover->cost[i] < least)
			least = cover->cost[i];
	}
	for (i = 0; i < cover->items; i++)
		division->weight[i] = cover->cost[i] ? (double)cover->cost[i] :
						       1e-6 * (double)least;
}

static void index_items(struct division *division)
{
	uint32_t places = division->first[division->n_groups], items = division->cover->items, i, g;

	for (i = 0; i < places; i++)
		division->at[division->member[i] + 1]++;
	for (i = 0; i < items; i++)
		division->at[i + 1] += division->at[i];
	for (g = 0; g < division->n_groups; g++) {
		for (i = division->first[g]; i < division->first[g + 1]; i++) {
			division->group_of[i] = g;
			division->place[division->at[division->member[i]]++] = i;
		}
	}
	for (i = items; i > 0; i--)
		division->at[i] = division->at[i - 1];
	division->at[0] = 0;
}

/* In proportion to the weights, to begin with. */
static void divide(struct division *division, uint32_t group)
{
	uint32_t begin = division->first[group], end = division->first[group + 1], i;
	int64_t rest = division->gain[group], share;
	double sum = 0;

	for (i = begin; i < end; i++)
		sum += division->weight[division->member[i]];
	for (i = begin; i < end; i++) {
		share = (int64_t)((double)division->gain[group] *
				  (division->weight[division->member[i]] / sum));
		if (share > rest || i + 1 == end)
			share = rest;
		rest -= share;
		division->share[i] = share;
		division->part[division->member[i]] += share;
		division->stake[division->member[i]] += division->gain[group];
	}
}

static void copy_groups(struct division *division)
{
	const struct cover *cover = division->cover;
	uint32_t places = 0, g;

	for (g = 0; g < division->n_groups; g++) {
		const struct cover_group *group = &cover->groups[g];

		division->first[g] = places;
		memcpy(division->member + places, cover->members + group->first,
		       group->count * sizeof(*division->member));
		places += (uint32_t)group->count;
		division->gain[g] = scaled_up(division, group->gain);
		division->open[g] = (uint32_t)group->count;
		division->reach += division->gain[g];
	}
	division->first[g] = places;
}

static void begin(struct division *division)
{
	const struct cover *cover = division->cover;
	uint32_t i;

	division->shift = shift_for(cover);
	division->need = (int64_t)(cover->need >> division->shift);
	division->n_open = cover->items;
	weigh(division);
	for (i = 0; i < cover->items; i++) {
		division->part[i] = scaled_up(division, cover->gain[i]);
		division->stake[i] = division->part[i];
		division->reach += division->part[i];
	}
	copy_groups(division);
	index_items(division);
	for (i = 0; i < division->n_groups; i++)
		divide(division, i);
	for (i = 0; i < cover->items; i++) {
		division->per_weight[i] = 1 / division->weight[i];
		division->ratio[i] = (double)division->part[i] / division->weight[i];
	}
}

int division_init(struct division *division, const struct cover *cover)
{
	size_t items = cover->items + 2, groups = cover->n_groups + 1, places = 1, i;

	for (i = 0; i < cover->n_groups; i++)
		places += cover->groups[i].count;
	*division = (struct division){
		.cover = cover,
		.n_groups = (uint32_t)cover->n_groups,
		.weight = calloc(items, sizeof(*division->weight)),
		.ratio = calloc(items, sizeof(*division->ratio)),
		.per_weight = calloc(items, sizeof(*division->per_weight)),
		.state = calloc(items, sizeof(*division->state)),
		.part = calloc(items, sizeof(*division->part)),
		.stake = calloc(items, sizeof(*division->stake)),
		.first = calloc(groups, sizeof(*division->first)),
		.gain = calloc(groups, sizeof(*division->gain)),
		.lost = calloc(groups, sizeof(*division->lost)),
		.open = calloc(groups, sizeof(*division->open)),
		.member = calloc(places, sizeof(*division->member)),
		.share = calloc(places, sizeof(*division->share)),
		.place = calloc(places, sizeof(*division->place)),
		.group_of = calloc(places, sizeof(*division->group_of)),
		.at = calloc(items, sizeof(*division->at)),
	};
	if (!division->weight || !division->ratio || !division->per_weight || !division->state || !division->part ||
	    !division->stake || !division->first || !division->gain || !division->lost ||
	    !division->open || !division->member || !division->share || !division->place ||
	    !division->group_of || !division->at || places > UINT32_MAX || groups > UINT32_MAX)
		return -1;
	begin(division);
	return 0;
}

void division_free(struct division *division)
{
	free(division->weight);
	free(division->ratio);
	free(division->per_weight);
	free(division->state);
	free(division->part);
	free(division->stake);
	free(division->first);
	free(division->gain);
	free(division->lost);
	free(division->open);
	free(division->member);
	free(division->share);
	free(division->place);
	free(division->group_of);
	free(division->at);
	free(division->trail);
}

static void remember(struct division *division, struct division_change change)
{
	struct division_change *trail;
	size_t room;

	if (division->n_trail == division->room) {
		room = division->room ? 2 * division->room : 1024;
		trail = realloc(division->trail, room * sizeof(*trail));
		if (!trail) {
			division->no_memory = true;
			return;
		}
		division->trail = trail;
		division->room = room;
	}
	division->trail[division->n_trail++] = change;
}

static void add_part(struct division *division, uint32_t item, int64_t amount)
{
	division->part[item] += amount;
	division->ratio[item] = (double)division->part[item] * division->per_weight[item];
}

static void set_share(struct division *division, uint32_t place, int64_t share, bool record)
{
	if (record)
		remember(division, (struct division_change){ UINT32_MAX, place,
							     division->share[place] });
	add_part(division, division->member[place], share - division->share[place]);
	division->share[place] = share;
}

/* The shares of a group that is lost are in nobody's part, but stay to be restored. */
static void count_group(struct division *division, uint32_t group, int sign)
{
	int64_t gain = sign * division->gain[group];
	uint32_t i;

	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		uint32_t item = division->member[i];

		add_part(division, item, sign * division->share[i]);
		division->stake[item] += gain;
	}
	division->reach += gain;
	division->work += division->first[group + 1] - division->first[group];
}

/*
 * The level to which a gain fills the group's open items, parts from elsewhere
 * standing as they are: items above it get nothing. It falls from round to round
 * as such items are left out; where rounding keeps it from falling it is reached.
 */
static double level_of(struct division *division, uint32_t group)
{
	uint32_t begin = division->first[group], end = division->first[group + 1], i;
	double level, next = 1e300, sum, weight;

	do {
		level = next;
		sum = (double)division->gain[group];
		weight = 0;
		for (i = begin; i < end; i++) {
			uint32_t item = division->member[i];
			double base = (double)(division->part[item] - division->share[i]);

			if (division->state[item] != ITEM_OPEN ||
			    base >= level * division->weight[item])
				continue;
			sum += base;
			weight += division->weight[item];
		}
		if (weight > 0)
			next = sum / weight;
		division->work += end - begin;
	} while (next < level);
	return level;
}

/* The open item of the group that is farthest below the level. */
static uint32_t lowest_place(const struct division *division, uint32_t group, double level)
{
	uint32_t lowest = division->first[group], i;
	double most = -1e300, lacks;

	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		uint32_t item = division->member[i];

		if (division->state[item] != ITEM_OPEN)
			continue;
		lacks = level * division->weight[item] -
			(double)(division->part[item] - division->share[i]);
		if (lacks > most) {
			most = lacks;
			lowest = i;
		}
	}
	return lowest;
}

/*
 * Gives the group's gain to its open items up to the level; the lowest one takes
 * what rounding leaves, so that nothing is lost. Returns what moved.
 */
static int64_t fill(struct division *division, uint32_t group, double level, bool record)
{
	uint32_t begin = division->first[group], end = division->first[group + 1], i;
	uint32_t lowest = lowest_place(division, group, level);
	int64_t rest = division->gain[group], moved = 0, share, base;

	for (i = begin; i < end; i++) {
		uint32_t item = division->member[i];

		share = 0;
		if (division->state[item] == ITEM_OPEN && i != lowest) {
			base = division->part[item] - division->share[i];
			share = (int64_t)(level * division->weight[item]) - base;
			share = share < 0 ? 0 : share > rest ? rest : share;
			rest -= share;
		}
		if (share == division->share[i] || i == lowest)
			continue;
		moved += llabs(share - division->share[i]);
		set_share(division, i, share, record);
	}
	if (rest != division->share[lowest])
		set_share(division, lowest, rest, record);
	return moved;
}

static int64_t level_group(struct division *division, uint32_t group, bool record)
{
	return fill(division, group, level_of(division, group), record);
}

/*
 * Level enough: no member that has a share stands higher than the lowest one by
 * more than the tolerance.
 */
static bool is_level(struct division *division, uint32_t group, double tolerance)
{
	uint32_t begin = division->first[group], end = division->first[group + 1], i;
	double least = 1e300, most = 0;

	for (i = begin; i < end; i++) {
		uint32_t item = division->member[i];
		double ratio = division->ratio[item];

		if (division->state[item] != ITEM_OPEN)
			continue;
		if (ratio < least)
			least = ratio;
		if (division->share[i] && ratio > most)
			most = ratio;
	}
	division->work += end - begin;
	return most <= least * (1 + tolerance);
}

int64_t division_level(struct division *division, double tolerance, bool record)
{
	int64_t moved = 0;
	uint32_t g;

	for (g = 0; g < division->n_groups; g++) {
		if (!division->lost[g] && division->open[g] > 1 &&
		    !is_level(division, g, tolerance))
			moved += level_group(division, g, record);
	}
	return moved;
}

/* Its share of each group goes to those that are still open. */
static void come_in(struct division *division, uint32_t item)
{
	uint32_t i, g;

	division->n_in++;
	division->spent += division->cover->cost[item];
	division->taken += division->cover->size ? division->cover->size[item] : 0;
	division->gained += scaled_up(division, division->cover->gain[item]);
	for (i = division->at[item]; i < division->at[item + 1]; i++) {
		g = division->group_of[division->place[i]];
		division->open[g]--;
		if (division->lost[g])
			continue;
		if (division->open[g])
			level_group(division, g, true);
		else
			division->gained += division->gain[g];
	}
}

static void go_out(struct division *division, uint32_t item)
{
	uint32_t i, g;

	division->reach -= scaled_up(division, division->cover->gain[item]);
	for (i = division->at[item]; i < division->at[item + 1]; i++) {
		g = division->group_of[division->place[i]];
		division->open[g]--;
		if (!division->lost[g]++)
			count_group(division, g, -1);
	}
}

static void come_back_from_in(struct division *division, uint32_t item)
{
	uint32_t i, g;

	division->n_in--;
	division->spent -= division->cover->cost[item];
	division->taken -= division->cover->size ? division->cover->size[item] : 0;
	division->gained -= scaled_up(division, division->cover->gain[item]);
	for (i = division->at[item]; i < division->at[item + 1]; i++) {
		g = division->group_of[division->place[i]];
		if (!division->open[g]++ && !division->lost[g])
			division->gained -= division->gain[g];
	}
}

static void come_back_from_out(struct division *division, uint32_t item)
{
	uint32_t i, g;

	division->reach += scaled_up(division, division->cover->gain[item]);
	for (i = division->at[item]; i < division->at[item + 1]; i++) {
		g = division->group_of[division->place[i]];
		division->open[g]++;
		if (!--division->lost[g])
			count_group(division, g, 1);
	}
}

void division_set(struct division *division, uint32_t item, enum division_state state)
{
	division->state[item] = state;
	division->n_open--;
	if (state == ITEM_IN)
		come_in(division, item);
	else
		go_out(division, item);
	division->work += division->at[item + 1] - division->at[item] + 1;
	remember(division, (struct division_change){ item, 0, 0 });
}

size_t division_mark(const struct division *division)
{
	return division->n_trail;
}

void division_undo(struct division *division, size_t mark)
{
	while (division->n_trail > mark) {
		struct division_change *change = &division->trail[--division->n_trail];

		if (change->item == UINT32_MAX) {
			set_share(division, change->place, change->share, false);
			continue;
		}
		division->n_open++;
		if (division->state[change->item] == ITEM_IN)
			come_back_from_in(division, change->item);
		else
			come_back_from_out(division, change->item);
		division->state[change->item] = ITEM_OPEN;
	}
}
