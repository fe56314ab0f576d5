// SPDX-License-Identifier: GPL-2.0
/*
 * The trade-off against brute force: what every subset of up to 9 VMs frees and
 * costs, and the lower hull of these points by testing each against all lines.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "policy/sweep.h"

#define VMS_MAX 9
#define SETS_MAX 24
#define SUBSETS (1u << VMS_MAX)

struct landscape {
	unsigned int vms, sets, subsets;
	uint64_t own[VMS_MAX], cost[VMS_MAX], frames[SETS_MAX];
	unsigned int mask[SETS_MAX], keep, with;
	int64_t freed_by[SUBSETS], cost_of[SUBSETS];
	bool allowed[SUBSETS];
};

static void fill(struct landscape *land)
{
	unsigned int set, i;

	land->subsets = 1u << land->vms;
	for (set = 0; set < land->subsets; set++) {
		land->allowed[set] = !(set & land->keep) && !(land->with & ~set);
		land->freed_by[set] = land->cost_of[set] = 0;
		for (i = 0; i < land->vms; i++) {
			land->freed_by[set] += set >> i & 1 ? (int64_t)land->own[i] : 0;
			land->cost_of[set] += set >> i & 1 ? (int64_t)land->cost[i] : 0;
		}
		for (i = 0; i < land->sets; i++)
			land->freed_by[set] += land->mask[i] & ~set ? 0 : (int64_t)land->frames[i];
	}
}

/* Small numbers make ties and points on one line; costs of 0 and useless VMs come too. */
static void make_landscape(struct landscape *land)
{
	uint64_t scale = test_random_below(2) ? 4 : 1000000;
	unsigned int i;

	memset(land, 0, sizeof(*land));
	land->vms = 1 + (unsigned int)test_random_below(VMS_MAX);
	land->sets = (unsigned int)test_random_below(SETS_MAX + 1);
	for (i = 0; i < land->vms; i++) {
		land->own[i] = test_random_below(3) ? test_random_below(scale) : 0;
		land->cost[i] = test_random_below(6) ? test_random_below(scale) : 0;
	}
	for (i = 0; i < land->sets; i++) {
		land->mask[i] = 1 + (unsigned int)test_random_below((1u << land->vms) - 1);
		if (test_random_below(2))
			land->mask[i] = 1u << test_random_below(land->vms) |
					1u << test_random_below(land->vms);
		land->frames[i] = test_random_below(scale);
	}
	if (test_random_below(3) == 0)
		land->keep = (unsigned int)(test_random() & test_random()) % (1u << land->vms);
	if (test_random_below(3) == 0)
		land->with = (unsigned int)(test_random() & test_random()) % (1u << land->vms) &
			     ~land->keep;
	fill(land);
}

static void make_snapshot(const struct landscape *land, struct snapshot *snap)
{
	unsigned int i, j;

	snapshot_init(snap);
	for (i = 0; i < land->vms; i++) {
		struct vm *vm = snapshot_add_vm(snap, 10 + i);

		facts_set(&vm->facts, VM_UNIQUE, land->own[i]);
	}
	for (i = 0; i < land->sets; i++) {
		uint32_t pids[VMS_MAX];
		size_t count = 0;

		for (j = 0; j < land->vms; j++) {
			if (land->mask[i] >> j & 1)
				pids[count++] = 10 + j;
		}
		snapshot_add_set(snap, pids, count)->frames_bytes = land->frames[i];
	}
	snap->sets_known = true;
}

static int make_sweep(const struct landscape *land, const struct snapshot *snap, size_t points,
		      uint64_t work, size_t max_vms, struct sweep *sweep)
{
	bool keep[VMS_MAX], with[VMS_MAX];
	struct victim_request request = { .keep = keep, .with = with, .costs = land->cost,
					  .work = work, .max_vms = max_vms };
	unsigned int i;

	for (i = 0; i < VMS_MAX; i++) {
		keep[i] = land->keep >> i & 1;
		with[i] = land->with >> i & 1;
	}
	return sweep_make(snap, &request, points, sweep);
}

/* Frees as much for less, or more for as much. */
static bool is_beaten(const struct landscape *land, unsigned int set)
{
	unsigned int other;

	for (other = 0; other < land->subsets; other++) {
		if (land->allowed[other] && land->freed_by[other] >= land->freed_by[set] &&
		    land->cost_of[other] <= land->cost_of[set] &&
		    (land->freed_by[other] > land->freed_by[set] ||
		     land->cost_of[other] < land->cost_of[set]))
			return true;
	}
	return false;
}

/* On or above the line from one that frees less to one that frees more? */
static bool is_above_line(const struct landscape *land, unsigned int set)
{
	unsigned int less, more;

	for (less = 0; less < land->subsets; less++) {
		if (!land->allowed[less] || land->freed_by[less] >= land->freed_by[set])
			continue;
		for (more = 0; more < land->subsets; more++) {
			__int128 run, rise;

			if (!land->allowed[more] || land->freed_by[more] <= land->freed_by[set])
				continue;
			run = land->freed_by[more] - land->freed_by[less];
			rise = land->cost_of[more] - land->cost_of[less];
			if ((land->cost_of[set] - land->cost_of[less]) * run >=
			    rise * (land->freed_by[set] - land->freed_by[less]))
				return true;
		}
	}
	return false;
}

static bool is_hull_corner(const struct landscape *land, unsigned int set)
{
	return land->allowed[set] && land->freed_by[set] > 0 && !is_beaten(land, set) &&
	       !is_above_line(land, set);
}

static const struct sweep_point *find_point(const struct sweep *sweep, int64_t need, int64_t cost)
{
	size_t i;

	for (i = 0; i < sweep->count; i++) {
		if ((int64_t)sweep->points[i].need == need &&
		    (int64_t)sweep->points[i].cost == cost)
			return &sweep->points[i];
	}
	return NULL;
}

/* Different sets may be the same corner. */
static size_t count_corners(const struct landscape *land, const struct sweep *sweep,
			    size_t *missing)
{
	size_t corners = 0;
	unsigned int set, before;

	*missing = 0;
	for (set = 0; set < land->subsets; set++) {
		const struct sweep_point *point;

		if (!is_hull_corner(land, set))
			continue;
		for (before = 0; before < set; before++) {
			if (land->allowed[before] && land->freed_by[before] == land->freed_by[set] &&
			    land->cost_of[before] == land->cost_of[set])
				break;
		}
		corners += before == set;
		point = find_point(sweep, land->freed_by[set], land->cost_of[set]);
		*missing += !point || !point->hull;
	}
	return corners;
}

static bool is_true(const struct landscape *land, const struct sweep_point *point)
{
	unsigned int set = 0, other;
	size_t i;

	for (i = 0; i < point->count; i++)
		set |= 1u << point->vms[i];
	if (!land->allowed[set] || land->freed_by[set] != (int64_t)point->need ||
	    land->cost_of[set] != (int64_t)point->cost || point->lower_bound > point->cost)
		return false;
	for (other = 0; other < land->subsets; other++) {
		if (land->allowed[other] && land->freed_by[other] >= (int64_t)point->need &&
		    land->cost_of[other] <
			    (int64_t)(point->proved ? point->cost : point->lower_bound))
			return false;
	}
	return !point->hull || is_hull_corner(land, set);
}

static size_t count_false(const struct landscape *land, const struct sweep *sweep)
{
	size_t wrong = 0, i;

	for (i = 0; i < sweep->count; i++) {
		wrong += !is_true(land, &sweep->points[i]);
		wrong += i && (sweep->points[i].need <= sweep->points[i - 1].need ||
			       sweep->points[i].cost <= sweep->points[i - 1].cost);
	}
	return wrong;
}

static void test_corners(void)
{
	size_t wrong = 0, missing, absent = 0, miscounted = 0, most = 0, i;

	for (i = 0; i < 1500; i++) {
		struct landscape land;
		struct snapshot snap;
		struct sweep sweep;
		size_t corners;

		make_landscape(&land);
		make_snapshot(&land, &snap);
		wrong += make_sweep(&land, &snap, 64, 0, 0, &sweep) != 0;
		corners = count_corners(&land, &sweep, &missing);
		absent += missing;
		miscounted += corners != sweep.corners || !sweep.corners_complete;
		most = corners > most ? corners : most;
		wrong += count_false(&land, &sweep);
		sweep_free(&sweep);
		snapshot_free(&snap);
	}
	is_number(absent, 0, "1500 sweeps have every corner of the hull of all subsets");
	is_number(miscounted, 0, "and count no others");
	is_number(wrong, 0, "every point is true: what it frees, costs, proves, and its being a corner");
	ok(most > 5, "up to %zu corners", most);
}

/* Few points, little work: what is said is still true. */
static void test_thinned(void)
{
	size_t wrong = 0, long_ones = 0, incomplete = 0, i;

	for (i = 0; i < 1500; i++) {
		size_t points = 2 + test_random_below(6);
		struct landscape land;
		struct snapshot snap;
		struct sweep sweep;

		make_landscape(&land);
		make_snapshot(&land, &snap);
		wrong += make_sweep(&land, &snap, points, 1 + test_random_below(2000), 0, &sweep) != 0;
		wrong += count_false(&land, &sweep);
		long_ones += sweep.count > points;
		incomplete += !sweep.corners_complete;
		sweep_free(&sweep);
		snapshot_free(&snap);
	}
	is_number(wrong, 0, "1500 sweeps of few points and little work: every point is true");
	is_number(long_ones, 0, "and none has more points than it may");
	ok(incomplete > 50, "%zu of them could not look for all corners", incomplete);
}

/* A limit of VMs takes the closure away, so corners are not claimed to be all. */
static void test_limited(void)
{
	size_t claimed = 0, wrong = 0, i, j;

	for (i = 0; i < 300; i++) {
		struct landscape land;
		struct snapshot snap;
		struct sweep sweep;

		make_landscape(&land);
		make_snapshot(&land, &snap);
		wrong += make_sweep(&land, &snap, 8, 0, 3, &sweep) != 0;
		claimed += sweep.corners_complete;
		for (j = 0; j < sweep.count; j++)
			wrong += sweep.points[j].count > 3;
		sweep_free(&sweep);
		snapshot_free(&snap);
	}
	is_number(claimed, 0, "with a limit of VMs no corners are claimed to be all");
	is_number(wrong, 0, "and no answer has more VMs");
}

void test_sweep(void)
{
	test_corners();
	test_thinned();
	test_limited();
}
