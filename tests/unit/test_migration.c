// SPDX-License-Identifier: GPL-2.0
/* Bytes, time and downtime against pre-copy played round by round in bytes per nanosecond. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "policy/migration.h"

#define MIB (1ull << 20)

static struct vm make_vm(uint64_t resident, uint64_t dirty_rate, bool dirty_known)
{
	struct vm vm = { .pid = 1 };

	facts_set(&vm.facts, VM_ANON, resident);
	if (dirty_known)
		facts_set(&vm.facts, VM_DIRTY_RATE, dirty_rate);
	return vm;
}

static void test_exact(void)
{
	struct vm vm = make_vm(256 * MIB, 0, false);
	struct migration migration = migration_estimate(&vm, 128 * MIB);

	is_number(migration.bytes, 256 * MIB, "resident memory is sent");
	is_number(migration.time_ns, 2000000000, "256 MiB at 128 MiB/s take two seconds");
	ok(!migration.downtime_known, "without a dirty rate the downtime is not known");
	vm = make_vm(1, 0, true);
	migration = migration_estimate(&vm, 3);
	is_number(migration.time_ns, 333333334, "a part of a nanosecond counts as one");
	ok(migration.downtime_known && !migration.downtime_ns && migration.converges,
	   "a guest that writes nothing is not stopped for memory");
	vm = make_vm(INT64_MAX, INT64_MAX, true);
	migration = migration_estimate(&vm, 1);
	is_number(migration.time_ns, UINT64_MAX, "what has no room stays at the largest number");
	is_number(migration.downtime_ns, UINT64_MAX, "so does the downtime");
}

static void test_rounds(void)
{
	/* 1000 MiB at 100 MiB/s; 50 MiB/s dirtied: 500, 250, .. 31.25, 15.6 MiB */
	struct vm vm = make_vm(1000 * MIB, 50 * MIB, true);
	struct migration migration = migration_estimate(&vm, 100 * MIB);

	ok(migration.converges, "a guest that writes at half the line's speed converges");
	is_number(migration.downtime_ns, 156250000, "15.625 MiB are left for the last round");
	vm = make_vm(1000 * MIB, 100 * MIB, true);
	migration = migration_estimate(&vm, 100 * MIB);
	ok(!migration.converges, "one that writes as fast as the line does not");
	is_number(migration.downtime_ns, 10000000000, "and has all of it sent while it stands");
	vm = make_vm(1000 * MIB, 900 * MIB, true);
	is_number(migration_estimate(&vm, 100 * MIB).downtime_ns, 10000000000,
		  "never more than all of it");
}

/* The same with real numbers: rest(k) = bytes * ratio^k. */
static void test_against_series(void)
{
	unsigned int wrong = 0, i;

	for (i = 0; i < 1000; i++) {
		uint64_t bytes = MIB * (1 + test_random_below(100000));
		uint64_t bandwidth = MIB * (1 + test_random_below(2000));
		uint64_t dirty = bandwidth * test_random_below(95) / 100;
		struct vm vm = make_vm(bytes, dirty, true);
		double ratio = (double)dirty / (double)bandwidth, limit = 0.3 * (double)bandwidth;
		double rest = (double)bytes * ratio;
		struct migration migration = migration_estimate(&vm, bandwidth);

		while (rest > limit)
			rest *= ratio;
		wrong += fabs((double)migration.downtime_ns - rest / (double)bandwidth * 1e9) > 1e5;
		wrong += !migration.converges;
	}
	is_number(wrong, 0, "1000 random downtimes are those of the geometric series");
}

static void test_models(void)
{
	struct vm vm = make_vm(128 * MIB, 0, false);
	enum cost_model model;
	uint64_t cost;

	ok(migration_cost(&vm, COST_BYTES, MIB, &cost) && cost == 128 * MIB, "bytes");
	ok(migration_cost(&vm, COST_TIME, MIB, &cost) && cost == 128000000000, "time");
	ok(!migration_cost(&vm, COST_DOWNTIME, MIB, &cost), "downtime needs a dirty rate");
	ok(migration_cost(&vm, COST_COUNT, MIB, &cost) && cost == 1, "count");
	for (model = COST_BYTES; model <= COST_WEIGHT; model++) {
		enum cost_model parsed;

		ok(cost_model_parse(cost_model_name(model), &parsed) && parsed == model,
		   "%s is read back", cost_model_name(model));
	}
	ok(!cost_model_parse("money", &model), "others are not");
}

void test_migration(void)
{
	test_exact();
	test_rounds();
	test_against_series();
	test_models();
}
