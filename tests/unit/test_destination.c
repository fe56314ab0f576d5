// SPDX-License-Identifier: GPL-2.0
/* Packing and destinations against trying every assignment. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/destination.h"

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

void test_destination(void)
{
	test_packing(false);
	test_packing(true);
	test_limit();
	test_room();
	test_twice();
	test_assign();
}
