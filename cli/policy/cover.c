// SPDX-License-Identifier: GPL-2.0
/*
 * Branch and bound. An item is in, out or open. The bound at a node divides the
 * gain of every group that can still come among its open items, in proportion
 * to their costs: a set then gains at most the sum of its items' parts, and the
 * least cost of covering what is still needed with divisible items (best ratio
 * first) is below that of any set. All numbers are integers, rounded to the
 * safe side, so that a proof is one.
 */
#include "policy/cover.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"

typedef unsigned __int128 wide;

enum state { OPEN, IN, OUT };

struct search {
	struct cover *cover;
	enum state *state;
	uint64_t *part;			/* of the items at this node */
	size_t *order;			/* open items, best ratio first */
	size_t open;
	size_t n_in;
	uint64_t gained;		/* by the items that are in */
	uint64_t spent;
	uint64_t unexplored;		/* least bound of what the limit cut off */
};

/* What a group has left at a node. */
struct rest {
	bool lost;			/* one of its items is out */
	size_t open;
	uint64_t cost;			/* of the open items */
};

static struct rest group_rest(const struct search *search, const struct cover_group *group)
{
	const size_t *member = search->cover->members + group->first;
	struct rest rest = {};
	size_t i;

	for (i = 0; i < group->count; i++) {
		switch (search->state[member[i]]) {
		case OUT:
			rest.lost = true;
			return rest;
		case OPEN:
			rest.open++;
			rest.cost = add_saturating(rest.cost, search->cover->cost[member[i]]);
			break;
		case IN:
			break;
		}
	}
	return rest;
}

/* Rounded up, so that the parts are never less than the whole. */
static uint64_t part_of(uint64_t gain, uint64_t cost, const struct rest *rest)
{
	wide numerator = rest->cost ? (wide)gain * cost : gain;
	wide denominator = rest->cost ? rest->cost : rest->open;

	return (uint64_t)((numerator + denominator - 1) / denominator);
}

static void divide_group(struct search *search, const struct cover_group *group)
{
	const struct cover *cover = search->cover;
	struct rest rest = group_rest(search, group);
	size_t i, item;

	if (rest.lost)
		return;
	if (!rest.open) {
		search->gained = add_saturating(search->gained, group->gain);
		return;
	}
	for (i = 0; i < group->count; i++) {
		item = cover->members[group->first + i];
		if (search->state[item] == OPEN)
			search->part[item] = add_saturating(search->part[item],
							    part_of(group->gain, cover->cost[item],
								    &rest));
	}
}

/* Everything about a node, from the states alone. */
static void look_at_node(struct search *search)
{
	const struct cover *cover = search->cover;
	size_t i;

	search->gained = 0;
	search->spent = 0;
	search->open = 0;
	search->n_in = 0;
	for (i = 0; i < cover->items; i++) {
		search->part[i] = cover->gain[i];
		if (search->state[i] == OPEN)
			search->order[search->open++] = i;
		if (search->state[i] != IN)
			continue;
		search->n_in++;
		search->gained = add_saturating(search->gained, cover->gain[i]);
		search->spent = add_saturating(search->spent, cover->cost[i]);
	}
	for (i = 0; i < cover->n_groups; i++)
		divide_group(search, &cover->groups[i]);
}

/* More gain per cost first; then the lower index, so that a run can be repeated. */
static int compare_ratio(const void *a, const void *b, void *data)
{
	const struct search *search = data;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	wide l = (wide)search->part[left] * search->cover->cost[right];
	wide r = (wide)search->part[right] * search->cover->cost[left];

	if (l != r)
		return l > r ? -1 : 1;
	if (search->part[left] != search->part[right])
		return search->part[left] > search->part[right] ? -1 : 1;
	return left < right ? -1 : left > right;
}

static int compare_part(const void *a, const void *b, void *data)
{
	const struct search *search = data;
	uint64_t left = search->part[*(const size_t *)a], right = search->part[*(const size_t *)b];

	return left > right ? -1 : left < right;
}

/* Can so few more items be enough? */
static bool few_are_enough(struct search *search)
{
	const struct cover *cover = search->cover;
	uint64_t reach = search->gained;
	size_t i;

	if (cover->max_items - search->n_in >= search->open)
		return true;
	qsort_r(search->order, search->open, sizeof(*search->order), compare_part, search);
	for (i = 0; i < cover->max_items - search->n_in; i++)
		reach = add_saturating(reach, search->part[search->order[i]]);
	return reach >= cover->need;
}

/* The least that a set at or below this node can cost; UINT64_MAX: none is enough. */
static uint64_t bound(struct search *search)
{
	const struct cover *cover = search->cover;
	uint64_t missing = cover->need - search->gained, cost = search->spent;
	size_t i;

	if (!few_are_enough(search))
		return UINT64_MAX;
	qsort_r(search->order, search->open, sizeof(*search->order), compare_ratio, search);
	for (i = 0; i < search->open; i++) {
		size_t item = search->order[i];
		uint64_t part = search->part[item];

		if (part >= missing)
			return add_saturating(cost, (uint64_t)(((wide)cover->cost[item] * missing +
								part - 1) / part));
		missing -= part;
		cost = add_saturating(cost, cover->cost[item]);
	}
	return UINT64_MAX;
}

static void keep_best(struct search *search)
{
	struct cover *cover = search->cover;
	size_t i;

	if (cover->found && search->spent >= cover->best_cost)
		return;
	cover->found = true;
	cover->best_cost = search->spent;
	for (i = 0; i < cover->items; i++)
		cover->best[i] = search->state[i] == IN;
}

static void cut_off(struct search *search, uint64_t least)
{
	if (least < search->unexplored)
		search->unexplored = least;
}

/* least is what the node above has proved. */
static void visit(struct search *search, uint64_t least)
{
	struct cover *cover = search->cover;
	size_t item;

	if (cover->visited >= cover->nodes) {
		cut_off(search, least);
		return;
	}
	cover->visited++;
	look_at_node(search);
	if (search->gained >= cover->need) {
		keep_best(search);
		return;
	}
	if (!search->open || search->n_in >= cover->max_items)
		return;
	least = bound(search);
	if (least == UINT64_MAX || (cover->found && least >= cover->best_cost))
		return;
	item = search->order[0];
	search->state[item] = IN;
	visit(search, least);
	search->state[item] = OUT;
	visit(search, least);
	search->state[item] = OPEN;
}

/* Is the need still met, within the number, without this item? */
static bool can_drop(struct search *search, size_t item)
{
	bool enough;

	search->state[item] = OUT;
	look_at_node(search);
	enough = search->gained >= search->cover->need;
	search->state[item] = IN;
	return enough;
}

/*
 * A first answer to prune with: all items, from which the dearest for what it
 * brings is taken away as long as the rest is enough.
 */
static void shrink(struct search *search)
{
	const struct cover *cover = search->cover;
	size_t i, last;

	for (i = 0; i < cover->items; i++)
		search->state[i] = OPEN;
	look_at_node(search);
	qsort_r(search->order, search->open, sizeof(*search->order), compare_ratio, search);
	last = search->open;
	for (i = 0; i < cover->items; i++)
		search->state[i] = IN;
	while (last--) {
		size_t item = search->order[last];

		if (can_drop(search, item))
			search->state[item] = OUT;
	}
	look_at_node(search);
	if (search->gained >= cover->need && search->n_in <= cover->max_items)
		keep_best(search);
	memset(search->state, 0, cover->items * sizeof(*search->state));
}

/* Items that cost nothing may be in the best set without being needed. */
static void tidy(struct search *search)
{
	struct cover *cover = search->cover;
	size_t i;

	if (!cover->found)
		return;
	for (i = 0; i < cover->items; i++)
		search->state[i] = cover->best[i] ? IN : OUT;
	for (i = 0; i < cover->items; i++) {
		if (cover->best[i] && can_drop(search, i))
			search->state[i] = OUT;
	}
	look_at_node(search);
	cover->best_cost = search->spent;
	for (i = 0; i < cover->items; i++)
		cover->best[i] = search->state[i] == IN;
}

static int allocate(struct search *search, size_t items)
{
	search->state = calloc(items + 1, sizeof(*search->state));
	search->part = calloc(items + 1, sizeof(*search->part));
	search->order = calloc(items + 1, sizeof(*search->order));
	return search->state && search->part && search->order ? 0 : -1;
}

int cover_solve(struct cover *cover)
{
	struct search search = { .cover = cover, .unexplored = UINT64_MAX };
	int ret = allocate(&search, cover->items);

	cover->found = false;
	cover->best_cost = UINT64_MAX;
	cover->visited = 0;
	if (!ret) {
		shrink(&search);
		visit(&search, 0);
		tidy(&search);
		cover->lower_bound = search.unexplored < cover->best_cost ? search.unexplored :
									    cover->best_cost;
	}
	free(search.state);
	free(search.part);
	free(search.order);
	return ret;
}
