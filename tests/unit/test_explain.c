// SPDX-License-Identifier: GPL-2.0
/* Explanations against sums over the sets, one prefix after the other. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "policy/explain.h"
#include "policy/freed.h"

#define MIB (1ull << 20)

static void add_vm(struct snapshot *snap, uint32_t pid, uint64_t unique, uint64_t anon)
{
	struct vm *vm = snapshot_add_vm(snap, pid);

	facts_set(&vm->facts, VM_UNIQUE, unique);
	facts_set(&vm->facts, VM_ANON, anon);
}

static void add_set(struct snapshot *snap, const uint32_t *pids, size_t count, uint64_t bytes,
		    bool outside)
{
	struct set *set = snapshot_add_set(snap, pids, count);

	set->frames_bytes = bytes;
	set->outside = outside;
}

/* A and B with 200 MiB of their own and 2000 MiB between them, C with 1200 MiB of its own. */
static void clones_and_another(struct snapshot *snap)
{
	uint32_t both[] = { 1, 2 };

	snapshot_init(snap);
	add_vm(snap, 1, 200 * MIB, 2200 * MIB);
	add_vm(snap, 2, 200 * MIB, 2200 * MIB);
	add_vm(snap, 3, 1200 * MIB, 1200 * MIB);
	add_set(snap, both, 2, 2000 * MIB, false);
	snap->sets_known = true;
}

static void test_clones(void)
{
	struct victim_request request = { .need = 2048 * MIB };
	struct explanation explanation;
	struct explain_choice *choice;
	struct snapshot snap;
	struct victim_plan plan;

	clones_and_another(&snap);
	ok(!victim_choose(&snap, &request, &plan) && plan.count == 2, "A and B leave");
	ok(!explain_plan(&snap, &request, &plan, &explanation), "explained");
	is_number(explanation.needed_for[0], 2200 * MIB, "without A, B alone frees 200 MiB");
	choice = &explanation.choice[ORDER_RESIDENT];
	is_number(choice->believed.count, 1, "by resident size A is thought to be enough");
	is_number(choice->believed.promised, 2200 * MIB, "with 2200 MiB promised");
	is_number(choice->believed.freed, 200 * MIB, "and 200 MiB freed");
	ok(!choice->enough, "which is not enough");
	ok(choice->possible && choice->real.count == 2, "going on finds B");
	choice = &explanation.choice[ORDER_UNIQUE];
	ok(choice->vms[0] == 2, "by unique memory C goes first");
	is_number(choice->real.count, 3, "and all three have to go");
	is_number(choice->real.cost, 5600 * MIB, "which costs 1200 MiB more");
	explanation_free(&explanation);
	victim_plan_free(&plan);
	snapshot_free(&snap);
}

static void test_limits(void)
{
	bool keep[] = { true, false, false }, with[] = { false, false, true };
	struct victim_request request = { .need = 2048 * MIB, .keep = keep };
	struct explanation explanation;
	struct victim_plan plan = {};
	struct snapshot snap;

	clones_and_another(&snap);
	ok(!explain_plan(&snap, &request, &plan, &explanation), "without A");
	ok(explanation.choice[ORDER_RESIDENT].n_vms == 2 &&
	   !explanation.choice[ORDER_RESIDENT].possible, "no order can meet the need");
	explanation_free(&explanation);
	request = (struct victim_request){ .need = 1, .with = with, .max_vms = 1 };
	ok(!explain_plan(&snap, &request, &plan, &explanation), "with C, and no other");
	ok(explanation.choice[ORDER_RESIDENT].vms[0] == 2 &&
	   explanation.choice[ORDER_RESIDENT].real.count == 1, "C is first whatever its size");
	explanation_free(&explanation);
	snapshot_free(&snap);
}

static void make_random(struct snapshot *snap)
{
	uint32_t count = 2 + (uint32_t)test_random_below(7), pids[8], i, j, members;

	snapshot_init(snap);
	for (i = 1; i <= count; i++)
		add_vm(snap, i * 3, test_random_below(1000), test_random_below(3000));
	for (i = 0; i < 12; i++) {
		for (j = 1, members = 0; j <= count; j++) {
			if (test_random_below(3) == 0)
				pids[members++] = j * 3;
		}
		if (members)
			add_set(snap, pids, members, test_random_below(900), test_random_below(5) == 0);
	}
	snap->sets_known = true;
}

/* The prefix frees what freed_together() says, and one VM less would not be enough. */
static bool prefix_is_right(const struct snapshot *snap, const struct explain_choice *choice,
			    uint64_t need)
{
	bool *leaving = calloc(snap->n_vms, sizeof(*leaving)), right;
	uint64_t before = 0;
	size_t i;

	for (i = 0; i < choice->real.count; i++) {
		before = freed_together(snap, leaving);
		leaving[choice->vms[i]] = true;
	}
	right = freed_together(snap, leaving) == choice->real.freed &&
		(!choice->real.count || before < need) &&
		choice->possible == (choice->real.freed >= need);
	free(leaving);
	return right;
}

static bool victims_are_right(const struct snapshot *snap, const struct victim_plan *plan,
			      const struct explanation *explanation)
{
	bool *leaving = calloc(snap->n_vms, sizeof(*leaving)), right = true;
	uint64_t all;
	size_t i;

	for (i = 0; i < plan->count; i++)
		leaving[plan->victims[i].vm] = true;
	all = freed_together(snap, leaving);
	for (i = 0; i < plan->count; i++) {
		leaving[plan->victims[i].vm] = false;
		right &= all - freed_together(snap, leaving) == explanation->needed_for[i];
		leaving[plan->victims[i].vm] = true;
	}
	free(leaving);
	return right;
}

static void test_random_plans(void)
{
	unsigned int wrong = 0, worse = 0, i, order;

	for (i = 0; i < 500; i++) {
		struct victim_request request = { .need = 1 + test_random_below(4000) };
		struct explanation explanation;
		struct victim_plan plan;
		struct snapshot snap;

		make_random(&snap);
		wrong += victim_choose(&snap, &request, &plan) != 0;
		wrong += explain_plan(&snap, &request, &plan, &explanation) != 0;
		wrong += plan.feasible && !victims_are_right(&snap, &plan, &explanation);
		for (order = 0; order < ORDERS; order++) {
			const struct explain_choice *choice = &explanation.choice[order];

			wrong += !prefix_is_right(&snap, choice, request.need);
			wrong += choice->possible && choice->real.cost < plan.cost;
			worse += choice->possible && choice->real.cost > plan.cost;
		}
		explanation_free(&explanation);
		victim_plan_free(&plan);
		snapshot_free(&snap);
	}
	is_number(wrong, 0, "500 random plans are explained by what the sets say");
	ok(worse > 100, "and the obvious orders are often worse (%u)", worse);
}

void test_explain(void)
{
	test_clones();
	test_limits();
	test_random_plans();
}
