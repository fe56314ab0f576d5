// SPDX-License-Identifier: GPL-2.0
/*
 * Divide and conquer. Between two corners lies the line from one to the other;
 * at its price a division of the gains either leaves no item above its cost, so
 * that nothing lies below the line, or shows the corner farthest below it: the
 * items from which no share can flow to one that is below its cost (Picard 1976
 * for the closure as a flow, Fujishige 1980 for why corners are nested). Shares and
 * costs are multiplied by the other side's difference, so all numbers are whole.
 */
#include "policy/hull.h"

#include <stdlib.h>
#include <string.h>

#include "policy/division.h"
#include "policy/reduce.h"

typedef __int128 wide;

#define LEVEL_ROUNDS 30u
#define COST_BITS 70			/* all costs together; gains have 52 at most */
#define NOWHERE UINT32_MAX		/* no share gets from here to an item below its cost */

/* Items that are between two corners, and the groups that come with them. */
struct piece {
	uint32_t low, high;		/* places in the order */
	uint32_t group_low, group_high;
};

struct finder {
	const struct cover *cover;
	struct division division;
	struct hull *hull;
	uint32_t base, end;		/* items before are free, from here on useless */
	uint32_t *position;		/* per item, in the order */
	uint32_t *groups;		/* in an order of their own */
	uint32_t *group_position;
	bool *corner;			/* per place of the order: one ends before it */
	wide *flow;			/* per place of the division: a share, multiplied */
	wide *surplus;			/* per item: above its cost */
	uint32_t *distance;		/* per item: to the nearest one below its cost */
	uint32_t *queue;
	bool *seen;			/* per group */
	struct piece *pieces;
	size_t n_pieces;
	uint64_t limit;
};

static uint32_t items_of(const struct finder *finder)
{
	return finder->cover->items;
}

static bool is_open(const struct finder *finder, const struct piece *piece, uint32_t item)
{
	return finder->position[item] >= piece->low && finder->position[item] < piece->high;
}

static bool has_group(const struct finder *finder, const struct piece *piece, uint32_t group)
{
	return finder->group_position[group] >= piece->group_low &&
	       finder->group_position[group] < piece->group_high;
}

/* The line's price: gain_step for cost_step. */
static void measure(const struct finder *finder, const struct piece *piece, wide *gain_step,
		    wide *cost_step)
{
	const struct cover *cover = finder->cover;
	uint32_t i;

	*gain_step = *cost_step = 0;
	for (i = piece->low; i < piece->high; i++) {
		*gain_step += cover->gain[finder->hull->order[i]];
		*cost_step += cover->cost[finder->hull->order[i]];
	}
	for (i = piece->group_low; i < piece->group_high; i++)
		*gain_step += finder->division.gain[finder->groups[i]];
}

static void multiply(struct finder *finder, const struct piece *piece, wide gain_step,
		     wide cost_step)
{
	const struct division *division = &finder->division;
	uint32_t i, j;

	for (i = piece->low; i < piece->high; i++) {
		uint32_t item = finder->hull->order[i];

		finder->surplus[item] = (wide)finder->cover->gain[item] * cost_step -
					(wide)finder->cover->cost[item] * gain_step;
	}
	for (i = piece->group_low; i < piece->group_high; i++) {
		uint32_t group = finder->groups[i];

		for (j = division->first[group]; j < division->first[group + 1]; j++) {
			if (!is_open(finder, piece, division->member[j]))
				continue;
			finder->flow[j] = division->share[j] * cost_step;
			finder->surplus[division->member[j]] += finder->flow[j];
		}
		finder->division.work += j - division->first[group];
	}
}

/* All that can give to the item by way of the group, if they are not known yet. */
static uint32_t reach_givers(struct finder *finder, const struct piece *piece, uint32_t group,
			     uint32_t distance, uint32_t tail)
{
	const struct division *division = &finder->division;
	uint32_t i;

	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		uint32_t item = division->member[i];

		if (!is_open(finder, piece, item) || finder->distance[item] != NOWHERE ||
		    !finder->flow[i])
			continue;
		finder->distance[item] = distance;
		finder->queue[tail++] = item;
	}
	finder->division.work += division->first[group + 1] - division->first[group];
	return tail;
}

/* Breadth-first, backwards from the items below their cost; returns how many are reached. */
static uint32_t find_distances(struct finder *finder, const struct piece *piece)
{
	const struct division *division = &finder->division;
	uint32_t tail = 0, head, i;

	for (i = piece->group_low; i < piece->group_high; i++)
		finder->seen[finder->groups[i]] = false;
	for (i = piece->low; i < piece->high; i++) {
		uint32_t item = finder->hull->order[i];

		finder->distance[item] = finder->surplus[item] < 0 ? 0 : NOWHERE;
		if (!finder->distance[item])
			finder->queue[tail++] = item;
	}
	for (head = 0; head < tail; head++) {
		uint32_t item = finder->queue[head];

		for (i = division->at[item]; i < division->at[item + 1]; i++) {
			uint32_t group = division->group_of[division->place[i]];

			if (!has_group(finder, piece, group) || finder->seen[group])
				continue;
			finder->seen[group] = true;
			tail = reach_givers(finder, piece, group, finder->distance[item] + 1,
					    tail);
		}
	}
	return tail;
}

/* Gives the item's surplus away by its share of a group, one step nearer. */
static void give(struct finder *finder, const struct piece *piece, uint32_t item, uint32_t place)
{
	const struct division *division = &finder->division;
	uint32_t group = division->group_of[place], i;

	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		uint32_t other = division->member[i];
		wide amount = finder->surplus[item];

		if (amount <= 0 || !finder->flow[place])
			break;
		if (!is_open(finder, piece, other) ||
		    finder->distance[other] + 1 != finder->distance[item])
			continue;
		if (amount > finder->flow[place])
			amount = finder->flow[place];
		if (!finder->distance[other] && amount > -finder->surplus[other])
			amount = finder->surplus[other] < 0 ? -finder->surplus[other] : 0;
		finder->flow[place] -= amount;
		finder->flow[i] += amount;
		finder->surplus[item] -= amount;
		finder->surplus[other] += amount;
	}
	finder->division.work += i - division->first[group];
}

/* The farthest items first, so that what they give is given on in the same round. */
static bool push(struct finder *finder, const struct piece *piece, uint32_t reached)
{
	const struct division *division = &finder->division;
	bool any = false;
	uint32_t i;

	while (reached--) {
		uint32_t item = finder->queue[reached];

		if (!finder->distance[item] || finder->surplus[item] <= 0)
			continue;
		any = true;
		for (i = division->at[item]; i < division->at[item + 1]; i++) {
			uint32_t place = division->place[i];

			if (finder->surplus[item] <= 0)
				break;
			if (has_group(finder, piece, division->group_of[place]))
				give(finder, piece, item, place);
		}
		finder->division.work += i - division->at[item];
	}
	return any;
}

/* Until no item above its cost can give to one below; false if the work ran out. */
static bool settle(struct finder *finder, const struct piece *piece)
{
	while (push(finder, piece, find_distances(finder, piece))) {
		if (finder->division.work >= finder->limit)
			return false;
	}
	return true;
}

/* Back to shares, each rounded down; the rest of a group to one that has a share. */
static void divide_back(struct finder *finder, const struct piece *piece, wide cost_step)
{
	struct division *division = &finder->division;
	uint32_t i, j;

	for (i = piece->group_low; i < piece->group_high; i++) {
		uint32_t group = finder->groups[i], most = division->first[group];
		int64_t rest = division->gain[group];

		for (j = division->first[group]; j < division->first[group + 1]; j++) {
			bool open = is_open(finder, piece, division->member[j]);

			division->share[j] = open ? (int64_t)(finder->flow[j] / cost_step) : 0;
			rest -= division->share[j];
			if (open && (!is_open(finder, piece, division->member[most]) ||
				     finder->flow[j] > finder->flow[most]))
				most = j;
		}
		division->share[most] += rest;
	}
}

static void swap_items(struct finder *finder, uint32_t a, uint32_t b)
{
	uint32_t *order = finder->hull->order, item = order[a];

	order[a] = order[b];
	order[b] = item;
	finder->position[order[a]] = a;
	finder->position[order[b]] = b;
}

static void swap_groups(struct finder *finder, uint32_t a, uint32_t b)
{
	uint32_t group = finder->groups[a];

	finder->groups[a] = finder->groups[b];
	finder->groups[b] = group;
	finder->group_position[finder->groups[a]] = a;
	finder->group_position[finder->groups[b]] = b;
}

static bool is_before(const struct finder *finder, uint32_t group, uint32_t middle)
{
	const struct division *division = &finder->division;
	uint32_t i;

	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		if (finder->position[division->member[i]] >= middle)
			return false;
	}
	return true;
}

/* The items that can give to none below its cost are the new corner's. */
static void split(struct finder *finder, const struct piece *piece)
{
	uint32_t middle = piece->low, group_middle = piece->group_low, i;

	for (i = piece->low; i < piece->high; i++) {
		if (finder->distance[finder->hull->order[i]] == NOWHERE)
			swap_items(finder, i, middle++);
	}
	for (i = piece->group_low; i < piece->group_high; i++) {
		if (is_before(finder, finder->groups[i], middle))
			swap_groups(finder, i, group_middle++);
	}
	finder->corner[middle] = true;
	finder->pieces[finder->n_pieces++] =
		(struct piece){ piece->low, middle, piece->group_low, group_middle };
	finder->pieces[finder->n_pieces++] =
		(struct piece){ middle, piece->high, group_middle, piece->group_high };
}

/* Is there an item above its cost that gives to none below? Then so is a corner. */
static bool has_corner(const struct finder *finder, const struct piece *piece)
{
	uint32_t i;

	for (i = piece->low; i < piece->high; i++) {
		if (finder->surplus[finder->hull->order[i]] > 0)
			return true;
	}
	return false;
}

/* False if the work ran out before all pieces were looked at. */
static bool find_corners(struct finder *finder)
{
	size_t next;

	for (next = 0; next < finder->n_pieces; next++) {
		struct piece piece = finder->pieces[next];
		wide gain_step, cost_step;

		if (piece.high - piece.low < 2)
			continue;
		measure(finder, &piece, &gain_step, &cost_step);
		multiply(finder, &piece, gain_step, cost_step);
		if (!settle(finder, &piece))
			return false;
		if (!has_corner(finder, &piece))
			continue;
		divide_back(finder, &piece, cost_step);
		split(finder, &piece);
	}
	return true;
}

/* Free items are in every corner, useless ones in none. */
static void order_items(struct finder *finder)
{
	const struct division *division = &finder->division;
	uint32_t i;

	finder->end = items_of(finder);
	for (i = 0; i < items_of(finder); i++)
		finder->hull->order[i] = finder->position[i] = i;
	for (i = 0; i < finder->end;) {
		uint32_t item = finder->hull->order[i];

		if (!division->stake[item])
			swap_items(finder, i, --finder->end);
		else if (!finder->cover->cost[item])
			swap_items(finder, i++, finder->base++);
		else
			i++;
	}
}

/* Groups of free items alone come first, and are in no piece. */
static uint32_t order_groups(struct finder *finder)
{
	uint32_t first = 0, i;

	for (i = 0; i < finder->division.n_groups; i++)
		finder->groups[i] = finder->group_position[i] = i;
	for (i = 0; i < finder->division.n_groups; i++) {
		if (is_before(finder, finder->groups[i], finder->base))
			swap_groups(finder, i, first++);
	}
	return first;
}

static void begin(struct finder *finder)
{
	struct division *division = &finder->division;
	uint32_t i, first;

	order_items(finder);
	first = order_groups(finder);
	for (i = 0; i < finder->base; i++)
		division_set(division, finder->hull->order[i], ITEM_IN);
	for (i = 0; i < LEVEL_ROUNDS && division->work < finder->limit / 4; i++) {
		if (!division_level(division, 0, false))
			break;
	}
	finder->corner[finder->base] = true;
	finder->corner[finder->end] = true;
	finder->pieces[finder->n_pieces++] =
		(struct piece){ finder->base, finder->end, first, division->n_groups };
}

/* Adds up what the items of the order gain and cost from corner to corner. */
static void list_corners(struct finder *finder)
{
	const struct division *division = &finder->division;
	struct hull *hull = finder->hull;
	uint32_t *missing = finder->queue, i, j;
	struct hull_corner sum = {};

	for (i = 0; i < division->n_groups; i++)
		missing[i] = division->first[i + 1] - division->first[i];
	for (i = 0; i <= finder->end; i++) {
		sum.items = i;
		if (finder->corner[i] && sum.gain)
			hull->corners[hull->count++] = sum;
		if (i == finder->end)
			break;
		sum.gain += finder->cover->gain[hull->order[i]];
		sum.cost += finder->cover->cost[hull->order[i]];
		for (j = division->at[hull->order[i]]; j < division->at[hull->order[i] + 1]; j++) {
			uint32_t group = division->group_of[division->place[j]];

			if (!--missing[group])
				sum.gain += (uint64_t)division->gain[group];
		}
	}
}

static bool are_numbers_small(const struct finder *finder)
{
	unsigned __int128 cost = 0;
	uint32_t i;

	for (i = 0; i < items_of(finder); i++)
		cost += finder->cover->cost[i];
	return !finder->division.shift && cost >> COST_BITS == 0;
}

static int allocate(struct finder *finder)
{
	size_t items = (size_t)items_of(finder) + 2, groups = finder->cover->n_groups + 1;
	size_t places = finder->division.first[finder->division.n_groups] + (size_t)1;

	finder->position = calloc(items, sizeof(*finder->position));
	finder->groups = calloc(groups, sizeof(*finder->groups));
	finder->group_position = calloc(groups, sizeof(*finder->group_position));
	finder->corner = calloc(items, sizeof(*finder->corner));
	finder->flow = calloc(places, sizeof(*finder->flow));
	finder->surplus = calloc(items, sizeof(*finder->surplus));
	finder->distance = calloc(items, sizeof(*finder->distance));
	finder->queue = calloc(items + groups, sizeof(*finder->queue));
	finder->seen = calloc(groups, sizeof(*finder->seen));
	finder->pieces = calloc(2 * items, sizeof(*finder->pieces));
	finder->hull->order = calloc(items, sizeof(*finder->hull->order));
	finder->hull->corners = calloc(items, sizeof(*finder->hull->corners));
	return finder->position && finder->groups && finder->group_position && finder->corner &&
	       finder->flow && finder->surplus && finder->distance && finder->queue &&
	       finder->seen && finder->pieces && finder->hull->order &&
	       finder->hull->corners ? 0 : -1;
}

static void release(struct finder *finder)
{
	division_free(&finder->division);
	free(finder->position);
	free(finder->groups);
	free(finder->group_position);
	free(finder->corner);
	free(finder->flow);
	free(finder->surplus);
	free(finder->distance);
	free(finder->queue);
	free(finder->seen);
	free(finder->pieces);
}

int hull_find(struct cover *cover, uint64_t work, struct hull *hull)
{
	struct finder finder = { .cover = cover, .hull = hull, .limit = work };
	int ret;

	*hull = (struct hull){};
	cover_reduce(cover);
	ret = division_init(&finder.division, cover);
	if (!ret)
		ret = allocate(&finder);
	if (!ret && are_numbers_small(&finder)) {
		begin(&finder);
		hull->complete = find_corners(&finder);
		list_corners(&finder);
	}
	if (finder.division.no_memory)
		ret = -1;
	release(&finder);
	return ret;
}

void hull_free(struct hull *hull)
{
	free(hull->order);
	free(hull->corners);
	*hull = (struct hull){};
}
