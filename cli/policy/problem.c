// SPDX-License-Identifier: GPL-2.0
#include "policy/problem.h"

#include <stdlib.h>

#include "policy/destination.h"
#include "policy/freed.h"
#include "policy/rivals.h"

/* One set of VMs is given this part of the placements that may be tried in all. */
#define ASSIGNMENTS 100

static void sort_vms(struct problem *problem)
{
	const struct victim_request *request = problem->request;
	size_t i;

	for (i = 0; i < problem->snap->n_vms; i++) {
		problem->item_of[i] = PROBLEM_STAYS;
		if (request->with && request->with[i]) {
			problem->item_of[i] = PROBLEM_LEAVES;
			problem->with++;
			problem->cost_first = add_saturating(
				problem->cost_first, victim_cost(problem->snap, request, i));
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
		if (item == PROBLEM_STAYS)
			return false;
		if (item != PROBLEM_LEAVES)
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

void problem_release(struct problem *problem)
{
	free(problem->item_of);
	free(problem->vm_of);
	free(problem->size);
	free(problem->kind);
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
		leaving[i] = problem->item_of[i] == PROBLEM_LEAVES;
	problem->freed_first = freed_together(problem->snap, leaving);
	free(leaving);
	cover->need = request->need > problem->freed_first ?
		      request->need - problem->freed_first : 0;
	cover->max_items = SIZE_MAX;
	if (request->max_vms)
		cover->max_items = request->max_vms > problem->with ?
				   request->max_vms - problem->with : 0;
	cover->work = request->work ? request->work : VICTIM_WORK;
	return 0;
}

int problem_init(struct problem *problem, const struct snapshot *snap,
		 const struct victim_request *request)
{
	*problem = (struct problem){ .snap = snap, .request = request };
	if (allocate(problem))
		return -1;
	sort_vms(problem);
	add_items(problem);
	add_groups(problem);
	return set_limits(problem);
}

bool problem_chosen(const struct problem *problem, size_t vm)
{
	size_t item = problem->item_of[vm];

	return item == PROBLEM_LEAVES ||
	       (item != PROBLEM_STAYS && problem->cover.best[item]);
}

enum cover_fit problem_fits(struct problem *problem, const bool *in)
{
	const struct victim_hosts *hosts = problem->request->hosts;
	size_t n_vms = problem->snap->n_vms, count = 0, i, item;
	size_t *vms = calloc(n_vms + 1, sizeof(*vms));
	size_t *host_of = calloc(n_vms + 1, sizeof(*host_of));
	enum packing_answer answer = PACKING_NO_MEMORY;

	for (i = 0; vms && i < n_vms; i++) {
		item = problem->item_of[i];
		if (item == PROBLEM_LEAVES || (item != PROBLEM_STAYS && in[item]))
			vms[count++] = i;
	}
	if (vms && host_of)
		answer = destination_assign(problem->snap, vms, count, hosts->destinations,
					    hosts->count, hosts->work / ASSIGNMENTS + 1, host_of);
	free(vms);
	free(host_of);
	problem->no_memory |= answer == PACKING_NO_MEMORY;
	return answer == PACKING_FITS ? COVER_FITS :
	       answer == PACKING_NONE ? COVER_FITS_NOT : COVER_FIT_UNKNOWN;
}

static enum cover_fit fits(void *problem, const bool *in)
{
	return problem_fits(problem, in);
}

/* A host that has a VM of its name is closed to it, but not to its like. */
static bool is_barred(const struct victim_hosts *hosts, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < hosts->count; i++) {
		if (destination_has(&hosts->destinations[i], vm))
			return true;
	}
	return false;
}

/* Marks the VMs that have another of their name or UUID beside them here. */
static int mark_rivals(const struct snapshot *snap, bool *rival)
{
	const struct vm **list = calloc(snap->n_vms + 1, sizeof(*list));
	struct rivals rivals = {};
	size_t i;
	int ret = -1;

	for (i = 0; list && i < snap->n_vms; i++)
		list[i] = &snap->vms[i];
	if (list)
		ret = rivals_find(&rivals, list, snap->n_vms);
	for (i = 0; !ret && i < snap->n_vms; i++) {
		if (rivals.by_name[i] != RIVAL_NONE)
			rival[i] = rival[rivals.by_name[i]] = true;
		if (rivals.by_uuid[i] != RIVAL_NONE)
			rival[i] = rival[rivals.by_uuid[i]] = true;
	}
	rivals_free(&rivals);
	free(list);
	return ret;
}

/* What is left beside the VMs that leave in any case. */
static uint64_t room_for_items(const struct problem *problem)
{
	const struct victim_hosts *hosts = problem->request->hosts;
	uint64_t room = 0, taken = 0;
	size_t i;

	for (i = 0; i < hosts->count; i++)
		room = add_saturating(room, hosts->destinations[i].room);
	for (i = 0; i < problem->snap->n_vms; i++) {
		if (problem->item_of[i] == PROBLEM_LEAVES)
			taken = add_saturating(taken, freed_growth(&problem->snap->vms[i]));
	}
	return room > taken ? room - taken : 0;
}

int problem_bind_hosts(struct problem *problem)
{
	struct cover *cover = &problem->cover;
	bool *rival = calloc(problem->snap->n_vms + 1, sizeof(*rival));
	uint32_t i;

	problem->size = calloc((size_t)cover->items + 1, sizeof(*problem->size));
	problem->kind = calloc((size_t)cover->items + 1, sizeof(*problem->kind));
	if (!rival || !problem->size || !problem->kind || mark_rivals(problem->snap, rival)) {
		free(rival);
		return -1;
	}
	for (i = 0; i < cover->items; i++) {
		const struct vm *vm = &problem->snap->vms[problem->vm_of[i]];
		bool unique = rival[problem->vm_of[i]] || is_barred(problem->request->hosts, vm);

		problem->size[i] = freed_growth(vm);
		problem->kind[i] = unique ? i + 1 : 0;
	}
	free(rival);
	cover->size = problem->size;
	cover->kind = problem->kind;
	cover->room = room_for_items(problem);
	cover->fits = fits;
	cover->fits_data = problem;
	return 0;
}
