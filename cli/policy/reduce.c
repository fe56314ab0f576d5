// SPDX-License-Identifier: GPL-2.0
#include "policy/reduce.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"

static int compare_item(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static int compare_members(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	size_t i;

	if (a_count != b_count)
		return a_count < b_count ? -1 : 1;
	for (i = 0; i < a_count; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

static int compare_group(const void *a, const void *b, void *data)
{
	const struct cover_group *left = a, *right = b;
	const uint32_t *members = data;

	return compare_members(members + left->first, left->count,
			       members + right->first, right->count);
}

/* Sorted, so that equal groups are neighbours; members stay where they are. */
static void sort_groups(struct cover *cover)
{
	size_t i;

	for (i = 0; i < cover->n_groups; i++)
		qsort(cover->members + cover->groups[i].first, cover->groups[i].count,
		      sizeof(*cover->members), compare_item);
	qsort_r(cover->groups, cover->n_groups, sizeof(*cover->groups), compare_group,
		cover->members);
}

void cover_reduce(struct cover *cover)
{
	size_t kept = 0, i;

	sort_groups(cover);
	for (i = 0; i < cover->n_groups; i++) {
		const struct cover_group *group = &cover->groups[i];
		struct cover_group *last = kept ? &cover->groups[kept - 1] : NULL;

		if (!group->count || !group->gain)
			continue;
		if (group->count == 1) {
			uint64_t *gain = &cover->gain[cover->members[group->first]];

			*gain = add_saturating(*gain, group->gain);
		} else if (last && !compare_group(last, group, cover->members)) {
			last->gain = add_saturating(last->gain, group->gain);
		} else {
			cover->groups[kept++] = *group;
		}
	}
	cover->n_groups = kept;
}

/* What equal items must have in common. */
struct profile {
	uint32_t item;
	uint64_t cost, gain, size;
	uint32_t kind;
	unsigned __int128 shared;	/* gains of its groups */
	size_t groups;
};

struct twins {
	const struct cover *cover;
	uint32_t *first, *group;	/* groups of item i: group[first[i]..first[i + 1]] */
	uint32_t *swapped;		/* room for the members of one group */
	struct profile *profiles;
	uint32_t *before;		/* the result */
};

static int compare_profile(const void *a, const void *b)
{
	const struct profile *left = a, *right = b;

	if (left->cost != right->cost)
		return left->cost < right->cost ? -1 : 1;
	if (left->gain != right->gain)
		return left->gain < right->gain ? -1 : 1;
	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->shared != right->shared)
		return left->shared < right->shared ? -1 : 1;
	if (left->groups != right->groups)
		return left->groups < right->groups ? -1 : 1;
	return left->item < right->item ? -1 : left->item > right->item;
}

static bool same_profile(const struct profile *a, const struct profile *b)
{
	return a->cost == b->cost && a->gain == b->gain && a->size == b->size &&
	       a->kind == b->kind && a->shared == b->shared && a->groups == b->groups;
}

static uint64_t gain_of(const struct cover *cover, const uint32_t *members, size_t count)
{
	size_t low = 0, high = cover->n_groups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct cover_group *group = &cover->groups[middle];
		int order = compare_members(members, count, cover->members + group->first,
					    group->count);

		if (!order)
			return group->gain;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

/* Is there, for this group with a, an equal one with b in its place? */
static bool has_counterpart(const struct twins *twins, uint32_t group, uint32_t a, uint32_t b)
{
	const struct cover_group *one = &twins->cover->groups[group];
	const uint32_t *members = twins->cover->members + one->first;
	size_t i;

	for (i = 0; i < one->count; i++) {
		if (members[i] == b)
			return true;
		twins->swapped[i] = members[i] == a ? b : members[i];
	}
	qsort(twins->swapped, one->count, sizeof(*twins->swapped), compare_item);
	return gain_of(twins->cover, twins->swapped, one->count) == one->gain;
}

/* Both have as many groups, so one direction is enough. */
static bool are_twins(const struct twins *twins, uint32_t a, uint32_t b)
{
	uint32_t i;

	for (i = twins->first[a]; i < twins->first[a + 1]; i++) {
		if (!has_counterpart(twins, twins->group[i], a, b))
			return false;
	}
	return true;
}

static void profile_items(struct twins *twins)
{
	const struct cover *cover = twins->cover;
	size_t g, i;

	for (i = 0; i < cover->items; i++)
		twins->profiles[i] = (struct profile){
			.item = (uint32_t)i, .cost = cover->cost[i], .gain = cover->gain[i],
			.size = cover->size ? cover->size[i] : 0,
			.kind = cover->kind ? cover->kind[i] : 0,
		};
	for (g = 0; g < cover->n_groups; g++) {
		for (i = 0; i < cover->groups[g].count; i++) {
			uint32_t item = cover->members[cover->groups[g].first + i];

			twins->profiles[item].shared += cover->groups[g].gain;
			twins->profiles[item].groups++;
			twins->first[item + 1]++;
		}
	}
	for (i = 0; i < cover->items; i++)
		twins->first[i + 1] += twins->first[i];
	for (g = 0; g < cover->n_groups; g++) {
		for (i = 0; i < cover->groups[g].count; i++) {
			uint32_t item = cover->members[cover->groups[g].first + i];

			twins->group[twins->first[item]++] = (uint32_t)g;
		}
	}
	for (i = cover->items; i > 0; i--)
		twins->first[i] = twins->first[i - 1];
	twins->first[0] = 0;
}

/* Being twins is transitive, so the last of a kind stands for all before it. */
static void pair_items(struct twins *twins)
{
	uint32_t items = twins->cover->items, i;

	qsort(twins->profiles, items, sizeof(*twins->profiles), compare_profile);
	for (i = 0; i < items; i++)
		twins->before[i] = UINT32_MAX;
	for (i = 1; i < items; i++) {
		uint32_t last = twins->profiles[i - 1].item, item = twins->profiles[i].item;

		if (same_profile(&twins->profiles[i - 1], &twins->profiles[i]) &&
		    are_twins(twins, last, item))
			twins->before[item] = last;
	}
}

uint32_t *cover_twins(const struct cover *cover)
{
	size_t places = 0, i;
	struct twins twins = { .cover = cover };

	for (i = 0; i < cover->n_groups; i++)
		places += cover->groups[i].count;
	twins.first = calloc(cover->items + 2, sizeof(*twins.first));
	twins.group = calloc(places + 1, sizeof(*twins.group));
	twins.swapped = calloc(cover->items + 1, sizeof(*twins.swapped));
	twins.profiles = calloc(cover->items + 1, sizeof(*twins.profiles));
	twins.before = calloc(cover->items + 1, sizeof(*twins.before));
	if (twins.first && twins.group && twins.swapped && twins.profiles && twins.before) {
		profile_items(&twins);
		pair_items(&twins);
	} else {
		free(twins.before);
		twins.before = NULL;
	}
	free(twins.first);
	free(twins.group);
	free(twins.swapped);
	free(twins.profiles);
	return twins.before;
}
