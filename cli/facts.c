// SPDX-License-Identifier: GPL-2.0
/* Numbers that may be unknown. */
#include "facts.h"

void facts_set(struct facts *facts, unsigned int field, uint64_t value)
{
	facts->known |= 1u << field;
	facts->value[field] = value;
}

bool facts_get(const struct facts *facts, unsigned int field, uint64_t *value)
{
	if (!(facts->known & 1u << field))
		return false;
	*value = facts->value[field];
	return true;
}

uint64_t facts_or_zero(const struct facts *facts, unsigned int field)
{
	return facts->known & 1u << field ? facts->value[field] : 0;
}

void facts_add(struct facts *facts, unsigned int field, uint64_t value)
{
	facts_set(facts, field, add_saturating(facts_or_zero(facts, field), value));
}

uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t round_saturating(double number)
{
	return number < 0x1p64 - 0x1p12 ? (uint64_t)(number + 0.5) : UINT64_MAX;
}
