// SPDX-License-Identifier: GPL-2.0
/* The trade-off: corners by maximum flows (hull.c), needs by the search. */
#include "policy/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"
#include "policy/hull.h"
#include "policy/problem.h"

typedef unsigned __int128 wide;

#define HULL_WORK 4			/* one part in so many of all work */

static int compare_points(const void *a, const void *b)
{
	const struct sweep_point *left = a, *right = b;

	if (left->need != right->need)
		return left->need < right->need ? -1 : 1;
	if (left->cost != right->cost)
		return left->cost < right->cost ? -1 : 1;
	return (right->hull > left->hull) - (right->hull < left->hull);
}

/* Points that free no more than a cheaper one are no answers. */
static void keep_answers(struct sweep *sweep)
{
	struct sweep_point *points = sweep->points;
	size_t kept = 0, i;

	qsort(points, sweep->count, sizeof(*points), compare_points);
	for (i = 0; i < sweep->count; i++) {
		if (kept && points[kept - 1].need == points[i].need) {
			free(points[i].vms);
			continue;
		}
		while (kept && points[kept - 1].cost >= points[i].cost)
			free(points[--kept].vms);
		points[kept++] = points[i];
	}
	sweep->count = kept;
}

/* Room for all VMs, which the caller fills. */
static struct sweep_point *new_point(const struct snapshot *snap, struct sweep *sweep)
{
	struct sweep_point *point = &sweep->points[sweep->count];

	*point = (struct sweep_point){ .vms = calloc(snap->n_vms + 1, sizeof(*point->vms)) };
	if (!point->vms)
		return NULL;
	sweep->count++;
	return point;
}

static int take_plan(const struct snapshot *snap, const struct victim_plan *plan,
		     struct sweep *sweep)
{
	struct sweep_point *point = new_point(snap, sweep);
	size_t i, vm;

	if (!point)
		return -1;
	point->need = plan->freed;
	point->cost = plan->cost;
	point->lower_bound = plan->lower_bound;
	point->proved = plan->proved;
	for (vm = 0; vm < snap->n_vms; vm++) {
		for (i = 0; i < plan->count; i++) {
			if (plan->victims[i].vm == vm)
				point->vms[point->count++] = vm;
		}
	}
	return 0;
}

/* place has, per item, where in the hull's order it is. */
static int take_corner(const struct problem *problem, const struct hull_corner *corner,
		       const uint32_t *place, struct sweep *sweep)
{
	struct sweep_point *point = new_point(problem->snap, sweep);
	uint64_t cost = corner->cost > UINT64_MAX ? UINT64_MAX : (uint64_t)corner->cost;
	size_t vm, item;

	if (!point)
		return -1;
	point->need = add_saturating(problem->freed_first, corner->gain);
	point->cost = point->lower_bound = add_saturating(problem->cost_first, cost);
	point->proved = point->hull = true;
	for (vm = 0; vm < problem->snap->n_vms; vm++) {
		item = problem->item_of[vm];
		if (item == PROBLEM_LEAVES ||
		    (item != PROBLEM_STAYS && place[item] < corner->items))
			point->vms[point->count++] = vm;
	}
	return 0;
}

/* At most so many, the ones nearest above needs spread evenly; the last one in any case. */
static int take_corners(const struct problem *problem, const struct hull *hull, size_t most,
			struct sweep *sweep)
{
	uint32_t *place = calloc((size_t)problem->cover.items + 1, sizeof(*place));
	size_t taken = 0, i;
	int ret = place ? 0 : -1;

	for (i = 0; !ret && hull->count && i < problem->cover.items; i++)
		place[hull->order[i]] = (uint32_t)i;
	for (i = 0; !ret && i < hull->count; i++) {
		wide reached = (wide)hull->corners[i].gain * most;
		wide wanted = (wide)hull->corners[hull->count - 1].gain * (taken + 1);

		if (hull->count > most && reached < wanted)
			continue;
		ret = take_corner(problem, &hull->corners[i], place, sweep);
		taken++;
	}
	free(place);
	return ret;
}

/* What leaves in any case is a corner, unless something comes free on top for nothing. */
static int take_first(const struct problem *problem, const struct hull *hull,
		      struct sweep *sweep)
{
	const struct hull_corner nobody = {};

	if (!problem->freed_first || (hull->count && !hull->corners[0].cost))
		return 0;
	sweep->corners++;
	return take_corner(problem, &nobody, hull->order, sweep);
}

/* Answers to needs may be corners too. */
static void mark_corners(const struct problem *problem, const struct hull *hull,
			 struct sweep *sweep)
{
	size_t corner = 0, i;

	for (i = 0; i < sweep->count; i++) {
		struct sweep_point *point = &sweep->points[i];

		while (corner < hull->count &&
		       problem->freed_first + hull->corners[corner].gain < point->need)
			corner++;
		point->hull |= corner < hull->count &&
			       problem->freed_first + hull->corners[corner].gain == point->need &&
			       problem->cost_first + hull->corners[corner].cost == point->cost;
	}
}

/* Needs that the last answer meets as well are not solved again. */
static int find_answers(const struct snapshot *snap, const struct victim_request *request,
			uint64_t work, size_t count, struct sweep *sweep)
{
	struct victim_request one = *request;
	struct victim_plan plan;
	uint64_t reached = 0;
	size_t i;
	int ret = 0;

	one.work = work / count + 1;
	for (i = 1; !ret && i <= count; i++) {
		one.need = (uint64_t)((wide)sweep->freed_all * i / count);
		if (one.need <= reached)
			continue;
		ret = victim_choose(snap, &one, &plan);
		if (!ret && plan.feasible) {
			reached = plan.freed;
			ret = take_plan(snap, &plan, sweep);
		}
		victim_plan_free(&plan);
	}
	return ret;
}

/* Does the middle one lie below the line from the left one to the right one? */
static bool is_corner(const struct sweep_point *left, const struct sweep_point *middle,
		      const struct sweep_point *right)
{
	uint64_t left_need = left ? left->need : 0, left_cost = left ? left->cost : 0;

	return (wide)(middle->cost - left_cost) * (right->need - left_need) <
	       (wide)(right->cost - left_cost) * (middle->need - left_need);
}

/* The last corner before the point, or NULL: nothing for nothing is one as well. */
static struct sweep_point *corner_before(struct sweep_point *points, size_t point)
{
	while (point--) {
		if (points[point].hull)
			return &points[point];
	}
	return NULL;
}

/* Every point is a corner until a later one shows that it is above a line. */
static void mark_own_hull(struct sweep *sweep)
{
	struct sweep_point *points = sweep->points, *last;
	size_t i;

	for (i = 0; i < sweep->count; i++) {
		while ((last = corner_before(points, i)) &&
		       !is_corner(corner_before(points, (size_t)(last - points)), last, &points[i]))
			last->hull = false;
		points[i].hull = true;
	}
	for (i = 0; i < sweep->count; i++)
		sweep->corners += points[i].hull;
}

static int count_all(const struct snapshot *snap, const struct victim_request *request,
		     struct sweep *sweep)
{
	bool *leaving = calloc(snap->n_vms + 1, sizeof(*leaving));
	size_t i;

	if (!leaving)
		return -1;
	for (i = 0; i < snap->n_vms; i++)
		leaving[i] = victim_movable(snap, request, i) ||
			     (request->with && request->with[i]);
	sweep->freed_all = freed_together(snap, leaving);
	free(leaving);
	return 0;
}

static int spread_points(struct problem *problem, struct hull *hull, size_t max_points,
			 struct sweep *sweep)
{
	const struct victim_request *request = problem->request;
	uint64_t work = problem->cover.work;
	int ret = 0;

	if (!request->max_vms) {
		ret = hull_find(&problem->cover, work / HULL_WORK, hull);
		sweep->corners = hull->count;
		sweep->corners_complete = hull->complete;
	}
	if (!ret && !request->max_vms)
		ret = take_first(problem, hull, sweep);
	if (!ret)
		ret = take_corners(problem, hull, (max_points - 1) / 2, sweep);
	if (!ret)
		ret = find_answers(problem->snap, request, work - work / HULL_WORK,
				   max_points - sweep->count, sweep);
	if (ret)
		return -1;
	keep_answers(sweep);
	if (request->max_vms)
		mark_own_hull(sweep);
	else
		mark_corners(problem, hull, sweep);
	return 0;
}

int sweep_make(const struct snapshot *snap, const struct victim_request *request,
	       size_t max_points, struct sweep *sweep)
{
	struct problem problem = {};
	struct hull hull = {};
	int ret = -1;

	*sweep = (struct sweep){ .points = calloc(max_points + 1, sizeof(*sweep->points)) };
	if (sweep->points && !count_all(snap, request, sweep) &&
	    !problem_init(&problem, snap, request))
		ret = spread_points(&problem, &hull, max_points, sweep);
	hull_free(&hull);
	problem_release(&problem);
	if (ret)
		sweep_free(sweep);
	return ret;
}

void sweep_free(struct sweep *sweep)
{
	size_t i;

	for (i = 0; i < sweep->count; i++)
		free(sweep->points[i].vms);
	free(sweep->points);
	memset(sweep, 0, sizeof(*sweep));
}
