// SPDX-License-Identifier: GPL-2.0
/* Bin packing by depth-first search, largest items first if they are given so. */
#include "policy/packing.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"

struct search {
	struct packing *packing;
	const uint64_t *own;
	size_t *held;			/* per bin and group: items of it in the bin */
	size_t *groups_of;		/* per item, ascending, from first_of[item] on */
	size_t *first_of;
	uint64_t *own_left;		/* of this item and all after it together */
	uint64_t *own_least;		/* the smallest of them */
	size_t *tried;			/* per item and rank: bins already refused here */
};

static uint64_t room_left(const struct search *search, size_t bin)
{
	const struct packing *packing = search->packing;

	return packing->room[bin] > packing->used[bin] ?
		       packing->room[bin] - packing->used[bin] : 0;
}

/* What the item adds to the bin for good. */
static uint64_t added(const struct search *search, size_t item, size_t bin)
{
	const struct packing *packing = search->packing;
	uint64_t bytes = search->own[item];
	size_t i;

	for (i = search->first_of[item]; i < search->first_of[item + 1]; i++) {
		size_t group = search->groups_of[i];

		if (!search->held[bin * packing->n_groups + group])
			bytes = add_saturating(bytes, packing->groups[group].size);
	}
	return bytes;
}

/* Earlier items are in their bins already. */
static bool is_with_rival(const struct packing *packing, size_t item, size_t bin)
{
	size_t i, rival;

	for (i = 0; i < 2 && packing->apart[i]; i++) {
		for (rival = packing->apart[i][item]; rival != SIZE_MAX;
		     rival = packing->apart[i][rival]) {
			if (packing->bin_of[rival] == bin)
				return true;
		}
	}
	return false;
}

static bool takes(const struct search *search, size_t item, size_t bin)
{
	const struct packing *packing = search->packing;

	return !(packing->barred && packing->barred[item * packing->bins + bin]) &&
	       packing->size[item] <= room_left(search, bin) &&
	       !is_with_rival(packing, item, bin) &&
	       added(search, item, bin) <= room_left(search, bin);
}

/* Counts the item in or out of the bin. */
static void move(struct search *search, size_t item, size_t bin, bool in, uint64_t bytes)
{
	struct packing *packing = search->packing;
	size_t i;

	packing->used[bin] += in ? bytes : -bytes;
	for (i = search->first_of[item]; i < search->first_of[item + 1]; i++)
		search->held[bin * packing->n_groups + search->groups_of[i]] +=
			in ? 1 : (size_t)-1;
}

/* Bins with the same room left are as good as one, if nothing else tells them apart. */
static bool bins_are_alike(const struct packing *packing)
{
	return !packing->n_groups && !packing->barred && !packing->apart[0];
}

static bool is_like_tried(const struct search *search, const size_t *tried, size_t count,
			  size_t bin)
{
	const struct packing *packing = search->packing;
	size_t i;

	for (i = 0; i < count; i++) {
		if (tried[i] == bin ||
		    (bins_are_alike(packing) &&
		     room_left(search, tried[i]) == room_left(search, bin)))
			return true;
	}
	return false;
}

/* Where the item adds least, which is where it shares most; then where most room is. */
static bool is_better(const struct search *search, size_t item, size_t bin, size_t best)
{
	uint64_t adds = added(search, item, bin), best_adds = added(search, item, best);

	return adds < best_adds ||
	       (adds == best_adds && room_left(search, bin) > room_left(search, best));
}

/* The best bin that takes the item and is unlike those tried; SIZE_MAX: none. */
static size_t next_bin(const struct search *search, size_t item, size_t count)
{
	const struct packing *packing = search->packing;
	const size_t *tried = search->tried + item * packing->bins;
	size_t best = SIZE_MAX, bin;

	for (bin = 0; bin < packing->bins; bin++) {
		if (takes(search, item, bin) && !is_like_tried(search, tried, count, bin) &&
		    (best == SIZE_MAX || is_better(search, item, bin, best)))
			best = bin;
	}
	return best;
}

/*
 * Own parts are never shared: all that are left must fit into all room that is
 * left, and a bin takes no more of them than of the smallest.
 */
static bool is_hopeless(const struct search *search, size_t item)
{
	uint64_t room = 0, count = 0, least = search->own_least[item];
	size_t bin;

	for (bin = 0; bin < search->packing->bins; bin++) {
		room = add_saturating(room, room_left(search, bin));
		count = add_saturating(count, least ? room_left(search, bin) / least : SIZE_MAX);
	}
	return search->own_left[item] > room || search->packing->items - item > count;
}

/* Depth-first without recursion, as documents may name very many VMs. */
static enum packing_answer descend(struct search *search, size_t *count, uint64_t *bytes)
{
	struct packing *packing = search->packing;
	size_t item = 0, bin;

	while (item < packing->items) {
		bin = is_hopeless(search, item) ? SIZE_MAX : next_bin(search, item, count[item]);
		if (bin != SIZE_MAX) {
			if (packing->tried++ >= packing->work)
				return PACKING_OPEN;
			search->tried[item * packing->bins + count[item]++] = bin;
			bytes[item] = added(search, item, bin);
			move(search, item, bin, true, bytes[item]);
			packing->bin_of[item++] = bin;
			if (item < packing->items)
				count[item] = 0;
			continue;
		}
		if (!item--)
			return PACKING_NONE;
		move(search, item, packing->bin_of[item], false, bytes[item]);
	}
	return PACKING_FITS;
}

/* Which groups each item is in, from the members of each group. */
static void index_groups(struct search *search)
{
	const struct packing *packing = search->packing;
	size_t group, i;

	for (group = 0; group < packing->n_groups; group++) {
		for (i = 0; i < packing->groups[group].count; i++)
			search->first_of[packing->members[packing->groups[group].first + i] + 2]++;
	}
	for (i = 2; i < packing->items + 2; i++)
		search->first_of[i] += search->first_of[i - 1];
	for (group = 0; group < packing->n_groups; group++) {
		for (i = 0; i < packing->groups[group].count; i++) {
			size_t item = packing->members[packing->groups[group].first + i];

			search->groups_of[search->first_of[item + 1]++] = group;
		}
	}
}

static size_t count_members(const struct packing *packing)
{
	size_t members = 0, i;

	for (i = 0; i < packing->n_groups; i++)
		members += packing->groups[i].count;
	return members;
}

static void prepare(struct search *search)
{
	struct packing *packing = search->packing;
	size_t i;

	search->own = packing->own ? packing->own : packing->size;
	index_groups(search);
	search->own_least[packing->items] = UINT64_MAX;
	for (i = packing->items; i--;) {
		uint64_t own = search->own[i], least = search->own_least[i + 1];

		search->own_left[i] = add_saturating(search->own_left[i + 1], own);
		search->own_least[i] = own < least ? own : least;
	}
	memset(packing->used, 0, packing->bins * sizeof(*packing->used));
	packing->tried = 0;
}

enum packing_answer packing_solve(struct packing *packing)
{
	struct search search = {
		.packing = packing,
		.held = calloc(packing->bins * packing->n_groups + 1, sizeof(size_t)),
		.groups_of = calloc(count_members(packing) + 1, sizeof(size_t)),
		.first_of = calloc(packing->items + 3, sizeof(size_t)),
		.own_left = calloc(packing->items + 1, sizeof(uint64_t)),
		.own_least = calloc(packing->items + 1, sizeof(uint64_t)),
		.tried = calloc(packing->items * packing->bins + 1, sizeof(size_t)),
	};
	size_t *count = calloc(packing->items + 1, sizeof(*count));
	uint64_t *bytes = calloc(packing->items + 1, sizeof(*bytes));
	enum packing_answer answer = PACKING_NO_MEMORY;

	if (search.held && search.groups_of && search.first_of && search.own_left &&
	    search.own_least && search.tried && count && bytes) {
		prepare(&search);
		answer = descend(&search, count, bytes);
	}
	free(search.held);
	free(search.groups_of);
	free(search.first_of);
	free(search.own_left);
	free(search.own_least);
	free(search.tried);
	free(count);
	free(bytes);
	return answer;
}
