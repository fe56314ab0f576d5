// SPDX-License-Identifier: GPL-2.0
/* Victims: from VMs and shared frames to a cover problem, and back to a plan. */
#include "policy/victim.h"

#include <stdlib.h>
#include <string.h>

#include "policy/destination.h"
#include "policy/freed.h"
#include "policy/problem.h"

typedef unsigned __int128 wide;

uint64_t victim_cost(const struct snapshot *snap, const struct victim_request *request, size_t vm)
{
	return request->costs ? request->costs[vm] : freed_resident(&snap->vms[vm]);
}

bool victim_movable(const struct snapshot *snap, const struct victim_request *request, size_t vm)
{
	return !snap->vms[vm].pinned && !(request->keep && request->keep[vm]);
}

/* What may leave, and what that would free. */
static void count_movable(const struct problem *problem, bool *flags, struct victim_plan *plan)
{
	size_t i;

	for (i = 0; i < problem->snap->n_vms; i++) {
		flags[i] = problem->item_of[i] != PROBLEM_STAYS;
		plan->movable += flags[i];
	}
	plan->freed_all = freed_together(problem->snap, flags);
}

/* Freed more per cost first; equal ones in the snapshot's order. */
static bool is_better(uint64_t gain, uint64_t cost, uint64_t best_gain, uint64_t best_cost)
{
	return (wide)gain * best_cost > (wide)best_gain * cost ||
	       ((wide)gain * best_cost == (wide)best_gain * cost && gain > best_gain);
}

/* The next to leave: of those chosen, the one that now frees most for its cost. */
static size_t next_victim(const struct problem *problem, const struct departure *departure)
{
	size_t best = SIZE_MAX, i;
	uint64_t best_gain = 0, best_cost = 0;

	for (i = 0; i < problem->snap->n_vms; i++) {
		uint64_t gain = departure->gain[i];
		uint64_t cost = victim_cost(problem->snap, problem->request, i);

		if (departure->gone[i] || !problem_chosen(problem, i))
			continue;
		if (best == SIZE_MAX || is_better(gain, cost, best_gain, best_cost)) {
			best = i;
			best_gain = gain;
			best_cost = cost;
		}
	}
	return best;
}

/* alone holds what each VM frees by itself. */
static void list_victims(const struct problem *problem, struct departure *departure,
			 const uint64_t *alone, struct victim_plan *plan)
{
	const struct snapshot *snap = problem->snap;
	size_t vm;

	while ((vm = next_victim(problem, departure)) != SIZE_MAX) {
		struct victim *victim = &plan->victims[plan->count++];

		departure_leave(departure, vm);
		*victim = (struct victim){
			.vm = vm,
			.cost = victim_cost(snap, problem->request, vm),
			.freed_alone = alone[vm],
			.freed_with_previous = departure->freed,
		};
		plan->cost = add_saturating(plan->cost, victim->cost);
		plan->growth = add_saturating(plan->growth, freed_growth(&snap->vms[vm]));
	}
	plan->freed = departure->freed;
}

/* Before anybody leaves, what a VM adds is what it frees alone. */
static int order_victims(const struct problem *problem, struct victim_plan *plan)
{
	size_t count = problem->snap->n_vms;
	struct departure departure;
	uint64_t *alone;

	if (departure_init(&departure, problem->snap))
		return -1;
	alone = calloc(count + 1, sizeof(*alone));
	if (alone) {
		memcpy(alone, departure.gain, count * sizeof(*alone));
		list_victims(problem, &departure, alone, plan);
	}
	departure_free(&departure);
	free(alone);
	return alone ? 0 : -1;
}

/* The cost of the VMs that leave anyway is in the plan's, not in the cover's. */
static void set_proof(const struct problem *problem, struct victim_plan *plan)
{
	const struct cover *cover = &problem->cover;
	uint64_t fixed = plan->cost - (cover->found ? cover->best_cost : 0);

	plan->feasible = cover->found;
	plan->nodes = cover->visited;
	plan->proved = cover->proved;
	plan->lower_bound = plan->proved ? plan->cost : add_saturating(fixed, cover->lower_bound);
}

static int make_plan(const struct problem *problem, struct victim_plan *plan)
{
	size_t count = problem->snap->n_vms + 1;
	bool *flags = calloc(count, sizeof(*flags));

	plan->victims = calloc(count, sizeof(*plan->victims));
	if (!flags || !plan->victims) {
		free(flags);
		return -1;
	}
	count_movable(problem, flags, plan);
	free(flags);
	if (problem->cover.found && order_victims(problem, plan))
		return -1;
	set_proof(problem, plan);
	return 0;
}

/* More VMs that must leave than may leave is no plan, whatever they free. */
static bool too_many_with(const struct problem *problem)
{
	return problem->request->max_vms && problem->with > problem->request->max_vms;
}

static int solve(struct problem *problem)
{
	if (!too_many_with(problem))
		return cover_solve(&problem->cover);
	problem->cover.proved = true;
	return 0;
}

/*
 * The cheapest set did not fit the hosts: the cheapest that does, or the first
 * plan, which says what does not fit. No set that fits is cheaper than it.
 */
static int choose_what_fits(struct problem *problem, struct victim_plan *plan)
{
	struct victim_plan fitting = { .cost_anywhere = plan->cost };
	uint64_t bound = plan->lower_bound;

	if (problem_bind_hosts(problem) || cover_solve(&problem->cover))
		return -1;
	if (!problem->cover.found) {
		plan->feasible = false;
		plan->no_host = true;
		plan->proved = problem->cover.proved;
		plan->nodes += problem->cover.visited;
		return 0;
	}
	if (make_plan(problem, &fitting)) {
		victim_plan_free(&fitting);
		return -1;
	}
	fitting.nodes += plan->nodes;
	if (fitting.lower_bound < bound)
		fitting.lower_bound = bound;
	victim_plan_free(plan);
	*plan = fitting;
	return 0;
}

int victim_choose(const struct snapshot *snap, const struct victim_request *request,
		  struct victim_plan *plan)
{
	struct problem problem;
	int ret;

	memset(plan, 0, sizeof(*plan));
	ret = problem_init(&problem, snap, request);
	if (!ret)
		ret = solve(&problem);
	if (!ret)
		ret = make_plan(&problem, plan);
	if (!ret && request->hosts && plan->feasible &&
	    problem_fits(&problem, problem.cover.best) != COVER_FITS)
		ret = choose_what_fits(&problem, plan);
	if (problem.no_memory)
		ret = -1;
	problem_release(&problem);
	return ret;
}

double victim_gap(const struct victim_plan *plan)
{
	if (plan->proved || !plan->cost)
		return 0;
	return (double)(plan->cost - plan->lower_bound) / (double)plan->cost;
}

void victim_plan_free(struct victim_plan *plan)
{
	free(plan->victims);
	memset(plan, 0, sizeof(*plan));
}
