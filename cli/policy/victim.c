// SPDX-License-Identifier: GPL-2.0
/* Victims: from VMs and shared frames to a cover problem, and back to a plan. */
#include "policy/victim.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cover.h"
#include "policy/freed.h"

#define WORK 70000000ull		/* about a second's */

typedef unsigned __int128 wide;

/* Which item of the cover a VM is. */
#define STAYS SIZE_MAX
#define LEAVES (SIZE_MAX - 1)

struct problem {
	const struct snapshot *snap;
	const struct victim_request *request;
	struct cover cover;
	size_t *item_of;		/* per VM; STAYS, LEAVES */
	size_t *vm_of;			/* per item */
	size_t with;			/* VMs that leave in any case */
	uint64_t freed_first;		/* by these */
};

uint64_t victim_cost(const struct snapshot *snap, const struct victim_request *request, size_t vm)
{
	return request->costs ? request->costs[vm] : freed_resident(&snap->vms[vm]);
}

bool victim_movable(const struct snapshot *snap, const struct victim_request *request, size_t vm)
{
	return !snap->vms[vm].pinned && !(request->keep && request->keep[vm]);
}

static void sort_vms(struct problem *problem)
{
	const struct victim_request *request = problem->request;
	size_t i;

	for (i = 0; i < problem->snap->n_vms; i++) {
		problem->item_of[i] = STAYS;
		if (request->with && request->with[i]) {
			problem->item_of[i] = LEAVES;
			problem->with++;
		} else if (victim_movable(problem->snap, request, i)) {
			problem->item_of[i] = problem->cover.items;
			problem->vm_of[problem->cover.items++] = i;
		}
	}
}

static void add_items(struct problem *problem)
{
	struct cover *cover = &problem->cover;
	size_t i;

	for (i = 0; i < cover->items; i++) {
		size_t vm = problem->vm_of[i];

		cover->cost[i] = victim_cost(problem->snap, problem->request, vm);
		cover->gain[i] = freed_own(&problem->snap->vms[vm]);
	}
}

/* The open members of a set go behind the members so far; false if one stays. */
static bool collect_members(const struct problem *problem, const struct set *set, size_t at,
			    size_t *count)
{
	size_t i, item;

	*count = 0;
	if (set->outside)
		return false;
	for (i = 0; i < set->n_pids; i++) {
		item = problem->item_of[snapshot_vm(problem->snap, set->pids[i]) -
					problem->snap->vms];
		if (item == STAYS)
			return false;
		if (item != LEAVES)
			problem->cover.members[at + (*count)++] = (uint32_t)item;
	}
	return true;
}

/* Frames of VMs that leave anyway are no gain. */
static void add_groups(struct problem *problem)
{
	struct cover *cover = &problem->cover;
	size_t at = 0, count, i;

	for (i = 0; i < problem->snap->n_sets; i++) {
		const struct set *set = &problem->snap->sets[i];

		if (!collect_members(problem, set, at, &count) || !count)
			continue;
		cover->groups[cover->n_groups++] = (struct cover_group){
			.first = at, .count = count, .gain = set->frames_bytes,
		};
		at += count;
	}
}

static size_t count_members(const struct snapshot *snap)
{
	size_t members = 0, i;

	for (i = 0; i < snap->n_sets; i++)
		members += snap->sets[i].n_pids;
	return members;
}

static int allocate(struct problem *problem)
{
	const struct snapshot *snap = problem->snap;
	struct cover *cover = &problem->cover;

	problem->item_of = calloc(snap->n_vms + 1, sizeof(*problem->item_of));
	problem->vm_of = calloc(snap->n_vms + 1, sizeof(*problem->vm_of));
	cover->cost = calloc(snap->n_vms + 1, sizeof(*cover->cost));
	cover->gain = calloc(snap->n_vms + 1, sizeof(*cover->gain));
	cover->best = calloc(snap->n_vms + 1, sizeof(*cover->best));
	cover->groups = calloc(snap->n_sets + 1, sizeof(*cover->groups));
	cover->members = calloc(count_members(snap) + 1, sizeof(*cover->members));
	return problem->item_of && problem->vm_of && cover->cost && cover->gain && cover->best &&
	       cover->groups && cover->members ? 0 : -1;
}

static void release(struct problem *problem)
{
	free(problem->item_of);
	free(problem->vm_of);
	free(problem->cover.cost);
	free(problem->cover.gain);
	free(problem->cover.best);
	free(problem->cover.groups);
	free(problem->cover.members);
}

/* What the cover must bring beyond the VMs that leave in any case. */
static int set_limits(struct problem *problem)
{
	const struct victim_request *request = problem->request;
	struct cover *cover = &problem->cover;
	bool *leaving = calloc(problem->snap->n_vms + 1, sizeof(*leaving));
	size_t i;

	if (!leaving)
		return -1;
	for (i = 0; i < problem->snap->n_vms; i++)
		leaving[i] = problem->item_of[i] == LEAVES;
	problem->freed_first = freed_together(problem->snap, leaving);
	free(leaving);
	cover->need = request->need > problem->freed_first ?
		      request->need - problem->freed_first : 0;
	cover->max_items = SIZE_MAX;
	if (request->max_vms)
		cover->max_items = request->max_vms > problem->with ?
				   request->max_vms - problem->with : 0;
	cover->work = request->work ? request->work : WORK;
	return 0;
}

/* What may leave, and what that would free. */
static void count_movable(const struct problem *problem, bool *flags, struct victim_plan *plan)
{
	size_t i;

	for (i = 0; i < problem->snap->n_vms; i++) {
		flags[i] = problem->item_of[i] != STAYS;
		plan->movable += flags[i];
	}
	plan->freed_all = freed_together(problem->snap, flags);
}

static bool is_chosen(const struct problem *problem, size_t vm)
{
	size_t item = problem->item_of[vm];

	return item == LEAVES || (item != STAYS && problem->cover.best[item]);
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

		if (departure->gone[i] || !is_chosen(problem, i))
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
	if (allocate(problem))
		return -1;
	sort_vms(problem);
	add_items(problem);
	add_groups(problem);
	if (set_limits(problem))
		return -1;
	if (!too_many_with(problem))
		return cover_solve(&problem->cover);
	problem->cover.proved = true;
	return 0;
}

int victim_choose(const struct snapshot *snap, const struct victim_request *request,
		  struct victim_plan *plan)
{
	struct problem problem = { .snap = snap, .request = request };
	int ret;

	memset(plan, 0, sizeof(*plan));
	ret = solve(&problem);
	if (!ret)
		ret = make_plan(&problem, plan);
	release(&problem);
	return ret;
}

double victim_gap(const struct victim_plan *plan)
{
	if (plan->proved || !plan->cost)
		return 0;
	return (double)(plan->cost - plan->lower_bound) / (double)plan->cost;
}

/* Points that free less for no less are no answers any more. */
static void drop_dearer(struct victim_sweep *sweep, uint64_t cost)
{
	while (sweep->count && sweep->points[sweep->count - 1].cost >= cost)
		free(sweep->points[--sweep->count].vms);
}

static int take_point(const struct snapshot *snap, const struct victim_plan *plan,
		      struct victim_sweep *sweep)
{
	struct victim_point *point = &sweep->points[sweep->count];
	size_t i, vm;

	*point = (struct victim_point){
		.need = plan->freed, .cost = plan->cost, .lower_bound = plan->lower_bound,
		.proved = plan->proved, .vms = calloc(plan->count + 1, sizeof(*point->vms)),
	};
	if (!point->vms)
		return -1;
	sweep->count++;
	for (vm = 0; vm < snap->n_vms; vm++) {
		for (i = 0; i < plan->count; i++) {
			if (plan->victims[i].vm == vm)
				point->vms[point->count++] = vm;
		}
	}
	return 0;
}

static int sweep_needs(const struct snapshot *snap, const struct victim_request *request,
		       size_t max_points, struct victim_sweep *sweep)
{
	struct victim_request one = *request;
	struct victim_plan plan;
	uint64_t reached = 0;
	size_t i;
	int ret;

	one.work = (request->work ? request->work : WORK) / max_points + 1;
	for (i = 1; i <= max_points; i++) {
		one.need = (uint64_t)((wide)sweep->freed_all * i / max_points);
		if (one.need <= reached)
			continue;
		ret = victim_choose(snap, &one, &plan);
		if (!ret && plan.feasible) {
			reached = plan.freed;
			drop_dearer(sweep, plan.cost);
			ret = take_point(snap, &plan, sweep);
		}
		victim_plan_free(&plan);
		if (ret)
			return -1;
	}
	return 0;
}

/* Does the middle one lie below the line from the left one to the right one? */
static bool is_corner(const struct victim_point *left, const struct victim_point *middle,
		      const struct victim_point *right)
{
	uint64_t left_need = left ? left->need : 0, left_cost = left ? left->cost : 0;

	return (wide)(middle->cost - left_cost) * (right->need - left_need) <
	       (wide)(right->cost - left_cost) * (middle->need - left_need);
}

/* The last corner before the point, or NULL: nothing for nothing is one as well. */
static struct victim_point *corner_before(struct victim_point *points, size_t point)
{
	while (point--) {
		if (points[point].hull)
			return &points[point];
	}
	return NULL;
}

/* Every point is a corner until a later one shows that it is above a line. */
static void mark_hull(struct victim_sweep *sweep)
{
	struct victim_point *points = sweep->points, *last;
	size_t i;

	for (i = 0; i < sweep->count; i++) {
		while ((last = corner_before(points, i)) &&
		       !is_corner(corner_before(points, (size_t)(last - points)), last, &points[i]))
			last->hull = false;
		points[i].hull = true;
	}
}

int victim_sweep(const struct snapshot *snap, const struct victim_request *request,
		 size_t max_points, struct victim_sweep *sweep)
{
	struct victim_request all = *request;
	struct victim_plan plan;
	int ret;

	*sweep = (struct victim_sweep){
		.points = calloc(max_points + 1, sizeof(*sweep->points)),
	};
	if (!sweep->points)
		return -1;
	all.need = UINT64_MAX;
	ret = victim_choose(snap, &all, &plan);
	sweep->freed_all = plan.freed_all;
	victim_plan_free(&plan);
	if (!ret)
		ret = sweep_needs(snap, request, max_points, sweep);
	mark_hull(sweep);
	if (ret)
		victim_sweep_free(sweep);
	return ret;
}

void victim_sweep_free(struct victim_sweep *sweep)
{
	size_t i;

	for (i = 0; i < sweep->count; i++)
		free(sweep->points[i].vms);
	free(sweep->points);
	memset(sweep, 0, sizeof(*sweep));
}

void victim_plan_free(struct victim_plan *plan)
{
	free(plan->victims);
	memset(plan, 0, sizeof(*plan));
}
