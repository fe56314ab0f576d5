// SPDX-License-Identifier: GPL-2.0
/* Packing and destinations against trying every assignment. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/destination.h"
#include "policy/victim.h"

#define ITEMS_MAX 7
#define BINS_MAX 4
#define GROUPS_MAX 5

struct puzzle {
	size_t items, bins, groups;
	uint64_t size[ITEMS_MAX], own[ITEMS_MAX], room[BINS_MAX];
	bool barred[ITEMS_MAX * BINS_MAX];
	unsigned int mask[GROUPS_MAX];
	struct packing_group group[GROUPS_MAX];
	size_t members[GROUPS_MAX * ITEMS_MAX];
};

static int compare_down(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left < right) - (left > right);
}

static void make_groups(struct puzzle *puzzle)
{
	size_t at = 0, i, item;

	puzzle->groups = test_random_below(GROUPS_MAX + 1);
	for (i = 0; i < puzzle->groups; i++) {
		puzzle->mask[i] = 1 + (unsigned int)test_random_below((1u << puzzle->items) - 1);
		puzzle->group[i] = (struct packing_group){ .first = at,
							   .size = test_random_below(10) };
		for (item = 0; item < puzzle->items; item++) {
			if (!(puzzle->mask[i] >> item & 1))
				continue;
			puzzle->members[at++] = item;
			puzzle->group[i].count++;
		}
	}
}

static void make_puzzle(struct puzzle *puzzle, bool groups)
{
	size_t i;

	memset(puzzle, 0, sizeof(*puzzle));
	puzzle->items = 1 + test_random_below(ITEMS_MAX);
	puzzle->bins = 1 + test_random_below(BINS_MAX);
	for (i = 0; i < puzzle->items; i++)
		puzzle->size[i] = test_random_below(30);
	qsort(puzzle->size, puzzle->items, sizeof(uint64_t), compare_down);
	for (i = 0; i < puzzle->items; i++)
		puzzle->own[i] = groups ? puzzle->size[i] / 3 : puzzle->size[i];
	for (i = 0; i < puzzle->bins; i++)
		puzzle->room[i] = test_random_below(60);
	for (i = 0; i < puzzle->items * puzzle->bins && !groups; i++)
		puzzle->barred[i] = test_random_below(5) == 0;
	if (groups)
		make_groups(puzzle);
}

/* Items come in order; each arrives whole and then takes its part. */
static bool fits(const struct puzzle *puzzle, const size_t *bin_of)
{
	unsigned int there[BINS_MAX] = {};
	uint64_t used[BINS_MAX] = {};
	size_t i, g;

	for (i = 0; i < puzzle->items; i++) {
		size_t bin = bin_of[i];

		if (puzzle->barred[i * puzzle->bins + bin] ||
		    used[bin] + puzzle->size[i] > puzzle->room[bin])
			return false;
		used[bin] += puzzle->own[i];
		for (g = 0; g < puzzle->groups; g++) {
			if (puzzle->mask[g] >> i & 1 && !(puzzle->mask[g] & there[bin]))
				used[bin] += puzzle->group[g].size;
		}
		there[bin] |= 1u << i;
		if (used[bin] > puzzle->room[bin])
			return false;
	}
	return true;
}

static bool any_fits(const struct puzzle *puzzle)
{
	size_t bin_of[ITEMS_MAX], i, code, codes = 1, rest;

	for (i = 0; i < puzzle->items; i++)
		codes *= puzzle->bins;
	for (code = 0; code < codes; code++) {
		for (i = 0, rest = code; i < puzzle->items; i++, rest /= puzzle->bins)
			bin_of[i] = rest % puzzle->bins;
		if (fits(puzzle, bin_of))
			return true;
	}
	return false;
}

static void test_packing(bool groups)
{
	unsigned int wrong = 0, feasible = 0, i;

	for (i = 0; i < 3000; i++) {
		size_t bin_of[ITEMS_MAX];
		uint64_t used[BINS_MAX];
		struct puzzle puzzle;
		struct packing packing = { .bin_of = bin_of, .used = used, .work = UINT64_MAX };
		bool wanted;

		make_puzzle(&puzzle, groups);
		packing.items = puzzle.items;
		packing.bins = puzzle.bins;
		packing.size = puzzle.size;
		packing.own = groups ? puzzle.own : NULL;
		packing.room = puzzle.room;
		packing.barred = groups ? NULL : puzzle.barred;
		packing.groups = puzzle.group;
		packing.n_groups = puzzle.groups;
		packing.members = puzzle.members;
		wanted = any_fits(&puzzle);
		feasible += wanted;
		switch (packing_solve(&packing)) {
		case PACKING_FITS:
			wrong += !wanted || !fits(&puzzle, bin_of);
			break;
		case PACKING_NONE:
			wrong += wanted;
			break;
		default:
			wrong++;
		}
	}
	is_number(wrong, 0, "3000 packings %s groups as by trying all", groups ? "with" : "without");
	ok(feasible > 300 && feasible < 2700, "some fit, some do not (%u)", feasible);
}

/* Thirds that are a little too large: three to a bin by their sum, two in truth. */
static enum packing_answer thirds(size_t items, uint64_t work, uint64_t *tried)
{
	uint64_t size[40], room[40], used[40];
	size_t bin_of[40], i;
	struct packing packing = {
		.items = items, .bins = (items + 2) / 3, .size = size, .room = room,
		.bin_of = bin_of, .used = used, .work = work,
	};
	enum packing_answer answer;

	for (i = 0; i < items; i++)
		size[i] = i + 1 < items ? 340 + items - i : 10;
	for (i = 0; i < packing.bins; i++)
		room[i] = 1019 + i;
	answer = packing_solve(&packing);
	*tried = packing.tried;
	return answer;
}

static void test_limit(void)
{
	uint64_t size[] = { 51, 51, 51 }, room[] = { 100, 101 }, used[2], tried;
	size_t bin_of[3];
	struct packing packing = {
		.items = 3, .bins = 2, .size = size, .room = room, .bin_of = bin_of,
		.used = used, .work = 100,
	};

	ok(packing_solve(&packing) == PACKING_NONE && !packing.tried,
	   "three that are more than half are not even tried on two bins");
	ok(thirds(31, 1000, &tried) == PACKING_OPEN, "a search without end is cut off");
	ok(tried <= 1001, "after the work it was given");
	ok(thirds(10, 1000000, &tried) == PACKING_NONE, "a short one comes to its end");
}

static void add_vm(struct snapshot *snap, uint32_t pid, const char *name, const char *uuid,
		   uint64_t bytes)
{
	struct vm *vm = snapshot_add_vm(snap, pid);

	vm->name = name ? strdup(name) : NULL;
	vm->uuid = uuid ? strdup(uuid) : NULL;
	facts_set(&vm->facts, VM_ANON, bytes);
}

static void test_room(void)
{
	struct margin percent = { true, 10 }, bytes = { false, 4096 };
	struct destination destination;
	struct snapshot snap;

	snapshot_init(&snap);
	ok(destination_init(&destination, &snap, &percent) == -ENODATA, "no memory, no room");
	destination_free(&destination);
	facts_set(&snap.host, HOST_MEM_AVAILABLE, 5000);
	ok(destination_init(&destination, &snap, &percent) == -ENODATA,
	   "a percentage needs to know of what");
	destination_free(&destination);
	ok(!destination_init(&destination, &snap, &bytes) && destination.room == 904,
	   "a margin in bytes");
	destination_free(&destination);
	facts_set(&snap.host, HOST_MEM_TOTAL, 10001);
	ok(!destination_init(&destination, &snap, &percent) && destination.margin == 1001 &&
	   destination.room == 3999, "a margin in percent is rounded up");
	destination_free(&destination);
	bytes.value = 6000;
	ok(!destination_init(&destination, &snap, &bytes) && !destination.room,
	   "a margin larger than what is available leaves no room");
	destination_free(&destination);
	snapshot_free(&snap);
}

static void test_twice(void)
{
	struct margin none = { false, 0 };
	struct destination destination;
	struct snapshot here, there;

	snapshot_init(&here);
	snapshot_init(&there);
	facts_set(&there.host, HOST_MEM_AVAILABLE, 100);
	add_vm(&here, 1, "web", "AAAA", 50);
	add_vm(&here, 2, "db", "bbbb", 50);
	add_vm(&here, 3, NULL, NULL, 101);
	add_vm(&there, 7, "other", "aaaa", 1);
	add_vm(&there, 8, "db", NULL, 1);
	ok(!destination_init(&destination, &there, &none), "a destination");
	ok(destination_has(&destination, &here.vms[0]), "the same UUID, in other letters");
	ok(destination_has(&destination, &here.vms[1]), "the same name");
	ok(!destination_has(&destination, &here.vms[2]), "a VM without either");
	ok(!destination_takes(&destination, &here.vms[2]), "which is too large, though");
	destination_free(&destination);
	snapshot_free(&here);
	snapshot_free(&there);
}

static void test_assign(void)
{
	struct margin none = { false, 0 };
	struct destination destinations[2];
	size_t vms[] = { 0, 1, 2 }, host_of[3], i;
	struct snapshot here, there[2];

	snapshot_init(&here);
	add_vm(&here, 1, "a", NULL, 60);
	add_vm(&here, 2, "b", NULL, 50);
	add_vm(&here, 3, "c", NULL, 40);
	for (i = 0; i < 2; i++) {
		snapshot_init(&there[i]);
		facts_set(&there[i].host, HOST_MEM_AVAILABLE, i ? 100 : 50);
		ok(!destination_init(&destinations[i], &there[i], &none), "destination %zu", i);
	}
	ok(destination_assign(&here, vms, 3, destinations, 2, 1000, host_of) == PACKING_FITS,
	   "60 and 40 into 100, 50 into 50");
	ok(host_of[0] == 1 && host_of[1] == 0 && host_of[2] == 1, "as it must be");
	ok(destinations[0].growth == 50 && destinations[1].growth == 100 &&
	   destinations[1].vms == 2, "and added up");
	destinations[1].room = 99;
	ok(destination_assign(&here, vms, 3, destinations, 2, 1000, host_of) == PACKING_NONE,
	   "one byte less, and it does not fit");
	for (i = 0; i < 2; i++) {
		destination_free(&destinations[i]);
		snapshot_free(&there[i]);
	}
	snapshot_free(&here);
}

/* Two of one name, and a third of the UUID of one of them. */
static void test_namesakes(void)
{
	struct margin none = { false, 0 };
	struct destination destinations[2];
	size_t vms[] = { 0, 1, 2 }, host_of[3], i;
	struct snapshot here, there[2];

	snapshot_init(&here);
	add_vm(&here, 1, "web", "AAAA", 10);
	add_vm(&here, 2, "web", "bbbb", 10);
	add_vm(&here, 3, "db", "aaaa", 10);
	for (i = 0; i < 2; i++) {
		snapshot_init(&there[i]);
		facts_set(&there[i].host, HOST_MEM_AVAILABLE, 100);
		ok(!destination_init(&destinations[i], &there[i], &none), "destination %zu", i);
	}
	ok(destination_assign(&here, vms, 2, destinations, 1, 1000, host_of) == PACKING_NONE,
	   "two of one name do not go to one host, however large");
	ok(destination_assign(&here, vms, 3, destinations, 2, 1000, host_of) == PACKING_FITS &&
	   host_of[1] == host_of[2] && host_of[0] != host_of[1],
	   "nor those of one UUID, in other letters");
	for (i = 0; i < 2; i++) {
		destination_free(&destinations[i]);
		snapshot_free(&there[i]);
	}
	snapshot_free(&here);
}

#define MOVERS_MAX 7
#define HOSTS_MAX 3
#define SHARED_MAX 8

/* VMs that share here and have to fit elsewhere. */
struct exodus {
	unsigned int vms, hosts, sets;
	uint64_t own[MOVERS_MAX], growth[MOVERS_MAX], cost[MOVERS_MAX], room[HOSTS_MAX];
	unsigned int mask[SHARED_MAX], with;
	uint64_t frames[SHARED_MAX], need;
	bool there[HOSTS_MAX][MOVERS_MAX];	/* a VM of the same name is on that host */
	unsigned int name[MOVERS_MAX];	/* some have the name of one before them */
	size_t max_vms;
};

static uint64_t freed_by(const struct exodus *exodus, unsigned int leaving)
{
	uint64_t freed = 0;
	unsigned int i;

	for (i = 0; i < exodus->vms; i++)
		freed += leaving >> i & 1 ? exodus->own[i] : 0;
	for (i = 0; i < exodus->sets; i++)
		freed += exodus->mask[i] & ~leaving ? 0 : exodus->frames[i];
	return freed;
}

static bool is_there(const struct exodus *exodus, unsigned int host, unsigned int vm)
{
	unsigned int i;

	for (i = 0; i < exodus->vms; i++) {
		if (exodus->there[host][i] && exodus->name[i] == exodus->name[vm])
			return true;
	}
	return false;
}

struct rooms {
	uint64_t left[HOSTS_MAX];
	unsigned int names[HOSTS_MAX];	/* of those that have come: one bit each */
};

static bool can_go(const struct exodus *exodus, unsigned int leaving, unsigned int vm,
		   const struct rooms *rooms)
{
	unsigned int host, name = 1u << exodus->name[vm % MOVERS_MAX];

	if (vm == exodus->vms)
		return true;
	if (!(leaving >> vm & 1))
		return can_go(exodus, leaving, vm + 1, rooms);
	for (host = 0; host < exodus->hosts; host++) {
		struct rooms then = *rooms;

		if (is_there(exodus, host, vm) || rooms->names[host] & name ||
		    exodus->growth[vm] > rooms->left[host])
			continue;
		then.left[host] -= exodus->growth[vm];
		then.names[host] |= name;
		if (can_go(exodus, leaving, vm + 1, &then))
			return true;
	}
	return false;
}

static bool can_leave(const struct exodus *exodus, unsigned int leaving)
{
	struct rooms rooms = {};

	memcpy(rooms.left, exodus->room, sizeof(rooms.left));
	return can_go(exodus, leaving, 0, &rooms);
}

/* The least cost of what frees the need and fits; UINT64_MAX: there is none. */
static uint64_t cheapest(const struct exodus *exodus, bool anywhere)
{
	uint64_t best = UINT64_MAX, cost;
	unsigned int leaving, i;

	for (leaving = 0; leaving < 1u << exodus->vms; leaving++) {
		cost = 0;
		for (i = 0; i < exodus->vms; i++)
			cost += leaving >> i & 1 ? exodus->cost[i] : 0;
		if (cost < best && !(exodus->with & ~leaving) &&
		    (!exodus->max_vms ||
		     (size_t)__builtin_popcount(leaving) <= exodus->max_vms) &&
		    freed_by(exodus, leaving) >= exodus->need &&
		    (anywhere || can_leave(exodus, leaving)))
			best = cost;
	}
	return best;
}

static void make_exodus(struct exodus *exodus)
{
	unsigned int alike = test_random_below(3) == 0, i, j;

	memset(exodus, 0, sizeof(*exodus));
	exodus->vms = 2 + (unsigned int)test_random_below(MOVERS_MAX - 1);
	exodus->hosts = 1 + (unsigned int)test_random_below(HOSTS_MAX);
	exodus->sets = (unsigned int)test_random_below(SHARED_MAX + 1);
	for (i = 0; i < exodus->vms; i++) {
		exodus->own[i] = alike ? 10 : test_random_below(40);
		exodus->growth[i] = alike ? 30 : 1 + test_random_below(60);
		exodus->name[i] = test_random_below(5) ? i : (unsigned int)test_random_below(i + 1);
		exodus->cost[i] = alike ? 7 : test_random_below(4) ? test_random_below(30) :
								     exodus->growth[i];
	}
	for (i = 0; i < exodus->sets; i++) {
		exodus->mask[i] = 1 + (unsigned int)test_random_below((1u << exodus->vms) - 1);
		exodus->frames[i] = test_random_below(60);
	}
	for (i = 0; i < exodus->hosts; i++) {
		exodus->room[i] = 30 + test_random_below(150);
		for (j = 0; j < exodus->vms; j++)
			exodus->there[i][j] = test_random_below(8) == 0;
	}
	if (test_random_below(4) == 0)
		exodus->with = 1u << test_random_below(exodus->vms);
	if (test_random_below(4) == 0)
		exodus->max_vms = 1 + test_random_below(exodus->vms);
	exodus->need = 1 + test_random_below(1 + freed_by(exodus, (1u << exodus->vms) - 1));
}

static const char *const mover_names[MOVERS_MAX] = { "a", "b", "c", "d", "e", "f", "g" };

static void make_host(const struct exodus *exodus, unsigned int host, struct snapshot *snap)
{
	unsigned int i;

	snapshot_init(snap);
	facts_set(&snap->host, HOST_MEM_AVAILABLE, exodus->room[host]);
	for (i = 0; i < exodus->vms; i++) {
		if (exodus->there[host][i])
			add_vm(snap, 50 + i, mover_names[exodus->name[i]], NULL, 1);
	}
}

static void make_origin(const struct exodus *exodus, struct snapshot *snap)
{
	unsigned int i, j;

	snapshot_init(snap);
	for (i = 0; i < exodus->vms; i++) {
		add_vm(snap, 10 + i, mover_names[exodus->name[i]], NULL, exodus->growth[i]);
		facts_set(&snap->vms[i].facts, VM_UNIQUE, exodus->own[i]);
	}
	for (i = 0; i < exodus->sets; i++) {
		uint32_t pids[MOVERS_MAX];
		size_t count = 0;

		for (j = 0; j < exodus->vms; j++) {
			if (exodus->mask[i] >> j & 1)
				pids[count++] = 10 + j;
		}
		snapshot_add_set(snap, pids, count)->frames_bytes = exodus->frames[i];
	}
	snap->sets_known = true;
}

static void choose(const struct exodus *exodus, uint64_t work, uint64_t placements,
		   struct victim_plan *plan)
{
	struct destination destinations[HOSTS_MAX];
	struct margin none = { false, 0 };
	struct snapshot here, there[HOSTS_MAX];
	struct victim_hosts hosts = { destinations, exodus->hosts, placements };
	bool with[MOVERS_MAX];
	struct victim_request request = {
		.need = exodus->need, .costs = exodus->cost, .with = with, .work = work,
		.max_vms = exodus->max_vms, .hosts = &hosts,
	};
	unsigned int i;

	make_origin(exodus, &here);
	for (i = 0; i < exodus->vms; i++)
		with[i] = exodus->with >> i & 1;
	for (i = 0; i < exodus->hosts; i++) {
		make_host(exodus, i, &there[i]);
		destination_init(&destinations[i], &there[i], &none);
	}
	if (victim_choose(&here, &request, plan))
		ok(false, "memory for a plan");
	for (i = 0; i < exodus->hosts; i++) {
		destination_free(&destinations[i]);
		snapshot_free(&there[i]);
	}
	snapshot_free(&here);
}

/* A plan frees the need, fits, and costs what it says. */
static bool is_plan(const struct exodus *exodus, const struct victim_plan *plan)
{
	unsigned int leaving = 0;
	uint64_t cost = 0;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		leaving |= 1u << plan->victims[i].vm;
		cost += exodus->cost[plan->victims[i].vm];
	}
	return freed_by(exodus, leaving) >= exodus->need && cost == plan->cost &&
	       can_leave(exodus, leaving);
}

static void test_cheapest_that_fits(void)
{
	unsigned int wrong = 0, unproved = 0, others = 0, none = 0, i;

	for (i = 0; i < 2000; i++) {
		struct exodus exodus;
		struct victim_plan plan;
		uint64_t best, anywhere;

		make_exodus(&exodus);
		best = cheapest(&exodus, false);
		anywhere = cheapest(&exodus, true);
		choose(&exodus, 0, 1000000, &plan);
		wrong += plan.feasible != (best != UINT64_MAX);
		wrong += plan.no_host != (best == UINT64_MAX && anywhere != UINT64_MAX);
		wrong += plan.feasible && (plan.cost != best || !is_plan(&exodus, &plan) ||
					   plan.lower_bound != best);
		wrong += plan.cost_anywhere && plan.cost_anywhere != anywhere;
		unproved += !plan.proved;
		others += plan.feasible && best > anywhere;
		none += plan.no_host;
		victim_plan_free(&plan);
	}
	is_number(wrong, 0, "2000 plans: the cheapest of all subsets that fit by some assignment");
	is_number(unproved, 0, "each proved");
	ok(others > 20 && none > 100, "%u times a dearer set than the cheapest, %u times none",
	   others, none);
}

/* Little work, few placements: what is said is true. */
static void test_fit_stopped(void)
{
	unsigned int wrong = 0, stopped = 0, i;

	for (i = 0; i < 2000; i++) {
		struct exodus exodus;
		struct victim_plan plan;
		uint64_t best;

		make_exodus(&exodus);
		best = cheapest(&exodus, false);
		choose(&exodus, 1 + test_random_below(3000), test_random_below(1000), &plan);
		wrong += plan.feasible && (best == UINT64_MAX || !is_plan(&exodus, &plan) ||
					   plan.lower_bound > best);
		wrong += plan.feasible && plan.proved && plan.cost != best;
		wrong += !plan.feasible && plan.proved && best != UINT64_MAX;
		stopped += !plan.proved;
		victim_plan_free(&plan);
	}
	is_number(wrong, 0, "2000 searches cut off: what is claimed is true");
	ok(stopped > 100, "%u of them were cut off indeed", stopped);
}

void test_destination(void)
{
	test_packing(false);
	test_packing(true);
	test_limit();
	test_room();
	test_twice();
	test_assign();
	test_namesakes();
	test_cheapest_that_fits();
	test_fit_stopped();
}
