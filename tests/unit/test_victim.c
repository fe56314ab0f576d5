// SPDX-License-Identifier: GPL-2.0
/*
 * The choice of victims against brute force: every subset of up to 12 VMs is
 * tried, with a set function of its own over bit masks.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"
#include "policy/victim.h"
#include "snapjson.h"

#define VMS_MAX 12
#define SETS_MAX 40

struct instance {
	unsigned int vms, sets;
	uint64_t own[VMS_MAX], cost[VMS_MAX];
	uint32_t pinned;		/* masks over the VMs */
	unsigned int mask[SETS_MAX];
	bool outside[SETS_MAX];
	uint64_t frames[SETS_MAX];

	uint64_t need;
	uint32_t keep, with;
	unsigned int max_vms;
	bool count;			/* the cost model */
};

struct best {
	bool found;
	uint64_t cost;
};

static uint64_t freed_by(const struct instance *in, uint32_t leaving)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < in->vms; i++)
		bytes += leaving >> i & 1 ? in->own[i] : 0;
	for (i = 0; i < in->sets; i++) {
		if (!in->outside[i] && !(in->mask[i] & ~leaving))
			bytes += in->frames[i];
	}
	return bytes;
}

static uint64_t cost_of(const struct instance *in, uint32_t leaving)
{
	uint64_t cost = 0;
	unsigned int i;

	for (i = 0; i < in->vms; i++)
		cost += leaving >> i & 1 ? (in->count ? 1 : in->cost[i]) : 0;
	return cost;
}

static bool is_allowed(const struct instance *in, uint32_t leaving)
{
	return !(leaving & (in->pinned | in->keep)) && !(in->with & ~leaving) &&
	       (!in->max_vms || (unsigned int)__builtin_popcount(leaving) <= in->max_vms);
}

static struct best brute_force(const struct instance *in)
{
	struct best best = {};
	uint32_t leaving;

	for (leaving = 0; leaving < 1u << in->vms; leaving++) {
		uint64_t cost = cost_of(in, leaving);

		if (!is_allowed(in, leaving) || freed_by(in, leaving) < in->need ||
		    (best.found && cost >= best.cost))
			continue;
		best = (struct best){ true, cost };
	}
	return best;
}

/* Own memory, costs, sets of two or three up to all, needs of every size. */
static void make_instance(struct instance *in)
{
	unsigned int scale = test_random_below(2) ? 1 : 4096, i;
	uint32_t all;

	memset(in, 0, sizeof(*in));
	in->vms = 1 + (unsigned int)test_random_below(VMS_MAX);
	in->sets = (unsigned int)test_random_below(SETS_MAX + 1);
	all = (1u << in->vms) - 1;
	for (i = 0; i < in->vms; i++) {
		in->own[i] = test_random_below(3) ? scale * test_random_below(500) : 0;
		in->cost[i] = test_random_below(8) ? test_random_below(5000) : 0;
	}
	for (i = 0; i < in->sets; i++) {
		in->mask[i] = (uint32_t)test_random() & all;
		if (test_random_below(2))
			in->mask[i] &= (uint32_t)test_random();
		if (!in->mask[i])
			in->mask[i] = 1u << test_random_below(in->vms);
		in->frames[i] = scale * test_random_below(1000);
		in->outside[i] = test_random_below(6) == 0;
	}
	if (test_random_below(4) == 0)
		in->pinned = (uint32_t)(test_random() & test_random() & test_random()) & all;
	if (test_random_below(4) == 0)
		in->keep = (uint32_t)(test_random() & test_random()) & all;
	if (test_random_below(4) == 0)
		in->with = (uint32_t)(test_random() & test_random()) & all &
			   ~(in->keep | in->pinned);
	if (test_random_below(3) == 0)
		in->max_vms = 1 + (unsigned int)test_random_below(in->vms);
	in->count = test_random_below(4) == 0;
	in->need = 1 + test_random_below(freed_by(in, all) * 5 / 4 + 2);
}

/* pid of VM i: not its index, so that mixing them up shows. */
static uint32_t pid_of(unsigned int i)
{
	return 1000 + 3 * i;
}

static bool is_listed(const struct instance *in, unsigned int set)
{
	unsigned int i;

	for (i = 0; i < set; i++) {
		if (in->mask[i] == in->mask[set] && in->outside[i] == in->outside[set])
			return true;
	}
	return false;
}

/* Sets of equal members become one, as in a real snapshot. */
static uint64_t frames_of(const struct instance *in, unsigned int set)
{
	uint64_t frames = 0;
	unsigned int i;

	for (i = 0; i < in->sets; i++) {
		if (in->mask[i] == in->mask[set] && in->outside[i] == in->outside[set])
			frames += in->frames[i];
	}
	return frames;
}

static void add_set(struct snapshot *snap, const struct instance *in, unsigned int set)
{
	uint32_t pids[VMS_MAX];
	struct set *added;
	unsigned int i;
	size_t count = 0;

	for (i = 0; i < in->vms; i++) {
		if (in->mask[set] >> i & 1)
			pids[count++] = pid_of(i);
	}
	added = snapshot_add_set(snap, pids, count);
	added->outside = in->outside[set];
	added->frames_bytes = frames_of(in, set);
}

/* The own memory in its three parts; the cost as memory, or given. */
static void make_snapshot(const struct instance *in, struct snapshot *snap)
{
	unsigned int i;

	snapshot_init(snap);
	for (i = 0; i < in->vms; i++) {
		struct vm *vm = snapshot_add_vm(snap, pid_of(i));
		uint64_t part = in->own[i] / 3;

		facts_set(&vm->facts, VM_UNIQUE, part);
		facts_set(&vm->facts, i % 2 ? VM_SHMEM : VM_PRIVATE_SHMEM, part);
		facts_set(&vm->facts, VM_PAGE_TABLES, in->own[i] - 2 * part);
		vm->pinned = in->pinned >> i & 1;
		if (!in->count)
			facts_set(&vm->facts, VM_COST, in->cost[i]);
	}
	for (i = 0; i < in->sets; i++) {
		if (!is_listed(in, i))
			add_set(snap, in, i);
	}
	snap->sets_known = true;
}

static int choose(const struct instance *in, const struct snapshot *snap, uint64_t work,
		  struct victim_plan *plan)
{
	bool keep[VMS_MAX], with[VMS_MAX];
	uint64_t costs[VMS_MAX];
	struct victim_request request = {
		.need = in->need, .keep = keep, .with = with, .max_vms = in->max_vms,
		.costs = costs, .work = work,
	};
	unsigned int i;

	for (i = 0; i < VMS_MAX; i++) {
		keep[i] = in->keep >> i & 1;
		with[i] = in->with >> i & 1;
		costs[i] = in->count ? 1 : in->cost[i];
	}
	return victim_choose(snap, &request, plan);
}

/* Do the plan's numbers follow from its victims? */
static bool is_consistent(const struct instance *in, const struct victim_plan *plan)
{
	uint32_t leaving = 0, one;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct victim *victim = &plan->victims[i];

		one = 1u << victim->vm;
		if (leaving & one)
			return false;
		leaving |= one;
		if (victim->freed_alone != freed_by(in, one) ||
		    victim->freed_with_previous != freed_by(in, leaving) ||
		    victim->cost != cost_of(in, one))
			return false;
	}
	return is_allowed(in, leaving) && plan->cost == cost_of(in, leaving) &&
	       plan->freed == freed_by(in, leaving) && plan->freed >= in->need;
}

/* No victim too many: that also holds for those that cost nothing. */
static bool is_minimal(const struct instance *in, const struct victim_plan *plan)
{
	uint32_t leaving = 0;
	size_t i;

	for (i = 0; i < plan->count; i++)
		leaving |= 1u << plan->victims[i].vm;
	for (i = 0; i < plan->count; i++) {
		uint32_t rest = leaving & ~(1u << plan->victims[i].vm);

		if (is_allowed(in, rest) && freed_by(in, rest) >= in->need)
			return false;
	}
	return true;
}

static void test_against_brute_force(void)
{
	unsigned int wrong = 0, inconsistent = 0, unproved = 0, excess = 0, infeasible = 0, i;

	for (i = 0; i < 4000; i++) {
		struct victim_plan plan;
		struct instance in;
		struct snapshot snap;
		struct best best;

		make_instance(&in);
		make_snapshot(&in, &snap);
		best = brute_force(&in);
		wrong += choose(&in, &snap, 0, &plan) != 0;
		wrong += plan.feasible != best.found || (best.found && plan.cost != best.cost);
		unproved += !plan.proved;
		infeasible += !best.found;
		if (plan.feasible) {
			inconsistent += !is_consistent(&in, &plan);
			excess += !is_minimal(&in, &plan);
		}
		victim_plan_free(&plan);
		snapshot_free(&snap);
	}
	is_number(wrong, 0, "4000 random hosts: the cheapest set, or none where there is none");
	is_number(unproved, 0, "each proved");
	is_number(inconsistent, 0, "every number follows from the victims");
	is_number(excess, 0, "no victim too many");
	ok(infeasible > 100 && infeasible < 3000, "of both kinds: %u without a set", infeasible);
}

/* Cut off early: no false proof, no bound above the truth. */
static void test_cut_off(void)
{
	unsigned int wrong = 0, cut = 0, bad_gap = 0, i;

	for (i = 0; i < 3000; i++) {
		struct victim_plan plan;
		struct instance in;
		struct snapshot snap;
		struct best best;

		make_instance(&in);
		make_snapshot(&in, &snap);
		best = brute_force(&in);
		choose(&in, &snap, 1 + test_random_below(100), &plan);
		cut += !plan.proved;
		wrong += plan.feasible && !is_consistent(&in, &plan);
		wrong += plan.feasible && !best.found;
		wrong += !plan.feasible && plan.proved && best.found;
		if (plan.feasible) {
			wrong += plan.lower_bound > best.cost || plan.cost < best.cost;
			wrong += plan.proved && plan.cost != best.cost;
			bad_gap += (double)plan.cost * (1 - victim_gap(&plan)) >
				   (double)best.cost + 0.5;
		}
		victim_plan_free(&plan);
		snapshot_free(&snap);
	}
	is_number(wrong, 0, "3000 searches cut off: what is claimed is true");
	is_number(bad_gap, 0, "and the gap holds");
	ok(cut > 100, "%u of them were cut off indeed", cut);
}

/* freed(A) of the program is the one above, and a whole is more than its parts. */
static void test_set_function(void)
{
	unsigned int wrong = 0, not_more = 0, i, j;

	for (i = 0; i < 500; i++) {
		struct instance in;
		struct snapshot snap;

		make_instance(&in);
		make_snapshot(&in, &snap);
		for (j = 0; j < 20; j++) {
			uint32_t a = (uint32_t)test_random() & ((1u << in.vms) - 1);
			uint32_t b = (uint32_t)test_random() & ((1u << in.vms) - 1) & ~a;
			bool leaving[VMS_MAX];
			unsigned int k;

			for (k = 0; k < VMS_MAX; k++)
				leaving[k] = a >> k & 1;
			wrong += freed_together(&snap, leaving) != freed_by(&in, a);
			not_more += freed_by(&in, a | b) < freed_by(&in, a) + freed_by(&in, b);
		}
		snapshot_free(&snap);
	}
	is_number(wrong, 0, "10000 sets free what another program says");
	is_number(not_more, 0, "and no whole less than its parts");
}

/* Three VMs, 8 mappings each, over 4 frames, three of them used by all. */
static void test_example(void)
{
	char *text = test_read(GOLDEN "/three.json");
	json_t *document = json_loads(text, 0, NULL);
	bool one[3] = { true, false, false }, third[3] = { false, false, true };
	bool two[3] = { true, true, false }, all[3] = { true, true, true };
	struct victim_request request = { .need = 8192 };
	struct victim_plan plan;
	struct snapshot snap;
	struct error err;

	ok(document && !snapjson_read(document, &snap, &err), "the example of three VMs");
	is_number(freed_together(&snap, one), 0, "the first one's leaving frees nothing");
	is_number(freed_together(&snap, two), 0, "nor does that of two");
	is_number(freed_together(&snap, third), 4096, "the third one has a frame of its own");
	is_number(freed_together(&snap, all), 16384, "all of them free all four frames");
	ok(!victim_choose(&snap, &request, &plan) && plan.feasible && plan.count == 3,
	   "two frames come free only with all three");
	is_number(plan.growth, 3 * 32768, "which arrive as 24 pages");
	victim_plan_free(&plan);
	request.need = 16385;
	ok(!victim_choose(&snap, &request, &plan) && !plan.feasible && plan.proved &&
	   plan.freed_all == 16384, "more than all is not to be had");
	victim_plan_free(&plan);
	snapshot_free(&snap);
	json_decref(document);
	free(text);
}

/* Numbers as a document may hold them must not wrap around. */
static void test_huge(void)
{
	struct victim_request request = { .need = INT64_MAX };
	struct victim_plan plan;
	struct snapshot snap;
	uint32_t pid;

	snapshot_init(&snap);
	for (pid = 1; pid <= 5; pid++) {
		struct vm *vm = snapshot_add_vm(&snap, pid);

		facts_set(&vm->facts, VM_UNIQUE, INT64_MAX - pid);
		facts_set(&vm->facts, VM_ANON, INT64_MAX);
		facts_set(&vm->facts, VM_SHMEM, INT64_MAX);
		facts_set(&vm->facts, VM_PRIVATE_SHMEM, 0);
	}
	ok(!victim_choose(&snap, &request, &plan) && plan.feasible && plan.count == 2,
	   "sums beyond 64 bits stay sums");
	victim_plan_free(&plan);
	snapshot_free(&snap);
}

/* 25 VMs in hundreds of sets: still proved within the search's own limit. */
static void test_large(void)
{
	unsigned int unproved = 0, i, j, k;

	for (i = 0; i < 5; i++) {
		struct victim_request request = {};
		struct victim_plan plan;
		struct snapshot snap;
		uint64_t all = 0;

		snapshot_init(&snap);
		for (j = 1; j <= 25; j++) {
			struct vm *vm = snapshot_add_vm(&snap, j);
			uint64_t own = 4096 * test_random_below(3000);

			facts_set(&vm->facts, VM_UNIQUE, own);
			facts_set(&vm->facts, VM_ANON, own + 4096 * test_random_below(8000));
			all += own;
		}
		for (j = 0; j < 150; j++) {
			uint32_t pids[25];
			struct set *set;
			size_t count = 0;

			for (k = 1; k <= 25; k++) {
				if (!test_random_below(8))
					pids[count++] = k;
			}
			if (!count)
				continue;
			set = snapshot_add_set(&snap, pids, count);
			set->frames_bytes = 4096 * test_random_below(2000);
			all += set->frames_bytes;
		}
		snap.sets_known = true;
		request.need = all / 6 * (i + 1);
		victim_choose(&snap, &request, &plan);
		unproved += !plan.feasible || !plan.proved;
		victim_plan_free(&plan);
		snapshot_free(&snap);
	}
	is_number(unproved, 0, "5 hosts of 25 VMs are proved");
}

void test_victim(void)
{
	test_example();
	test_set_function();
	test_against_brute_force();
	test_cut_off();
	test_huge();
	test_large();
}
