// SPDX-License-Identifier: GPL-2.0
#include "sets.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_members(const uint32_t *members, uint32_t nr, bool outside)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ outside;

	for (uint32_t i = 0; i < nr; i++)
		hash = (hash ^ members[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

static bool is_set(const struct set *set, const uint32_t *members, uint32_t nr, bool outside)
{
	return set->nr_members == nr && set->outside == outside &&
	       !memcmp(set->members, members, nr * sizeof(*members));
}

static uint32_t *find_slot(struct sets *sets, const uint32_t *members, uint32_t nr, bool outside)
{
	size_t at = hash_members(members, nr, outside) & (sets->nr_slots - 1);

	while (sets->slots[at] && !is_set(&sets->at[sets->slots[at] - 1], members, nr, outside))
		at = (at + 1) & (sets->nr_slots - 1);
	return &sets->slots[at];
}

/* At most half of the slots are taken. */
static void grow(struct sets *sets)
{
	size_t nr_slots = sets->nr_slots ? sets->nr_slots * 2 : 256;

	free(sets->slots);
	sets->slots = calloc(nr_slots, sizeof(*sets->slots));
	sets->at = reallocarray(sets->at, nr_slots / 2, sizeof(*sets->at));
	if (!sets->slots || !sets->at)
		err(1, "no memory for %zu sets", nr_slots / 2);
	sets->nr_slots = nr_slots;
	for (size_t i = 0; i < sets->nr; i++) {
		const struct set *set = &sets->at[i];

		*find_slot(sets, set->members, set->nr_members, set->outside) = i + 1;
	}
}

static void append(struct sets *sets, const uint32_t *members, uint32_t nr, bool outside)
{
	uint32_t *copy = reallocarray(NULL, nr + 1, sizeof(*copy));

	if (!copy)
		err(1, "no memory for a set of %u", nr);
	memcpy(copy, members, nr * sizeof(*copy));
	sets->at[sets->nr++] = (struct set){
		.members = copy, .nr_members = nr, .outside = outside,
	};
}

void sets_add(struct sets *sets, const uint32_t *members, uint32_t nr_members,
	      bool outside, uint64_t mappings)
{
	uint32_t *slot;
	struct set *set;

	if (sets->nr == sets->nr_slots / 2)
		grow(sets);
	slot = find_slot(sets, members, nr_members, outside);
	if (!*slot) {
		append(sets, members, nr_members, outside);
		*slot = sets->nr;
	}
	set = &sets->at[*slot - 1];
	set->frames++;
	set->mappings += mappings;
}

void sets_free(struct sets *sets)
{
	for (size_t i = 0; i < sets->nr; i++)
		free(sets->at[i].members);
	free(sets->at);
	free(sets->slots);
}
