// SPDX-License-Identifier: GPL-2.0
/* Emptying hosts: which set of them, and where their VMs go. */
#include "policy/place.h"

#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"
#include "policy/rivals.h"

#define CHECKS 16			/* no check of one set of hosts takes more than this part of the work */

struct item {
	size_t host, vm;
	uint64_t size;
};

struct search {
	const struct place_request *request;
	struct place_plan *plan;
	size_t *order;			/* hosts that can be emptied, least to send first */
	uint64_t *bytes;		/* per host: to be sent */
	size_t candidates;
	bool *chosen;			/* per host: to be emptied in the set at hand */
	size_t n_chosen;
	uint64_t chosen_bytes;
};

/* One set of hosts as a packing: all arrays are freed together. */
struct trial {
	struct item *items;
	size_t *bins;			/* host of each bin */
	size_t *item_of;		/* per VM of the host at hand */
	uint64_t *size, *own, *room;
	struct packing_group *groups;
	size_t *members;
	const struct vm **vms;		/* per item */
	struct rivals rivals;
	struct packing packing;
};

static bool is_elsewhere(const struct place_request *request, size_t host, const struct vm *vm)
{
	size_t other;

	for (other = 0; other < request->hosts; other++) {
		if (other != host && destination_has(&request->destinations[other], vm))
			return true;
	}
	return false;
}

const struct vm *place_obstacle(const struct place_request *request, size_t host)
{
	const struct snapshot *snap = &request->snaps[host];
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		if (snap->vms[i].pinned || is_elsewhere(request, host, &snap->vms[i]))
			return &snap->vms[i];
	}
	return NULL;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	if (left->size != right->size)
		return left->size > right->size ? -1 : 1;
	if (left->host != right->host)
		return left->host < right->host ? -1 : 1;
	return (left->vm > right->vm) - (left->vm < right->vm);
}

/* What stays of a VM's memory when KSM has merged it with itself. */
static uint64_t own_part(const struct place_request *request, const struct item *item)
{
	const struct facts *facts = &request->snaps[item->host].vms[item->vm].facts;
	uint64_t bytes = facts_or_zero(facts, VM_UNIQUE);

	if (request->unshared)
		return item->size;
	bytes = add_saturating(bytes, facts_or_zero(facts, VM_SHMEM));
	bytes = add_saturating(bytes, facts_or_zero(facts, VM_HUGETLB));
	return add_saturating(bytes, facts_or_zero(facts, VM_SWAP));
}

static void count_trial(const struct search *search, size_t *vms, size_t *sets, size_t *members)
{
	const struct place_request *request = search->request;
	size_t host, i;

	*vms = *sets = *members = 0;
	for (host = 0; host < request->hosts; host++) {
		const struct snapshot *snap = &request->snaps[host];

		if (!search->chosen[host])
			continue;
		*vms += snap->n_vms;
		*sets += snap->n_sets;
		for (i = 0; i < snap->n_sets; i++)
			*members += snap->sets[i].n_pids;
	}
}

static int trial_allocate(const struct search *search, struct trial *trial)
{
	size_t vms, sets, members, hosts = search->request->hosts;

	count_trial(search, &vms, &sets, &members);
	search->plan->tried += vms + members;	/* building it is work as well */
	trial->items = calloc(vms + 1, sizeof(*trial->items));
	trial->item_of = calloc(vms + 1, sizeof(*trial->item_of));
	trial->bins = calloc(hosts + 1, sizeof(*trial->bins));
	trial->size = calloc(vms + 1, sizeof(*trial->size));
	trial->own = calloc(vms + 1, sizeof(*trial->own));
	trial->room = calloc(hosts + 1, sizeof(*trial->room));
	trial->groups = calloc(sets + 1, sizeof(*trial->groups));
	trial->members = calloc(members + 1, sizeof(*trial->members));
	trial->vms = calloc(vms + 1, sizeof(*trial->vms));
	trial->packing.bin_of = calloc(vms + 1, sizeof(size_t));
	trial->packing.used = calloc(hosts + 1, sizeof(uint64_t));
	return trial->items && trial->item_of && trial->bins && trial->size && trial->own &&
	       trial->room && trial->groups && trial->members && trial->vms &&
	       trial->packing.bin_of && trial->packing.used ? 0 : -1;
}

static void trial_free(struct trial *trial)
{
	free(trial->items);
	free(trial->item_of);
	free(trial->bins);
	free(trial->size);
	free(trial->own);
	free(trial->room);
	free(trial->groups);
	free(trial->members);
	free(trial->vms);
	rivals_free(&trial->rivals);
	free(trial->packing.bin_of);
	free(trial->packing.used);
}

static void add_items(const struct search *search, struct trial *trial)
{
	const struct place_request *request = search->request;
	struct packing *packing = &trial->packing;
	size_t host, i;

	for (host = 0; host < request->hosts; host++) {
		const struct snapshot *snap = &request->snaps[host];

		for (i = 0; search->chosen[host] && i < snap->n_vms; i++)
			trial->items[packing->items++] =
				(struct item){ host, i, freed_growth(&snap->vms[i]) };
		/* an empty host is not taken into use: that would only swap it for another */
		if (!search->chosen[host] && snap->n_vms) {
			trial->bins[packing->bins] = host;
			trial->room[packing->bins++] = request->destinations[host].room;
		}
	}
	if (packing->items)
		qsort(trial->items, packing->items, sizeof(*trial->items), compare_items);
	for (i = 0; i < packing->items; i++) {
		trial->size[i] = trial->items[i].size;
		trial->own[i] = own_part(request, &trial->items[i]);
	}
}

/* A host's sets as groups of items; frames of one VM alone are its own. */
static void add_groups(const struct search *search, struct trial *trial, size_t host, size_t *at)
{
	const struct snapshot *snap = &search->request->snaps[host];
	struct packing *packing = &trial->packing;
	size_t i, j;

	for (i = 0; i < packing->items; i++) {
		if (trial->items[i].host == host)
			trial->item_of[trial->items[i].vm] = i;
	}
	for (i = 0; i < snap->n_sets; i++) {
		const struct set *set = &snap->sets[i];

		for (j = 0; j < set->n_pids; j++)
			trial->members[*at + j] =
				trial->item_of[snapshot_vm(snap, set->pids[j]) - snap->vms];
		if (set->n_pids == 1) {
			uint64_t *own = &trial->own[trial->members[*at]];

			*own = add_saturating(*own, set->frames_bytes);
			continue;
		}
		trial->groups[packing->n_groups++] = (struct packing_group){
			.first = *at, .count = set->n_pids, .size = set->frames_bytes,
		};
		*at += set->n_pids;
	}
}

/* VMs of one name on two hosts do not move at all; on one host they go apart. */
static int keep_apart(const struct search *search, struct trial *trial)
{
	struct packing *packing = &trial->packing;
	size_t i;

	for (i = 0; i < packing->items; i++)
		trial->vms[i] = &search->request->snaps[trial->items[i].host].vms[trial->items[i].vm];
	if (rivals_find(&trial->rivals, trial->vms, packing->items))
		return -1;
	if (trial->rivals.any) {
		packing->apart[0] = trial->rivals.by_name;
		packing->apart[1] = trial->rivals.by_uuid;
	}
	return 0;
}

static int trial_fill(const struct search *search, struct trial *trial)
{
	const struct place_request *request = search->request;
	size_t host, at = 0;

	add_items(search, trial);
	for (host = 0; host < request->hosts && !request->unshared; host++) {
		if (search->chosen[host])
			add_groups(search, trial, host, &at);
	}
	trial->packing.size = trial->size;
	trial->packing.own = trial->own;
	trial->packing.room = trial->room;
	trial->packing.groups = trial->groups;
	trial->packing.members = trial->members;
	trial->packing.work = request->work / CHECKS + 1;
	return keep_apart(search, trial);
}

static int take_plan(const struct search *search, const struct trial *trial)
{
	struct place_plan *plan = search->plan;
	const struct packing *packing = &trial->packing;
	size_t hosts = search->request->hosts, i;

	free(plan->moves);
	plan->moves = calloc(packing->items + 1, sizeof(*plan->moves));
	if (!plan->moves)
		return -1;
	memcpy(plan->emptied, search->chosen, hosts * sizeof(*plan->emptied));
	memset(plan->arriving, 0, hosts * sizeof(*plan->arriving));
	memset(plan->settled, 0, hosts * sizeof(*plan->settled));
	plan->n_emptied = search->n_chosen;
	plan->bytes = search->chosen_bytes;
	plan->n_moves = packing->items;
	for (i = 0; i < packing->items; i++) {
		const struct item *item = &trial->items[i];
		size_t to = trial->bins[packing->bin_of[i]];
		uint64_t bytes = freed_resident(&search->request->snaps[item->host].vms[item->vm]);

		plan->moves[i] = (struct place_move){ item->host, item->vm, to, bytes };
		plan->arriving[to] = add_saturating(plan->arriving[to], item->size);
	}
	for (i = 0; i < packing->bins; i++)
		plan->settled[trial->bins[i]] = packing->used[i];
	return 0;
}

static bool is_better(const struct search *search)
{
	const struct place_plan *plan = search->plan;

	return search->n_chosen > plan->n_emptied ||
	       (search->n_chosen == plan->n_emptied && search->chosen_bytes < plan->bytes);
}

/* Returns 1 if all VMs of the chosen hosts fit on the others, 0 if not, -1 for want of memory. */
static int check(struct search *search)
{
	struct trial trial = {};
	enum packing_answer answer = PACKING_NO_MEMORY;
	int ret = -1;

	if (!trial_allocate(search, &trial) && !trial_fill(search, &trial)) {
		answer = packing_solve(&trial.packing);
		search->plan->tried += trial.packing.tried;
	}
	if (answer == PACKING_OPEN)
		search->plan->proved = false;
	if (answer != PACKING_NO_MEMORY)
		ret = answer == PACKING_FITS;
	if (ret == 1 && is_better(search) && take_plan(search, &trial))
		ret = -1;
	trial_free(&trial);
	return ret;
}

/* Can hosts from this one on still lead to something better? Cheapest first, so the next ones are. */
static bool can_improve(const struct search *search, size_t from)
{
	const struct place_plan *plan = search->plan;
	uint64_t bytes = search->chosen_bytes;
	size_t left = search->candidates - from, i;

	if (search->n_chosen + left != plan->n_emptied)
		return search->n_chosen + left > plan->n_emptied;
	for (i = from; i < search->candidates; i++)
		bytes = add_saturating(bytes, search->bytes[search->order[i]]);
	return bytes < plan->bytes;
}

/* If a set of hosts cannot be emptied, none that holds it can: only sets that can are grown. */
static int grow(struct search *search, size_t from)
{
	uint64_t bytes = search->chosen_bytes;
	size_t i, host;
	int fits = 0;

	for (i = from; i < search->candidates && fits >= 0 && can_improve(search, i); i++) {
		if (search->plan->tried >= search->request->work) {
			search->plan->proved = false;
			return 0;
		}
		host = search->order[i];
		search->chosen[host] = true;
		search->n_chosen++;
		search->chosen_bytes = add_saturating(bytes, search->bytes[host]);
		fits = check(search);
		if (fits > 0)
			fits = grow(search, i + 1);
		search->chosen[host] = false;
		search->n_chosen--;
		search->chosen_bytes = bytes;
	}
	return fits < 0 ? -1 : 0;
}

static void list_candidates(struct search *search)
{
	const struct place_request *request = search->request;
	size_t host, i;

	for (host = 0; host < request->hosts; host++) {
		if (!request->snaps[host].n_vms || place_obstacle(request, host))
			continue;
		for (i = 0; i < request->snaps[host].n_vms; i++)
			search->bytes[host] = add_saturating(
				search->bytes[host], freed_resident(&request->snaps[host].vms[i]));
		for (i = search->candidates++;
		     i && search->bytes[search->order[i - 1]] > search->bytes[host]; i--)
			search->order[i] = search->order[i - 1];
		search->order[i] = host;
	}
}

int place_choose(const struct place_request *request, struct place_plan *plan)
{
	struct search search = {
		.request = request,
		.plan = plan,
		.order = calloc(request->hosts + 1, sizeof(size_t)),
		.bytes = calloc(request->hosts + 1, sizeof(uint64_t)),
		.chosen = calloc(request->hosts + 1, sizeof(bool)),
	};
	int ret = -1;

	*plan = (struct place_plan){
		.emptied = calloc(request->hosts + 1, sizeof(*plan->emptied)),
		.moves = calloc(1, sizeof(*plan->moves)),
		.arriving = calloc(request->hosts + 1, sizeof(*plan->arriving)),
		.settled = calloc(request->hosts + 1, sizeof(*plan->settled)),
		.proved = true,
	};
	if (search.order && search.bytes && search.chosen && plan->emptied && plan->moves &&
	    plan->arriving && plan->settled) {
		list_candidates(&search);
		ret = grow(&search, 0);
	}
	free(search.order);
	free(search.bytes);
	free(search.chosen);
	if (ret)
		place_plan_free(plan);
	return ret;
}

void place_plan_free(struct place_plan *plan)
{
	free(plan->emptied);
	free(plan->moves);
	free(plan->arriving);
	free(plan->settled);
	memset(plan, 0, sizeof(*plan));
}
