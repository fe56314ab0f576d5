/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_TIERS_H
#define VMSHARE_POLICY_TIERS_H

#include "policy/check.h"

/* Who goes first where CPU is short. Pure functions over the VM at index i of a check. */
enum tier {
	TIER_SERVICE,
	TIER_BATCH,
	TIER_HEAVY_SERVICE,		/* service by configuration, works like batch */
	TIERS
};

enum tier tier_of(const struct check *check, size_t i);

/* Counts the check for or against its class, and moves it if the count is above beta. */
void tier_count(struct check *check, size_t i);

/* The part of the time in which nothing held it back that its vCPUs were busy. */
uint64_t tier_pressure_permille(const struct measure_vm *row);

/*
 * What it is taken to want. Use and waiting together are right for who always has
 * work. For a VM that sleeps in between they are far too much: had it not waited it
 * would have slept for longer. It goes on as in the time in which nothing held it back.
 * Never above its demand.
 */
uint64_t tier_claim(const struct check *check, size_t i);

/*
 * A service VM, also by what it does right now: it may just not have been found out
 * yet. Clearly above alpha, or above it in two checks in a row, it is light no more.
 */
bool tier_is_light(const struct check *check, size_t i);

#endif
