// SPDX-License-Identifier: GPL-2.0
#include "policy/exchange.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

/* splitmix64 (Steele, Lea, Flood 2014): the same attempts in every run. */
static uint64_t draw(struct exchange *exchange)
{
	uint64_t z = exchange->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* The group's share in what its members add, lose and promise; sign -1 takes it away. */
static void count_group(struct exchange *exchange, uint32_t group, int sign)
{
	const struct division *division = exchange->division;
	uint32_t missing = exchange->missing[group], i;
	int64_t gain = sign * division->gain[group];
	double each;

	if (!missing) {
		for (i = division->first[group]; i < division->first[group + 1]; i++)
			exchange->loses[division->member[i]] += gain;
		exchange->gained += gain;
		exchange->work += division->first[group + 1] - division->first[group];
		return;
	}
	if (missing == 1) {
		exchange->adds[exchange->last[group]] += gain;
		exchange->promise[exchange->last[group]] += (double)gain;
		return;
	}
	each = (double)gain / missing;
	for (i = division->first[group]; i < division->first[group + 1]; i++) {
		if (!exchange->in[division->member[i]])
			exchange->promise[division->member[i]] += each;
	}
	exchange->work += division->first[group + 1] - division->first[group];
}

static int64_t own_gain(const struct exchange *exchange, uint32_t item)
{
	const struct division *division = exchange->division;
	uint32_t i;
	int64_t gain = division->stake[item];

	for (i = division->at[item]; i < division->at[item + 1]; i++)
		gain -= division->gain[division->group_of[division->place[i]]];
	return gain;
}

static void count_item(struct exchange *exchange, uint32_t item, int sign)
{
	const struct cover *cover = exchange->division->cover;

	exchange->count += (uint32_t)sign;
	exchange->cost += (wide)sign * cover->cost[item];
	exchange->taken += cover->size ? (wide)sign * cover->size[item] : 0;
}

static void toggle(struct exchange *exchange, uint32_t item)
{
	const struct division *division = exchange->division;
	bool in = exchange->in[item];
	uint32_t i, g;
	int64_t own;

	for (i = division->at[item]; i < division->at[item + 1]; i++) {
		g = division->group_of[division->place[i]];
		count_group(exchange, g, -1);
		exchange->missing[g] += in ? 1 : -1;
		exchange->last[g] ^= item;
	}
	/* What is left is what no group had part in. */
	own = in ? exchange->loses[item] : exchange->adds[item];
	exchange->gained += in ? -own : own;
	exchange->loses[item] = in ? 0 : own;
	exchange->adds[item] = in ? own : 0;
	exchange->promise[item] = in ? (double)own : 0;
	exchange->in[item] = !in;
	count_item(exchange, item, in ? -1 : 1);
	for (i = division->at[item]; i < division->at[item + 1]; i++)
		count_group(exchange, division->group_of[division->place[i]], 1);
	exchange->work += division->at[item + 1] - division->at[item] + 1;
}

/* Toggles, so that it can be taken back. The list is long enough for two per item. */
static void change(struct exchange *exchange, uint32_t item)
{
	toggle(exchange, item);
	if (exchange->n_undo < exchange->undo_room)
		exchange->undo[exchange->n_undo++] = item;
}

static void take_back(struct exchange *exchange)
{
	while (exchange->n_undo)
		toggle(exchange, exchange->undo[--exchange->n_undo]);
}

bool exchange_covers(const struct exchange *exchange)
{
	const struct cover *cover = exchange->division->cover;

	return exchange->gained >= exchange->division->need &&
	       exchange->count <= cover->max_items &&
	       !(cover->size && exchange->taken > cover->room);
}

static bool may_come(const struct exchange *exchange, uint32_t item)
{
	const struct cover *cover = exchange->division->cover;

	return !exchange->in[item] && !exchange->barred[item] &&
	       !(cover->size && exchange->taken + cover->size[item] > cover->room);
}

/* The dearest item that is not needed, or UINT32_MAX. */
static uint32_t dearest_needless(const struct exchange *exchange)
{
	const struct division *division = exchange->division;
	int64_t excess = exchange->gained - division->need;
	uint32_t best = UINT32_MAX, i;

	for (i = 0; i < division->cover->items; i++) {
		if (exchange->in[i] && exchange->loses[i] <= excess &&
		    (best == UINT32_MAX || division->cover->cost[i] > division->cover->cost[best]))
			best = i;
	}
	return best;
}

static void drop_needless(struct exchange *exchange)
{
	uint32_t item;

	while (exchange->gained >= exchange->division->need &&
	       (item = dearest_needless(exchange)) != UINT32_MAX)
		change(exchange, item);
}

/* The cheapest item that alone fills what is missing, or UINT32_MAX. */
static uint32_t cheapest_enough(const struct exchange *exchange)
{
	const struct division *division = exchange->division;
	int64_t missing = division->need - exchange->gained;
	uint32_t best = UINT32_MAX, i;

	for (i = 0; i < division->cover->items; i++) {
		if (may_come(exchange, i) && exchange->adds[i] >= missing &&
		    (best == UINT32_MAX || division->cover->cost[i] < division->cover->cost[best]))
			best = i;
	}
	return best;
}

/* The item that promises most for its cost, or for itself if few may come in. */
static uint32_t most_promising(struct exchange *exchange, double noise)
{
	const struct division *division = exchange->division;
	uint32_t best = UINT32_MAX, i;
	double best_score = -1, score;

	for (i = 0; i < division->cover->items; i++) {
		if (!may_come(exchange, i))
			continue;
		score = exchange->marginal ? (double)exchange->adds[i] : exchange->promise[i];
		if (!exchange->scarce)
			score /= division->weight[i];
		if (noise > 0)
			score *= 1 + noise * (double)(draw(exchange) >> 11) * 0x1p-53;
		if (score > best_score) {
			best_score = score;
			best = i;
		}
	}
	return best;
}

/* Puts items in until the need is met; false if that costs far more than the limit (0: none). */
static bool repair(struct exchange *exchange, wide limit, double noise)
{
	const struct division *division = exchange->division;
	uint32_t item, enough;

	while (exchange->gained < division->need) {
		if (exchange->count >= division->cover->max_items ||
		    (limit && exchange->cost / 2 > limit))
			return false;
		enough = cheapest_enough(exchange);
		item = most_promising(exchange, noise);
		if (enough != UINT32_MAX &&
		    (exchange->cost + division->cover->cost[enough] <= limit ||
		     division->cover->cost[enough] <= division->cover->cost[item]))
			item = enough;
		exchange->work += division->cover->items;
		if (item == UINT32_MAX)
			return false;
		change(exchange, item);
	}
	return true;
}

/* An item that is in, rather one that loses little for its cost. */
static uint32_t pick_to_remove(struct exchange *exchange)
{
	const struct division *division = exchange->division;
	uint32_t best = UINT32_MAX, i, n = 0, tries;
	double best_score = 1e300, score;

	for (i = 0; i < division->cover->items; i++) {
		if (exchange->in[i])
			exchange->list[n++] = i;
	}
	for (tries = 0; n && tries < 3; tries++) {
		i = exchange->list[draw(exchange) % n];
		score = (double)exchange->loses[i] / division->weight[i];
		if (score < best_score) {
			best_score = score;
			best = i;
		}
	}
	exchange->work += division->cover->items;
	return best;
}

bool exchange_try(struct exchange *exchange)
{
	const struct division *division = exchange->division;
	wide before = exchange->cost;
	uint32_t removed[8], n, i;
	uint64_t coin = draw(exchange);
	bool good;

	n = 1 + (uint32_t)(coin % 4);
	exchange->scarce = division->cover->max_items < division->cover->items && coin & 4096;
	if (n > exchange->count)
		n = exchange->count;
	for (i = 0; i < n; i++) {
		removed[i] = pick_to_remove(exchange);
		exchange->barred[removed[i]] = coin >> (8 + i) & 1;
		change(exchange, removed[i]);
	}
	good = repair(exchange, before, coin & 128 ? 0.3 : 0);
	if (good)
		drop_needless(exchange);
	for (i = 0; i < n; i++)
		exchange->barred[removed[i]] = false;
	if (!good || exchange->cost > before || !exchange_covers(exchange))
		take_back(exchange);
	exchange->n_undo = 0;
	return exchange->cost < before;
}

/* Lowest ratio of part to cost first. */
static int compare_ratio(const void *a, const void *b, void *data)
{
	const double *ratio = data;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	if (ratio[left] != ratio[right])
		return ratio[left] < ratio[right] ? -1 : 1;
	return left < right ? -1 : left > right;
}

void exchange_shrink(struct exchange *exchange)
{
	const struct division *division = exchange->division;
	uint32_t items = division->cover->items, i;

	for (i = 0; i < items; i++) {
		exchange->list[i] = i;
		if (!exchange->in[i])
			toggle(exchange, i);
	}
	qsort_r(exchange->list, items, sizeof(*exchange->list), compare_ratio, division->ratio);
	for (i = 0; i < items; i++) {
		if (exchange->loses[exchange->list[i]] <= exchange->gained - division->need)
			toggle(exchange, exchange->list[i]);
	}
}

bool exchange_grow(struct exchange *exchange, uint32_t item)
{
	bool good;

	exchange_set(exchange, NULL);
	toggle(exchange, item);
	good = repair(exchange, 0, 0);
	if (good)
		drop_needless(exchange);
	exchange->n_undo = 0;
	return good && exchange_covers(exchange);
}

bool exchange_greedy(struct exchange *exchange)
{
	bool good;

	exchange_set(exchange, NULL);
	exchange->marginal = true;
	good = repair(exchange, 0, 0);
	exchange->marginal = false;
	if (good)
		drop_needless(exchange);
	exchange->n_undo = 0;
	return good && exchange_covers(exchange);
}

void exchange_set(struct exchange *exchange, const bool *in)
{
	uint32_t i;

	for (i = 0; i < exchange->division->cover->items; i++) {
		if (exchange->in[i] != (in && in[i]))
			toggle(exchange, i);
	}
	exchange->n_undo = 0;
}

void exchange_drop(struct exchange *exchange)
{
	drop_needless(exchange);
	exchange->n_undo = 0;
}

static void begin(struct exchange *exchange)
{
	const struct division *division = exchange->division;
	uint32_t items = division->cover->items, i, g;

	for (i = 0; i < items; i++) {
		exchange->adds[i] = own_gain(exchange, i);
		exchange->promise[i] = (double)exchange->adds[i];
	}
	for (g = 0; g < division->n_groups; g++) {
		exchange->missing[g] = division->first[g + 1] - division->first[g];
		for (i = division->first[g]; i < division->first[g + 1]; i++)
			exchange->last[g] ^= division->member[i];
		count_group(exchange, g, 1);
	}
}

int exchange_init(struct exchange *exchange, const struct division *division)
{
	size_t items = division->cover->items + 1, groups = division->n_groups + 1;

	*exchange = (struct exchange){
		.division = division,
		.in = calloc(items, sizeof(*exchange->in)),
		.barred = calloc(items, sizeof(*exchange->barred)),
		.missing = calloc(groups, sizeof(*exchange->missing)),
		.last = calloc(groups, sizeof(*exchange->last)),
		.adds = calloc(items, sizeof(*exchange->adds)),
		.loses = calloc(items, sizeof(*exchange->loses)),
		.promise = calloc(items, sizeof(*exchange->promise)),
		.list = calloc(items, sizeof(*exchange->list)),
		.undo = calloc(3 * items, sizeof(*exchange->undo)),
		.undo_room = 3 * items,
	};
	if (!exchange->in || !exchange->barred || !exchange->missing || !exchange->last ||
	    !exchange->adds || !exchange->loses || !exchange->promise || !exchange->list ||
	    !exchange->undo)
		return -1;
	begin(exchange);
	return 0;
}

void exchange_free(struct exchange *exchange)
{
	free(exchange->in);
	free(exchange->barred);
	free(exchange->missing);
	free(exchange->last);
	free(exchange->adds);
	free(exchange->loses);
	free(exchange->promise);
	free(exchange->list);
	free(exchange->undo);
}
