// SPDX-License-Identifier: GPL-2.0
/* A plan beside the choices that other numbers suggest. */
#include "policy/explain.h"

#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"

static const struct {
	const char *name, *words;
} orders[ORDERS] = {
	[ORDER_RESIDENT] = { "RSS", "resident memory" },
	[ORDER_PROPORTIONAL] = { "PSS", "proportional share" },
	[ORDER_UNIQUE] = { "USS", "unique memory" },
};

const char *explain_order_name(enum explain_order order)
{
	return orders[order].name;
}

const char *explain_order_words(enum explain_order order)
{
	return orders[order].words;
}

static size_t index_of(const struct snapshot *snap, uint32_t pid)
{
	return (size_t)(snapshot_vm(snap, pid) - snap->vms);
}

/* Each merged frame divided by the processes on it, for all VMs at once. */
static uint64_t *proportional_shares(const struct snapshot *snap)
{
	uint64_t *share = calloc(snap->n_vms + 1, sizeof(*share));
	size_t i, j;

	if (!share)
		return NULL;
	for (i = 0; i < snap->n_vms; i++)
		share[i] = freed_own(&snap->vms[i]);
	for (i = 0; i < snap->n_sets; i++) {
		const struct set *set = &snap->sets[i];
		uint64_t part = set->frames_bytes / (set->n_pids + set->outside);

		for (j = 0; j < set->n_pids; j++) {
			size_t vm = index_of(snap, set->pids[j]);

			share[vm] = add_saturating(share[vm], part);
		}
	}
	return share;
}

uint64_t explain_promise(const struct snapshot *snap, const uint64_t *proportional, size_t vm,
			 enum explain_order order)
{
	const struct facts *facts = &snap->vms[vm].facts;
	uint64_t pss;

	switch (order) {
	case ORDER_RESIDENT:
		return freed_resident(&snap->vms[vm]);
	case ORDER_PROPORTIONAL:
		return facts_get(facts, VM_PSS, &pss) ? pss : proportional[vm];
	default:
		return facts_or_zero(facts, VM_UNIQUE);
	}
}

/* What the explanation is about, and what is counted once for all orders. */
struct inquiry {
	const struct snapshot *snap;
	const struct victim_request *request;
	uint64_t *proportional;
	size_t *place;			/* per VM: place in the order, SIZE_MAX if it stays */
	uint64_t *gain;			/* per place: what comes free there */
};

struct ranked {
	size_t vm;
	bool first;			/* leaves in any case */
	uint64_t promise;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->first != right->first)
		return left->first ? -1 : 1;
	if (left->promise != right->promise)
		return left->promise > right->promise ? -1 : 1;
	return (left->vm > right->vm) - (left->vm < right->vm);
}

static int rank(const struct inquiry *inquiry, struct explain_choice *choice)
{
	const struct victim_request *request = inquiry->request;
	struct ranked *ranked = calloc(inquiry->snap->n_vms + 1, sizeof(*ranked));
	size_t i;

	choice->vms = calloc(inquiry->snap->n_vms + 1, sizeof(*choice->vms));
	if (!ranked || !choice->vms) {
		free(ranked);
		return -1;
	}
	for (i = 0; i < inquiry->snap->n_vms; i++) {
		if (victim_movable(inquiry->snap, request, i))
			ranked[choice->n_vms++] = (struct ranked){
				i, request->with && request->with[i],
				explain_promise(inquiry->snap, inquiry->proportional, i,
						choice->order),
			};
	}
	qsort(ranked, choice->n_vms, sizeof(*ranked), compare_ranked);
	for (i = 0; i < choice->n_vms; i++)
		choice->vms[i] = ranked[i].vm;
	free(ranked);
	return 0;
}

/* A set comes free with the last of its VMs in the order, if all of them leave. */
static void count_gains(const struct inquiry *inquiry, const struct explain_choice *choice)
{
	const struct snapshot *snap = inquiry->snap;
	size_t i, j, place, last;

	for (i = 0; i < snap->n_vms; i++)
		inquiry->place[i] = SIZE_MAX;
	for (i = 0; i < choice->n_vms; i++) {
		inquiry->place[choice->vms[i]] = i;
		inquiry->gain[i] = freed_own(&snap->vms[choice->vms[i]]);
	}
	for (i = 0; i < snap->n_sets; i++) {
		for (j = 0, last = 0; j < snap->sets[i].n_pids; j++) {
			place = inquiry->place[index_of(snap, snap->sets[i].pids[j])];
			last = place > last ? place : last;
		}
		if (last != SIZE_MAX && !snap->sets[i].outside)
			inquiry->gain[last] = add_saturating(inquiry->gain[last],
							     snap->sets[i].frames_bytes);
	}
}

static void take(const struct inquiry *inquiry, const struct explain_choice *choice,
		 struct explain_prefix *prefix)
{
	size_t vm = choice->vms[prefix->count];

	prefix->freed = add_saturating(prefix->freed, inquiry->gain[prefix->count]);
	prefix->promised = add_saturating(
		prefix->promised,
		explain_promise(inquiry->snap, inquiry->proportional, vm, choice->order));
	prefix->cost = add_saturating(prefix->cost,
				      victim_cost(inquiry->snap, inquiry->request, vm));
	prefix->count++;
}

static size_t forced(const struct victim_request *request, size_t n_vms)
{
	size_t count = 0, i;

	for (i = 0; request->with && i < n_vms; i++)
		count += request->with[i];
	return count;
}

/* Those that leave in any case, then one by one to the end that each prefix has. */
static void follow(const struct inquiry *inquiry, struct explain_choice *choice)
{
	const struct victim_request *request = inquiry->request;
	size_t first = forced(request, inquiry->snap->n_vms), limit = choice->n_vms;
	struct explain_prefix *real = &choice->real, *believed = &choice->believed;

	if (request->max_vms && request->max_vms < limit)
		limit = request->max_vms;
	while (real->count < limit && (real->count < first || real->freed < request->need))
		take(inquiry, choice, real);
	while (believed->count < limit &&
	       (believed->count < first || believed->promised < request->need))
		take(inquiry, choice, believed);
	choice->possible = real->freed >= request->need && real->count >= first;
	choice->enough = believed->freed >= request->need && believed->count >= first;
}

static int explain_orders(struct inquiry *inquiry, struct explanation *explanation)
{
	enum explain_order order;

	for (order = 0; order < ORDERS; order++) {
		struct explain_choice *choice = &explanation->choice[order];

		choice->order = order;
		if (rank(inquiry, choice))
			return -1;
		count_gains(inquiry, choice);
		follow(inquiry, choice);
	}
	return 0;
}

/* A victim is needed for its own memory and for every set that leaves whole with it. */
static int explain_victims(const struct snapshot *snap, const struct victim_plan *plan,
			   size_t *place, struct explanation *explanation)
{
	uint64_t *needed;
	size_t i, j;

	needed = explanation->needed_for = calloc(plan->count + 1, sizeof(*needed));
	if (!needed)
		return -1;
	for (i = 0; i < snap->n_vms; i++)
		place[i] = SIZE_MAX;
	for (i = 0; i < plan->count; i++) {
		place[plan->victims[i].vm] = i;
		needed[i] = freed_own(&snap->vms[plan->victims[i].vm]);
	}
	for (i = 0; i < snap->n_sets; i++) {
		const struct set *set = &snap->sets[i];

		for (j = 0; j < set->n_pids && place[index_of(snap, set->pids[j])] != SIZE_MAX; j++)
			;
		if (j < set->n_pids || set->outside)
			continue;
		for (j = 0; j < set->n_pids; j++) {
			uint64_t *sum = &needed[place[index_of(snap, set->pids[j])]];

			*sum = add_saturating(*sum, set->frames_bytes);
		}
	}
	return 0;
}

int explain_plan(const struct snapshot *snap, const struct victim_request *request,
		 const struct victim_plan *plan, struct explanation *explanation)
{
	struct inquiry inquiry = {
		.snap = snap,
		.request = request,
		.proportional = proportional_shares(snap),
		.place = calloc(snap->n_vms + 1, sizeof(size_t)),
		.gain = calloc(snap->n_vms + 1, sizeof(uint64_t)),
	};
	int ret = -1;

	memset(explanation, 0, sizeof(*explanation));
	if (inquiry.proportional && inquiry.place && inquiry.gain &&
	    !explain_victims(snap, plan, inquiry.place, explanation))
		ret = explain_orders(&inquiry, explanation);
	free(inquiry.proportional);
	free(inquiry.place);
	free(inquiry.gain);
	if (ret)
		explanation_free(explanation);
	return ret;
}

void explanation_free(struct explanation *explanation)
{
	enum explain_order order;

	for (order = 0; order < ORDERS; order++)
		free(explanation->choice[order].vms);
	free(explanation->needed_for);
	memset(explanation, 0, sizeof(*explanation));
}
