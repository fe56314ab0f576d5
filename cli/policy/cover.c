// SPDX-License-Identifier: GPL-2.0
/*
 * From the problem to the answer: reduce it, divide and level the gains of its
 * groups for a bound, improve covers in small and in larger steps, search for
 * the proof.
 */
#include "policy/cover.h"

#include <stdlib.h>
#include <string.h>

#include "policy/exchange.h"
#include "policy/reduce.h"
#include "policy/search.h"
#include "policy/threshold.h"

typedef unsigned __int128 wide;

#define LEVEL_ROUNDS 100u
#define LEVEL_GAIN 1e-5			/* relative gain of the bound that is worth a round */
#define SEEDS 24u			/* covers to grow */
#define MANY 200u			/* items; of fewer the search soon proves the answer */
#define PREPARATION 60u			/* work per member for reducing and indexing, roughly */

struct solver {
	struct cover *cover;
	struct division division;
	struct search search;
	struct exchange exchange;
	struct threshold threshold;
	uint32_t *twin;
	uint32_t *seeds;
};

/* Items that cost nothing come in, where neither their number nor their size matters. */
static void take_free_items(struct solver *solver)
{
	const struct cover *cover = solver->cover;
	uint32_t i;

	if (cover->max_items < cover->items || cover->size)
		return;
	for (i = 0; i < cover->items; i++) {
		if (!cover->cost[i])
			division_set(&solver->division, i, ITEM_IN);
	}
}

static void level_root(struct solver *solver)
{
	struct division *division = &solver->division;
	double bound, before = 0;
	unsigned int i;

	for (i = 0; i < LEVEL_ROUNDS && division->work < solver->cover->work / 4; i++) {
		if (!division_level(division, 0, false))
			return;
		bound = search_bound(&solver->search);
		if (i > 3 && bound < before * (1 + LEVEL_GAIN))
			return;
		before = bound;
	}
}

static bool offer_exchange(struct solver *solver)
{
	return exchange_covers(&solver->exchange) &&
	       search_offer(&solver->search, solver->exchange.in);
}

/* Most gain depends on the first one. */
static int compare_stake(const void *a, const void *b, void *data)
{
	const int64_t *stake = data;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	if (stake[left] != stake[right])
		return stake[left] > stake[right] ? -1 : 1;
	return left < right ? -1 : left > right;
}

static void grow_covers(struct solver *solver, uint64_t work)
{
	uint32_t items = solver->cover->items, i;

	for (i = 0; i < items; i++)
		solver->seeds[i] = i;
	qsort_r(solver->seeds, items, sizeof(*solver->seeds), compare_stake,
		solver->division.stake);
	for (i = 0; i < items && i < SEEDS && solver->exchange.work < work; i++) {
		if (exchange_grow(&solver->exchange, solver->seeds[i]))
			offer_exchange(solver);
	}
}

/* From the best cover so far, until nothing has come of it for long. */
static void exchange_items(struct solver *solver, uint64_t work)
{
	unsigned int patience = 100 + 4 * solver->cover->items, failures = 0;

	exchange_set(&solver->exchange, solver->cover->best);
	if (!exchange_covers(&solver->exchange))
		return;
	while (failures++ < patience && solver->exchange.work < work) {
		if (!exchange_try(&solver->exchange))
			continue;
		if (offer_exchange(solver))
			failures = 0;
		else
			exchange_set(&solver->exchange, solver->cover->best);
	}
}

/* From the best cover so far through many small steps. */
static void accept_thresholds(struct solver *solver, uint64_t work)
{
	struct threshold *threshold = &solver->threshold;

	threshold_run(threshold, solver->cover->best, search_price(&solver->search), work);
	if (threshold->found)
		search_offer(&solver->search, threshold->best);
}

static void find_covers(struct solver *solver)
{
	uint64_t work = solver->cover->work;

	exchange_shrink(&solver->exchange);
	offer_exchange(solver);
	if (exchange_greedy(&solver->exchange))
		offer_exchange(solver);
	grow_covers(solver, work / 8);
	if (solver->cover->found && solver->cover->items >= MANY)
		accept_thresholds(solver, work / 3);
	if (solver->cover->found)
		exchange_items(solver, work / 3);
	solver->division.work += solver->exchange.work + solver->threshold.work +
				 (uint64_t)PREPARATION * solver->division.first[solver->division.n_groups];
}

/* Items that cost nothing may be in the best cover without being needed. */
static void tidy(struct solver *solver)
{
	struct search *search = &solver->search;
	wide cost = search->best;

	if (!solver->cover->found)
		return;
	exchange_set(&solver->exchange, solver->cover->best);
	exchange_drop(&solver->exchange);
	search->best = cost + 1;
	if (!exchange_covers(&solver->exchange) ||
	    !search_offer(search, solver->exchange.in))
		search->best = cost;
}

static uint64_t saturated(wide number)
{
	return number > UINT64_MAX ? UINT64_MAX : (uint64_t)number;
}

/* All costs are multiples of the step, so the best one is. */
static wide whole_bound(const struct search *search)
{
	wide bound;

	if (search->bound <= 0)
		return 0;
	if (search->bound >= 1e38)
		return (wide)-1 >> 1;
	bound = (wide)search->bound;
	return (bound + search->step - 1) / search->step * search->step;
}

/* What was left out because nobody knew whether it fits may be the best. */
static void conclude(struct solver *solver, bool exhausted)
{
	struct cover *cover = solver->cover;
	struct search *search = &solver->search;
	wide bound;

	tidy(solver);
	bound = exhausted ? search->best : whole_bound(search);
	if (bound > search->doubt)
		bound = search->doubt;
	if (bound > search->best)
		bound = search->best;
	cover->proved = bound == search->best;
	cover->best_cost = saturated(search->best);
	cover->lower_bound = cover->proved ? cover->best_cost : saturated(bound);
}

static void solve(struct solver *solver)
{
	take_free_items(solver);
	level_root(solver);
	find_covers(solver);
	conclude(solver, search_run(&solver->search, solver->cover->work));
}

static int prepare(struct solver *solver)
{
	cover_reduce(solver->cover);
	solver->twin = cover_twins(solver->cover);
	solver->seeds = calloc(solver->cover->items + 1, sizeof(*solver->seeds));
	if (division_init(&solver->division, solver->cover) ||
	    exchange_init(&solver->exchange, &solver->division) ||
	    threshold_init(&solver->threshold, &solver->division) || !solver->seeds ||
	    !solver->twin)
		return -1;
	return search_init(&solver->search, solver->cover, &solver->division, solver->twin);
}

int cover_solve(struct cover *cover)
{
	struct solver solver = { .cover = cover };
	int ret;

	cover->found = false;
	cover->visited = 0;
	ret = prepare(&solver);
	if (!ret)
		solve(&solver);
	if (solver.division.no_memory)
		ret = -1;
	search_free(&solver.search);
	exchange_free(&solver.exchange);
	threshold_free(&solver.threshold);
	division_free(&solver.division);
	free(solver.twin);
	free(solver.seeds);
	return ret;
}
