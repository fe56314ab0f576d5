// SPDX-License-Identifier: GPL-2.0
/* What moving a VM costs: bytes, time, downtime. */
#include "policy/migration.h"

#include <string.h>

#include "policy/freed.h"

#define SECOND_NS 1000000000ull
#define ROUNDS_MAX 1000			/* a rest that shrinks this slowly does not converge */

typedef unsigned __int128 wide;

static uint64_t capped(wide value)
{
	return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

static uint64_t sending_ns(uint64_t bytes, uint64_t bandwidth)
{
	return capped(((wide)bytes * SECOND_NS + bandwidth - 1) / bandwidth);
}

/* What the guest dirties while that much is sent, at most all it has. */
static uint64_t next_rest(uint64_t rest, uint64_t dirty_rate, uint64_t bandwidth, uint64_t all)
{
	wide dirtied = (wide)dirty_rate * rest / bandwidth;

	return dirtied < all ? (uint64_t)dirtied : all;
}

static void estimate_downtime(struct migration *migration, uint64_t dirty_rate,
			      uint64_t bandwidth)
{
	uint64_t limit = capped((wide)bandwidth * MIGRATION_DOWNTIME_LIMIT_NS / SECOND_NS);
	uint64_t rest = migration->bytes, next;
	unsigned int round;

	next = next_rest(rest, dirty_rate, bandwidth, migration->bytes);
	for (round = 0; round < ROUNDS_MAX; round++) {
		rest = next;
		if (rest <= limit)
			break;
		next = next_rest(rest, dirty_rate, bandwidth, migration->bytes);
		if (next >= rest)
			break;
	}
	migration->downtime_known = true;
	migration->converges = rest <= limit;
	migration->downtime_ns = sending_ns(rest, bandwidth);
}

struct migration migration_estimate(const struct vm *vm, uint64_t bandwidth)
{
	struct migration migration = { .bytes = freed_resident(vm) };
	uint64_t dirty_rate;

	migration.time_ns = sending_ns(migration.bytes, bandwidth);
	if (facts_get(&vm->facts, VM_DIRTY_RATE, &dirty_rate))
		estimate_downtime(&migration, dirty_rate, bandwidth);
	return migration;
}

static const struct {
	const char *name, *unit;
} models[] = {
	[COST_BYTES] = { "bytes", "bytes" },
	[COST_TIME] = { "time", "ns" },
	[COST_DOWNTIME] = { "downtime", "ns" },
	[COST_COUNT] = { "count", "VMs" },
	[COST_WEIGHT] = { "weight", "weight" },
};

const char *cost_model_name(enum cost_model model)
{
	return models[model].name;
}

const char *cost_model_unit(enum cost_model model)
{
	return models[model].unit;
}

bool cost_model_parse(const char *name, enum cost_model *model)
{
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!strcmp(name, models[i].name)) {
			*model = (enum cost_model)i;
			return true;
		}
	}
	return false;
}

bool migration_cost(const struct vm *vm, enum cost_model model, uint64_t bandwidth,
		    uint64_t *cost)
{
	struct migration migration = migration_estimate(vm, bandwidth);

	switch (model) {
	case COST_BYTES:
		*cost = migration.bytes;
		return true;
	case COST_TIME:
		*cost = migration.time_ns;
		return true;
	case COST_DOWNTIME:
		*cost = migration.downtime_ns;
		return migration.downtime_known;
	default:
		*cost = 1;
		return true;
	}
}
