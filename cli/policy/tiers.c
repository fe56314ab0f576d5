// SPDX-License-Identifier: GPL-2.0
/*
 * Usage is measured against the time that a VM was not held back: used /
 * (vCPUs - waiting). A VM that alternates between work and sleep shows the same
 * there whether it had to wait in between or not, so neither a cap nor a crowd
 * changes its class. Counts stay between 0 and beta + 1.
 */
#include "policy/tiers.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t tier_pressure_permille(const struct measure_vm *row)
{
	uint64_t free_time = row->vcpus - row->wait;
	uint64_t busy = smaller(row->usage - row->vmm, free_time);

	return free_time ? busy * 1000 / free_time : 0;
}

uint64_t tier_claim(const struct check *check, size_t i)
{
	const struct measure_vm *row = &check->measure.vms[i];
	uint64_t unheld = row->vcpus * tier_pressure_permille(row) / 1000 + row->vmm;

	if (tier_of(check, i) != TIER_SERVICE)
		return row->demand;
	return row->usage > unheld ? row->usage : unheld;
}

/* Leaving a class takes a little more than staying. */
static uint64_t threshold(const struct manage_options *options, enum manage_class class)
{
	uint64_t alpha = options->alpha_permille;

	return class == MANAGE_BATCH ? alpha - alpha * options->hysteresis_permille / 1000 : alpha;
}

/* A service VM by configuration that works like batch. */
static bool is_heavy(const struct check *check, size_t i)
{
	return check_class_given(&check->measure.vms[i]) &&
	       check->memory[i].class == MANAGE_SERVICE &&
	       check->memory[i].count > (int32_t)check->options->beta;
}

static bool works_like_batch(const struct check *check, size_t i)
{
	bool batch = check->memory[i].class == MANAGE_BATCH || is_heavy(check, i);
	enum manage_class class = batch ? MANAGE_BATCH : MANAGE_SERVICE;

	return tier_pressure_permille(&check->measure.vms[i]) >= threshold(check->options, class);
}

static void count_free(struct check *check, size_t i)
{
	struct manage_memory *memory = &check->memory[i];

	if (works_like_batch(check, i) == (memory->class == MANAGE_SERVICE))
		memory->count++;
	else
		memory->count -= memory->count > 0;
	if (memory->count <= (int32_t)check->options->beta)
		return;
	memory->count = 0;
	memory->class = memory->class == MANAGE_SERVICE ? MANAGE_BATCH : MANAGE_SERVICE;
}

/*
 * The class stays, so the count alone says how the VM works: above beta like
 * batch. Crossing beta takes it as far to the other side, so that the way back
 * takes as many checks.
 */
static void count_given(struct check *check, size_t i)
{
	int32_t *count = &check->memory[i].count, beta = (int32_t)check->options->beta;

	if (works_like_batch(check, i)) {
		*count += *count < 2 * (beta + 1);
		if (*count == beta + 1)
			*count = 2 * (beta + 1);
	} else {
		*count -= *count > 0;
		if (*count == beta)
			*count = 0;
	}
}

/* One from another configuration may be anything. */
static void bound_count(struct check *check, size_t i)
{
	int32_t *count = &check->memory[i].count, beta = (int32_t)check->options->beta;
	int32_t most = check_class_given(&check->measure.vms[i]) ? 2 * (beta + 1) : beta;

	*count = *count < 0 ? 0 : *count > most ? most : *count;
}

/* One that is about as busy as alpha must not be light at one check and not at the next. */
static void note_pressure(struct check *check, size_t i)
{
	uint64_t pressure = tier_pressure_permille(&check->measure.vms[i]);
	uint64_t alpha = check->options->alpha_permille;
	uint64_t clear = smaller(alpha + alpha * check->options->hysteresis_permille / 1000, 1000);
	struct manage_memory *memory = &check->memory[i];
	bool pressed = pressure >= alpha;

	memory->heavy = pressed && (memory->heavy || memory->pressed || pressure >= clear);
	memory->pressed = pressed;
}

void tier_count(struct check *check, size_t i)
{
	bound_count(check, i);
	if (!check_manages(check, i) || !check->measure.vms[i].measured)
		return;
	if (check_class_given(&check->measure.vms[i]))
		count_given(check, i);
	else
		count_free(check, i);
	note_pressure(check, i);
}

enum tier tier_of(const struct check *check, size_t i)
{
	if (check->memory[i].class == MANAGE_BATCH)
		return TIER_BATCH;
	return is_heavy(check, i) ? TIER_HEAVY_SERVICE : TIER_SERVICE;
}

bool tier_is_light(const struct check *check, size_t i)
{
	return tier_of(check, i) == TIER_SERVICE && !check->memory[i].heavy;
}
