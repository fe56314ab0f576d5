// SPDX-License-Identifier: GPL-2.0
/* Comparing engines: equal, different, and changed meanwhile. */
#include "test.h"

#include <string.h>

#include "verify.h"

/* Two VMs, one set of both with so many frames, and so much unique memory. */
static void make_snapshot(struct snapshot *snap, uint64_t unique, uint64_t frames)
{
	uint32_t pids[] = { 10, 20 };
	struct set *set;

	snapshot_init(snap);
	facts_set(&snap->host, HOST_KSM_MERGED_FRAMES, frames);
	facts_set(&snapshot_add_vm(snap, 10)->facts, VM_UNIQUE, unique);
	snapshot_add_vm(snap, 20);
	set = snapshot_add_set(snap, pids, 2);
	set->frames_bytes = frames * 4096;
	snap->sets_known = true;
}

static void compare(struct snapshot snap[3], struct verification *result)
{
	int i;

	for (i = 0; i < 3; i++)
		snapshot_sort_sets(&snap[i]);
	ok(!verify_compare(&snap[0], &snap[1], &snap[2], result), "compared");
	for (i = 0; i < 3; i++)
		snapshot_free(&snap[i]);
}

static void make_three(struct snapshot snap[3], uint64_t before, uint64_t pages, uint64_t after)
{
	make_snapshot(&snap[0], before, 5);
	make_snapshot(&snap[1], pages, 5);
	make_snapshot(&snap[2], after, 5);
}

/* Sets in an order of their own: fewer VMs first, then by their pids, then nobody else outside. */
static void test_order(void)
{
	uint32_t one[] = { 10, 20 }, other[] = { 10, 30 }, more[] = { 10, 20, 30 };
	struct set sets[] = {
		{ .pids = one, .n_pids = 2 }, { .pids = one, .n_pids = 2, .outside = true },
		{ .pids = other, .n_pids = 2 }, { .pids = more, .n_pids = 3 },
	};
	unsigned int wrong = 0;
	int i, j, order;

	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			order = set_compare(&sets[i], &sets[j]);
			wrong += (order > 0) - (order < 0) != (i > j) - (i < j);
		}
	}
	is_number(wrong, 0, "sets have an order");
}

void test_verify(void)
{
	struct verification result;
	struct snapshot snap[3];
	uint32_t alone[] = { 20 };

	test_order();
	make_three(snap, 4096, 4096, 4096);
	compare(snap, &result);
	ok(!result.count && result.vms == 2 && result.sets == 1 && result.numbers == 3,
	   "equal snapshots");
	verification_free(&result);

	make_three(snap, 4096, 8192, 4096);
	compare(snap, &result);
	ok(result.differing == 1 && result.count == 1, "another number of the other engine");
	is_text(result.difference[0].what, "VM 10 (pid 10) unique_bytes", "which one");
	verification_free(&result);

	make_three(snap, 4096, 8192, 8192);
	compare(snap, &result);
	ok(!result.count, "the number of the later walk is as good");
	verification_free(&result);

	make_three(snap, 8192, 4096, 4096);
	compare(snap, &result);
	ok(!result.count, "also where it is the smaller one");
	verification_free(&result);

	make_snapshot(&snap[0], 1, 5);
	make_snapshot(&snap[1], 1, 6);
	make_snapshot(&snap[2], 1, 5);
	compare(snap, &result);
	is_number(result.differing, 2, "as many merged frames, in all and in the set");
	is_text(result.difference[0].what, "host merged_frames", "the host's");
	verification_free(&result);

	make_three(snap, 4096, 9000, 8192);
	compare(snap, &result);
	ok(result.count == 1 && !result.differing, "what moves by itself changed meanwhile");
	verification_free(&result);

	make_three(snap, 1, 1, 1);
	snapshot_add_set(&snap[1], alone, 1)->frames_bytes = 4096;
	compare(snap, &result);
	ok(result.differing == 1 && result.sets == 2, "a set that one engine alone finds");
	is_text(result.difference[0].what, "set of pids 20", "which one");
	verification_free(&result);

	make_three(snap, 1, 1, 1);
	snap[1].sets[0].outside = true;
	compare(snap, &result);
	is_number(result.differing, 2, "outside makes it another set");
	verification_free(&result);

	make_three(snap, 1, 1, 1);
	snapshot_add_vm(&snap[0], 30);
	snapshot_add_vm(&snap[2], 30);
	compare(snap, &result);
	is_number(result.differing, 1, "a VM that one engine does not see");
	verification_free(&result);

	make_three(snap, 1, 1, 1);
	snapshot_add_vm(&snap[2], 30);
	compare(snap, &result);
	is_number(result.count, 0, "a VM that came later is no difference");
	verification_free(&result);
}
