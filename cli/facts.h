/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FACTS_H
#define VMSHARE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Numbers by field, each either known or absent; absent is never shown or
 * counted as 0.
 */
#define FACTS_MAX 32

struct facts {
	uint32_t known;			/* bit per field */
	uint64_t value[FACTS_MAX];
};

void facts_set(struct facts *facts, unsigned int field, uint64_t value);
bool facts_get(const struct facts *facts, unsigned int field, uint64_t *value);

/* For sums to which something unknown adds nothing. */
uint64_t facts_or_zero(const struct facts *facts, unsigned int field);

/* Adds value to the field, which is 0 if it was not known. */
void facts_add(struct facts *facts, unsigned int field, uint64_t value);

/* Addition that stays at the largest number instead of wrapping. */
uint64_t add_saturating(uint64_t a, uint64_t b);

/* To the nearest whole number; what is too large for one gives the largest. */
uint64_t round_saturating(double number);

#endif
