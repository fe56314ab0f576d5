// SPDX-License-Identifier: GPL-2.0
/*
 * The solver of covers against exhaustive search: thousands of problems of up to
 * 16 items, many of them made to mislead. Exhaustive search keeps its own books,
 * over bit masks and in 128 bits.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "policy/division.h"
#include "policy/reduce.h"
#include "policy/threshold.h"

#define ITEMS_MAX 16
#define GROUPS_MAX 160

typedef unsigned __int128 wide;

struct problem {
	unsigned int items, groups;
	uint64_t cost[ITEMS_MAX], gain[ITEMS_MAX];
	uint32_t mask[GROUPS_MAX];
	uint64_t worth[GROUPS_MAX];
	uint64_t need;
	unsigned int max_items;		/* 0: any number */
};

struct answer {
	bool found;
	wide cost;
};

static uint32_t all_of(const struct problem *problem)
{
	return (1u << problem->items) - 1;
}

static void add_group(struct problem *problem, uint32_t mask, uint64_t worth)
{
	mask &= all_of(problem);
	if (!mask || problem->groups == GROUPS_MAX)
		return;
	problem->mask[problem->groups] = mask;
	problem->worth[problem->groups++] = worth;
}

static wide gain_of(const struct problem *problem, uint32_t in)
{
	wide gain = 0;
	unsigned int i;

	for (i = 0; i < problem->items; i++)
		gain += in >> i & 1 ? problem->gain[i] : 0;
	for (i = 0; i < problem->groups; i++)
		gain += problem->mask[i] & ~in ? 0 : problem->worth[i];
	return gain;
}

static wide cost_of(const struct problem *problem, uint32_t in)
{
	wide cost = 0;
	unsigned int i;

	for (i = 0; i < problem->items; i++)
		cost += in >> i & 1 ? problem->cost[i] : 0;
	return cost;
}

/* The cost first: it excludes most of up to 65,536 sets with little to count. */
static struct answer search_exhaustively(const struct problem *problem)
{
	struct answer answer = {};
	uint32_t in;

	for (in = 0; in <= all_of(problem); in++) {
		wide cost = cost_of(problem, in);

		if ((answer.found && cost >= answer.cost) ||
		    (problem->max_items &&
		     (unsigned int)__builtin_popcount(in) > problem->max_items) ||
		    gain_of(problem, in) < problem->need)
			continue;
		answer = (struct answer){ true, cost };
	}
	return answer;
}

static void make_pairs(struct problem *problem)
{
	unsigned int i;

	for (i = 0; i < 3 * problem->items; i++)
		add_group(problem, 1u << test_random_below(ITEMS_MAX) |
				   1u << test_random_below(ITEMS_MAX), test_random_below(1000));
}

/* All pairs of a few items, worth nothing to anybody else. */
static void make_cliques(struct problem *problem)
{
	unsigned int width = 2 + (unsigned int)test_random_below(5), i, j;

	for (i = 0; i < problem->items; i++) {
		for (j = i + 1; j < problem->items && j / width == i / width; j++)
			add_group(problem, 1u << i | 1u << j, 100 + test_random_below(20));
	}
	add_group(problem, 1u << 0 | 1u << (problem->items - 1), 150);
}

static void make_chain(struct problem *problem)
{
	unsigned int i;

	for (i = 0; i + 1 < problem->items; i++)
		add_group(problem, 3u << i, 1 + test_random_below(500));
}

static void make_tree(struct problem *problem)
{
	unsigned int i;

	for (i = 1; i < problem->items; i++)
		add_group(problem, 1u << i | 1u << (i - 1) / 2, 1 + test_random_below(500));
}

static void make_nested(struct problem *problem)
{
	unsigned int i;

	for (i = 1; i <= problem->items; i++)
		add_group(problem, (1u << i) - 1, test_random_below(300));
}

/* Equal items in equal relations: every set of so many is as good as any other. */
static void make_clones(struct problem *problem)
{
	unsigned int i, j;

	for (i = 0; i < problem->items; i++) {
		problem->cost[i] = 7;
		problem->gain[i] = 5;
		for (j = i + 1; j < problem->items; j++)
			add_group(problem, 1u << i | 1u << j, 3);
	}
	add_group(problem, all_of(problem), 40);
}

/* Most of the gain in one large set, and items of good ratio that lead elsewhere. */
static void make_trap(struct problem *problem)
{
	uint32_t treasure = (uint32_t)test_random() & all_of(problem);
	unsigned int i;

	for (i = 0; i < problem->items; i++)
		problem->gain[i] = treasure >> i & 1 ? 0 : test_random_below(100);
	add_group(problem, treasure, 2000);
	add_group(problem, (uint32_t)(test_random() & test_random()), 300);
}

static void make_any(struct problem *problem)
{
	unsigned int i;

	for (i = 0; i < GROUPS_MAX; i++)
		add_group(problem, (uint32_t)(test_random() & (test_random() | test_random())),
			  test_random_below(100));
}

static void (*const families[])(struct problem *problem) = {
	make_pairs, make_cliques, make_chain, make_tree,
	make_nested, make_clones, make_trap, make_any,
};
#define FAMILIES (sizeof(families) / sizeof(*families))

/* Costs that are 0, all equal, equal to the gain (ties everywhere), or of any size. */
static void make_costs(struct problem *problem)
{
	uint64_t kind = test_random_below(5);
	unsigned int i;

	for (i = 0; i < problem->items; i++) {
		problem->gain[i] = test_random_below(3) ? test_random_below(400) : 0;
		problem->cost[i] = kind == 0 ? test_random_below(3) :
				   kind == 1 ? 1 :
				   kind == 2 ? problem->gain[i] :
				   kind == 3 ? 4096 * test_random_below(1000) :
					       1 + test_random_below(1000);
	}
}

/* The same with numbers up to 2^63 and beyond in sum. */
static void make_huge(struct problem *problem)
{
	unsigned int i;

	for (i = 0; i < problem->items; i++) {
		problem->cost[i] *= UINT64_MAX / 8192000;
		problem->gain[i] *= UINT64_MAX / 8192;
		problem->gain[i] += test_random_below(1000);
	}
	for (i = 0; i < problem->groups; i++)
		problem->worth[i] = problem->worth[i] * (UINT64_MAX / 8192) +
				    test_random_below(1000);
}

static uint64_t need_below(wide limit)
{
	wide need = 1 + limit * test_random_below(1100) / 1000;

	return need > UINT64_MAX ? UINT64_MAX : (uint64_t)need;
}

static void make_problem(struct problem *problem, unsigned int number)
{
	memset(problem, 0, sizeof(*problem));
	problem->items = 2 + (unsigned int)test_random_below(number % 20 ? 10 : ITEMS_MAX - 1);
	make_costs(problem);
	families[number % FAMILIES](problem);
	if (number % 7 == 0)
		make_huge(problem);
	if (test_random_below(4) == 0)
		problem->max_items = 1 + (unsigned int)test_random_below(problem->items);
	problem->need = need_below(gain_of(problem, all_of(problem)));
}

struct storage {
	struct cover_group groups[GROUPS_MAX];
	uint32_t members[GROUPS_MAX * ITEMS_MAX];
	uint64_t cost[ITEMS_MAX], gain[ITEMS_MAX];
	bool best[ITEMS_MAX];
};

/* Solving changes its problem, so it gets copies. */
static void make_cover(const struct problem *problem, struct storage *storage,
		       struct cover *cover)
{
	size_t at = 0, i, j;

	*cover = (struct cover){
		.need = problem->need, .items = problem->items,
		.cost = storage->cost, .gain = storage->gain, .best = storage->best,
		.groups = storage->groups, .n_groups = problem->groups,
		.members = storage->members, .work = 10000000,
		.max_items = problem->max_items ? problem->max_items : SIZE_MAX,
	};
	memcpy(storage->cost, problem->cost, sizeof(storage->cost));
	memcpy(storage->gain, problem->gain, sizeof(storage->gain));
	for (i = 0; i < problem->groups; i++) {
		storage->groups[i] = (struct cover_group){ .first = at, .gain = problem->worth[i] };
		for (j = problem->items; j-- > 0;) {
			if (problem->mask[i] >> j & 1)
				storage->members[at++] = (uint32_t)j;
		}
		storage->groups[i].count = at - storage->groups[i].first;
	}
}

static uint32_t chosen(const struct cover *cover)
{
	uint32_t in = 0, i;

	for (i = 0; i < cover->items; i++)
		in |= cover->found && cover->best[i] ? 1u << i : 0;
	return in;
}

static uint64_t saturated(wide number)
{
	return number > UINT64_MAX ? UINT64_MAX : (uint64_t)number;
}

/* Is what was found a cover, within the number, at the cost that is claimed? */
static bool is_cover(const struct problem *problem, const struct cover *cover)
{
	uint32_t in = chosen(cover);

	return gain_of(problem, in) >= problem->need &&
	       saturated(cost_of(problem, in)) == cover->best_cost &&
	       (!problem->max_items ||
		(unsigned int)__builtin_popcount(in) <= problem->max_items);
}

struct verdict {
	unsigned int wrong, unproved, no_cover, infeasible;
};

static void compare(const struct problem *problem, struct verdict *verdict)
{
	struct answer answer = search_exhaustively(problem);
	struct storage storage;
	struct cover cover;

	make_cover(problem, &storage, &cover);
	verdict->wrong += cover_solve(&cover) != 0;
	verdict->wrong += cover.found != answer.found;
	verdict->unproved += !cover.proved;
	verdict->infeasible += !answer.found;
	if (!answer.found || !cover.found)
		return;
	verdict->wrong += cost_of(problem, chosen(&cover)) != answer.cost;
	verdict->wrong += cover.lower_bound != cover.best_cost;
	verdict->no_cover += !is_cover(problem, &cover);
}

static void test_optimum(void)
{
	struct verdict verdict = {};
	unsigned int i;

	for (i = 0; i < 3000; i++) {
		struct problem problem;

		make_problem(&problem, i);
		compare(&problem, &verdict);
	}
	is_number(verdict.wrong, 0, "3000 problems have the optimum of exhaustive search");
	is_number(verdict.unproved, 0, "and all are proved");
	is_number(verdict.no_cover, 0, "every answer is a cover at the cost it names");
	ok(verdict.infeasible > 100 && verdict.infeasible < 1000, "%u of them have none",
	   verdict.infeasible);
}

/* Needs that are met once gains are rounded, and are not by some bytes, or just so. */
static void test_rounded_needs(void)
{
	struct verdict verdict = {};
	struct problem problem = {
		.items = 2, .cost = { 1, 1 }, .gain = { (1ull << 53) + 1, 0 },
		.need = (1ull << 53) + 2,
	};
	unsigned int i;

	compare(&problem, &verdict);
	is_number(verdict.infeasible, 1, "a byte too little, and an item that brings nothing");
	for (i = 0; i < 1000; i++) {
		wide need;

		do {
			make_problem(&problem, i);
			make_huge(&problem);
			need = gain_of(&problem, (uint32_t)test_random() & all_of(&problem));
		} while (!need || need >= UINT64_MAX);
		problem.need = (uint64_t)need + test_random_below(2);
		compare(&problem, &verdict);
	}
	is_number(verdict.wrong, 0, "1000 needs at the edge have the optimum of exhaustive search");
	is_number(verdict.unproved, 0, "and all are proved");
	is_number(verdict.no_cover, 0, "every answer is a cover");
}

/* Wherever the search stops, its bound is below the optimum and its answer above. */
static void test_stopped(void)
{
	unsigned int wrong = 0, stopped = 0, i;

	for (i = 0; i < 1500; i++) {
		struct problem problem;
		struct storage storage;
		struct answer answer;
		struct cover cover;

		make_problem(&problem, i);
		answer = search_exhaustively(&problem);
		make_cover(&problem, &storage, &cover);
		cover.work = 1 + test_random_below(1000);
		wrong += cover_solve(&cover) != 0;
		stopped += !cover.proved;
		wrong += cover.found && (!answer.found || !is_cover(&problem, &cover));
		wrong += answer.found && cover.lower_bound > saturated(answer.cost);
		wrong += cover.proved && cover.found != answer.found;
		wrong += cover.proved && cover.found &&
			 cost_of(&problem, chosen(&cover)) != answer.cost;
	}
	is_number(wrong, 0, "1500 searches with little work: what is claimed is true");
	ok(stopped > 150, "%u of them were stopped", stopped);
}

/* Whatever comes in and goes out: the shares of the open items are the whole gain. */
static bool is_divided(const struct division *division)
{
	uint32_t group, i;

	for (group = 0; group < division->n_groups; group++) {
		int64_t sum = 0;

		for (i = division->first[group]; i < division->first[group + 1]; i++) {
			if (division->state[division->member[i]] == ITEM_OPEN)
				sum += division->share[i];
			if (division->share[i] < 0)
				return false;
		}
		if (!division->lost[group] && division->open[group] &&
		    sum != division->gain[group])
			return false;
	}
	return true;
}

/* Parts are the own gain and the shares of all groups that can still come. */
static bool adds_up(const struct division *division)
{
	uint32_t i, j;

	for (i = 0; i < division->cover->items; i++) {
		int64_t part = division->part[i];

		if (division->state[i] != ITEM_OPEN)
			continue;
		for (j = division->at[i]; j < division->at[i + 1]; j++) {
			if (!division->lost[division->group_of[division->place[j]]])
				part -= division->share[division->place[j]];
		}
		if (part != (int64_t)division->cover->gain[i])
			return false;
	}
	return true;
}

static void test_division(void)
{
	unsigned int lost = 0, wrong = 0, i, j;

	for (i = 0; i < 1000; i++) {
		struct division division;
		struct problem problem;
		struct storage storage;
		struct cover cover;

		make_problem(&problem, i % 7 ? i : i + 1);
		make_cover(&problem, &storage, &cover);
		cover_reduce(&cover);
		if (division_init(&division, &cover))
			continue;
		division_level(&division, 0, false);
		for (j = 0; j < 40; j++) {
			uint32_t item = (uint32_t)test_random_below(problem.items);
			size_t mark = division_mark(&division);

			if (division.state[item] == ITEM_OPEN)
				division_set(&division, item,
					     test_random_below(2) ? ITEM_IN : ITEM_OUT);
			division_level(&division, 0, true);
			lost += !is_divided(&division);
			wrong += !division.shift && !adds_up(&division);
			if (test_random_below(2))
				division_undo(&division, mark);
		}
		division_free(&division);
	}
	is_number(lost, 0, "1000 divisions never lose a share");
	is_number(wrong, 0, "nor count one twice");
}

/* From nothing, by steps alone: a cover at the cost it names, and mostly the cheapest. */
static void test_threshold(void)
{
	unsigned int wrong = 0, optimal = 0, solved = 0, i;

	for (i = 0; i < 300; i++) {
		bool nothing[ITEMS_MAX] = {};
		struct threshold threshold = {};
		struct division division;
		struct problem problem;
		struct storage storage;
		struct answer answer;
		struct cover cover;

		make_problem(&problem, i % 7 ? i : i + 1);
		answer = search_exhaustively(&problem);
		make_cover(&problem, &storage, &cover);
		cover_reduce(&cover);
		if (division_init(&division, &cover) || threshold_init(&threshold, &division))
			continue;
		threshold_run(&threshold, nothing, 1, 1000000);
		cover.found = threshold.found;
		cover.best = threshold.best;
		cover.best_cost = saturated(threshold.best_cost);
		wrong += threshold.found && (!answer.found || !is_cover(&problem, &cover));
		solved += answer.found;
		optimal += threshold.found && threshold.best_cost == answer.cost;
		threshold_free(&threshold);
		division_free(&division);
	}
	is_number(wrong, 0, "300 runs of threshold accepting: what is found is a cover");
	ok(optimal > solved * 3 / 4, "and the cheapest in %u of %u", optimal, solved);
}

void test_cover(void)
{
	test_threshold();
	test_division();
	test_optimum();
	test_rounded_needs();
	test_stopped();
}
