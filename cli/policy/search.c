// SPDX-License-Identifier: GPL-2.0
/*
 * Depth-first branch and bound. With a price on gain and a toll on items, a
 * cover costs at least
 *
 *	spent + price * missing - toll * slots + sum of min(0, cost + toll - price * part)
 *
 * over the open items (Lagrangian relaxation of the need and of the number of
 * items). It holds for any price, toll and division, so they are sought in
 * floating point; only the sum's own rounding has to be allowed for. Costs and
 * gains of covers are compared as integers.
 */
#include "policy/search.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

#define NONE ((wide)-1)
#define HUGE_COST 1e300
#define IMPOSSIBLE 1e301
#define TRAIL_MAX (4u << 20)		/* changes to remember before levelling stops */
#define TOLERANCE 0.01			/* of levelling at a node */
#define TOLL_STEPS 24

/* Work for each item of which is asked whether it fits, roughly. */
#define FIT_WORK 100u

/* Relative error of one floating-point operation. */
#define EPSILON 0x1p-52

/* Items whose reduced cost is at most this part of their cost may be divided on. */
#define NEAR 0.05

struct decision {
	uint32_t item;
	bool second;			/* its other state is under way */
	size_t mark;
	double bound;
};

/* What is still to be covered by open items, and how many of them may come in. */
static int64_t missing_of(const struct division *division)
{
	return division->need > division->gained ? division->need - division->gained : 0;
}

static uint32_t slots_of(const struct division *division)
{
	size_t max = division->cover->max_items;

	if (max <= division->n_in)
		return 0;
	return max - division->n_in < division->n_open ? (uint32_t)(max - division->n_in) :
							 division->n_open;
}

/* Gains in the division are rounded; the cover's own decide. */
static bool gains_enough(const struct division *division)
{
	const struct cover *cover = division->cover;
	wide gained = 0;
	size_t i;

	if (division->gained < division->need)
		return false;
	if (!division->shift)
		return true;
	for (i = 0; i < cover->items; i++)
		gained += division->state[i] == ITEM_IN ? cover->gain[i] : 0;
	for (i = 0; i < cover->n_groups; i++)
		gained += !division->open[i] && !division->lost[i] ? cover->groups[i].gain : 0;
	return gained >= cover->need;
}

static void set_best(struct search *search, wide cost)
{
	search->best = cost;
	search->cover->found = true;
	search->limit = cost < search->step ? -1 :
			(double)(cost - search->step) * (1 + 2 * EPSILON);
}

/* Where the answer is not known, it is no, and what that may have cost is remembered. */
static bool cover_fits(struct search *search, const bool *in, wide cost)
{
	const struct cover *cover = search->cover;
	enum cover_fit fit = cover->fits ? cover->fits(cover->fits_data, in) : COVER_FITS;

	if (fit == COVER_FIT_UNKNOWN && cost < search->doubt)
		search->doubt = cost;
	return fit == COVER_FITS;
}

/* What costs more than this node has it as a part, so it fits no better. */
static void keep_node(struct search *search)
{
	const struct division *division = search->division;
	struct cover *cover = search->cover;
	uint32_t i;

	if (division->spent >= search->best || division->n_in > cover->max_items)
		return;
	for (i = 0; i < cover->items; i++)
		search->in[i] = division->state[i] == ITEM_IN;
	if (cover->fits)
		search->division->work += FIT_WORK * division->n_in;
	if (!cover_fits(search, search->in, division->spent))
		return;
	set_best(search, division->spent);
	memcpy(cover->best, search->in, cover->items * sizeof(*cover->best));
}

static bool group_inside(const struct cover_group *group, const uint32_t *members, const bool *in)
{
	size_t i;

	for (i = 0; i < group->count; i++) {
		if (!in[members[group->first + i]])
			return false;
	}
	return true;
}

bool search_offer(struct search *search, const bool *in)
{
	struct cover *cover = search->cover;
	wide gained = 0, cost = 0;
	size_t count = 0, i;

	for (i = 0; i < cover->items; i++) {
		gained += in[i] ? cover->gain[i] : 0;
		cost += in[i] ? cover->cost[i] : 0;
		count += in[i];
	}
	if (cost >= search->best || count > cover->max_items)
		return false;
	for (i = 0; i < cover->n_groups; i++)
		gained += group_inside(&cover->groups[i], cover->members, in) ?
			  cover->groups[i].gain : 0;
	if (gained < cover->need || !cover_fits(search, in, cost))
		return false;
	set_best(search, cost);
	memmove(cover->best, in, cover->items * sizeof(*in));
	return true;
}

/* Better ratio of part to cost first; lower index among equals, so that runs repeat. */
static int compare_ratio(const void *a, const void *b, void *data)
{
	const double *ratio = data;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	if (ratio[left] != ratio[right])
		return ratio[left] > ratio[right] ? -1 : 1;
	return left < right ? -1 : left > right;
}

static uint32_t list_open(struct search *search)
{
	const struct division *division = search->division;
	uint32_t n = 0, i;

	for (i = 0; i < search->cover->items; i++) {
		if (division->state[i] == ITEM_OPEN)
			search->order[n++] = i;
	}
	search->division->work += 4 * search->cover->items;
	return n;
}

double search_price(struct search *search)
{
	const struct division *division = search->division;
	int64_t missing = missing_of(division);
	uint32_t n, i;

	if (!missing)
		return 0;
	n = list_open(search);
	qsort_r(search->order, n, sizeof(*search->order), compare_ratio, division->ratio);
	for (i = 0; i < n; i++) {
		int64_t part = division->part[search->order[i]];

		if (part >= missing)
			return division->weight[search->order[i]] / (double)part;
		missing -= part;
	}
	return 0;
}

/* Sets the reduced costs, and returns the bound less what rounding may have added. */
static double bound_at(struct search *search, double price, double toll)
{
	const struct division *division = search->division;
	double missing = (double)missing_of(division), tolls = toll * slots_of(division);
	double sum = (double)division->spent + price * missing - tolls;
	double size = sum + 2 * tolls;
	uint32_t i;

	for (i = 0; i < search->cover->items; i++) {
		double cost, worth;

		if (division->state[i] != ITEM_OPEN)
			continue;
		cost = (double)search->cover->cost[i] + toll;
		worth = price * (double)division->part[i];
		search->reduced[i] = cost - worth;
		if (cost < worth) {
			sum += cost - worth;
			size += cost + worth;
		}
	}
	return sum - size * (division->n_open + 16) * EPSILON;
}

/*
 * The toll that leaves only as many items worth their price as may come in: the
 * reduced cost of the first one too many. Returns the parts of those that are left.
 */
static double toll_at(struct search *search, double price, double *toll)
{
	const struct division *division = search->division;
	uint32_t slots = slots_of(division), n, i;
	double parts = 0;

	bound_at(search, price, 0);
	for (i = 0; i < search->cover->items; i++)
		search->reduced[i] = -search->reduced[i];
	n = list_open(search);
	qsort_r(search->order, n, sizeof(*search->order), compare_ratio, search->reduced);
	*toll = slots < n ? search->reduced[search->order[slots]] : 0;
	if (*toll < 0)
		*toll = 0;
	for (i = 0; i < slots; i++)
		parts += search->reduced[search->order[i]] > 0 ?
			 (double)division->part[search->order[i]] : 0;
	return parts;
}

/* Higher prices until so few items are enough: the bound rises up to there. */
static double bound_with_toll(struct search *search, double price)
{
	double missing = (double)missing_of(search->division), low = price, high = price, toll;
	double bound, best = bound_at(search, price, 0), best_price = price, best_toll = 0;
	unsigned int i;

	for (i = 0; i < TOLL_STEPS; i++) {
		bool enough = toll_at(search, price, &toll) >= missing;

		bound = bound_at(search, price, toll);
		if (bound > best) {
			best = bound;
			best_price = price;
			best_toll = toll;
		}
		if (enough)
			high = price;
		else
			low = price;
		if (enough && low == high)
			break;
		price = high > low ? (low + high) / 2 : 2 * price;
		if (high < low)
			high = low;
	}
	return bound_at(search, best_price, best_toll);
}

/* Is the need beyond what the largest parts, as many as may come in, can gain? */
static bool too_few_slots(struct search *search)
{
	const struct division *division = search->division;
	uint32_t slots = slots_of(division), n = list_open(search), i;
	int64_t missing = missing_of(division);

	for (i = 0; i < n; i++)
		search->reduced[search->order[i]] = (double)division->part[search->order[i]];
	qsort_r(search->order, n, sizeof(*search->order), compare_ratio, search->reduced);
	for (i = 0; i < slots; i++)
		missing -= division->part[search->order[i]];
	return missing > 0;
}

double search_bound(struct search *search)
{
	const struct division *division = search->division;
	bool scarce = slots_of(division) < division->n_open;
	double price;

	/* rounded gains meet the need, those of the cover may not: nothing has a price */
	if (!missing_of(division))
		return bound_at(search, 0, 0);
	price = search_price(search);
	if (price == 0 || (scarce && too_few_slots(search)))
		return IMPOSSIBLE;
	return scarce ? bound_with_toll(search, price) : bound_at(search, price, 0);
}

/* Better ratio of part to size first; what takes no room before all. */
static int compare_density(const void *a, const void *b, void *data)
{
	const struct division *division = data;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	wide left_gain = (wide)division->part[left] * division->cover->size[right];
	wide right_gain = (wide)division->part[right] * division->cover->size[left];

	if (left_gain != right_gain)
		return left_gain > right_gain ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Do items that bring what is missing take more room than there is, even in fractions? */
static bool lacks_room(struct search *search)
{
	const struct division *division = search->division;
	const uint64_t *size = search->cover->size;
	double missing = (double)missing_of(division), taken = (double)division->taken;
	uint32_t n, i;

	if (!size)
		return false;
	n = list_open(search);
	qsort_r(search->order, n, sizeof(*search->order), compare_density, search->division);
	for (i = 0; i < n && missing > 0; i++) {
		uint32_t item = search->order[i];
		double part = (double)division->part[item];

		taken += (double)size[item] * (part > missing ? missing / part : 1);
		missing -= part;
	}
	return taken * (1 - 4 * (n + 4) * EPSILON) > (double)search->cover->room;
}

/* Of equal items the first ones come in. */
static bool settle_twin(struct search *search, uint32_t item)
{
	struct division *division = search->division;
	uint32_t twin = search->twin[item];

	if (twin == UINT32_MAX)
		return false;
	if (division->state[item] == ITEM_OPEN && division->state[twin] == ITEM_OUT) {
		division_set(division, item, ITEM_OUT);
		return true;
	}
	if (division->state[item] == ITEM_IN && division->state[twin] == ITEM_OPEN) {
		division_set(division, twin, ITEM_IN);
		return true;
	}
	return false;
}

/* Without it the need is out of reach; or it alone is too dear or too large. */
static bool settle_by_need(struct search *search, uint32_t item)
{
	struct division *division = search->division;

	if (division->state[item] != ITEM_OPEN)
		return false;
	if (division->stake[item] > division->reach - division->need)
		division_set(division, item, ITEM_IN);
	else if (((double)division->spent + (double)search->cover->cost[item]) *
		 (1 - 4 * EPSILON) > search->limit)
		division_set(division, item, ITEM_OUT);
	else if (search->cover->size &&
		 division->taken + search->cover->size[item] > search->cover->room)
		division_set(division, item, ITEM_OUT);
	else
		return false;
	return true;
}

/* In its other state than at the bound, the item's reduced cost comes on top. */
static bool settle_by_cost(struct search *search, uint32_t item)
{
	struct division *division = search->division;
	double reduced = search->reduced[item];

	if (division->state[item] != ITEM_OPEN)
		return false;
	if (reduced >= 0 && search->bound + reduced * (1 - 4 * EPSILON) > search->limit)
		division_set(division, item, ITEM_OUT);
	else if (reduced < 0 && search->bound - reduced * (1 - 4 * EPSILON) > search->limit)
		division_set(division, item, ITEM_IN);
	else
		return false;
	return true;
}

static bool settle(struct search *search, bool (*rule)(struct search *search, uint32_t item))
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < search->cover->items; i++)
		any |= rule(search, i);
	search->division->work += search->cover->items;
	return any;
}

/* Nothing below this node can be a cheaper cover. */
static bool is_hopeless(const struct search *search)
{
	const struct division *division = search->division;

	return division->reach < division->need || !division->n_open ||
	       division->n_in >= search->cover->max_items ||
	       (search->cover->size && division->taken > search->cover->room) ||
	       (double)division->spent > search->limit;
}

/* Settles what follows from the states, and bounds; false if the node is done. */
static bool look_at_node(struct search *search)
{
	struct division *division = search->division;
	bool levelled = false;
	double bound;

	for (;;) {
		while (division->reach >= division->need &&
		       (settle(search, settle_twin) || settle(search, settle_by_need)))
			;
		if (gains_enough(division)) {
			keep_node(search);
			return false;
		}
		if (is_hopeless(search))
			return false;
		bound = search_bound(search);
		if (bound > search->bound)
			search->bound = bound;
		if (search->bound > search->limit || lacks_room(search))
			return false;
		/* Reduced costs go with the bound they come with. */
		if (bound >= search->bound && settle(search, settle_by_cost))
			continue;
		if (levelled || division->n_trail > TRAIL_MAX)
			return true;
		levelled = true;
		if (!division_level(division, TOLERANCE, true))
			return true;
	}
}

/* Among the items that the bound leaves open, the one that most gain depends on. */
static uint32_t dividing_item(const struct search *search)
{
	const struct division *division = search->division;
	uint32_t best = UINT32_MAX, i;
	double nearest = HUGE_COST, distance;
	int64_t stake = -1;

	for (i = 0; i < search->cover->items; i++) {
		if (division->state[i] != ITEM_OPEN)
			continue;
		distance = search->reduced[i] / division->weight[i];
		if (distance < 0)
			distance = -distance;
		if (distance < NEAR && division->stake[i] > stake) {
			stake = division->stake[i];
			best = i;
		} else if (stake < 0 && distance < nearest) {
			nearest = distance;
			best = i;
		}
	}
	return best;
}

static void divide_node(struct search *search)
{
	struct decision *decision = &search->stack[search->depth++];

	*decision = (struct decision){
		.item = dividing_item(search),
		.mark = division_mark(search->division),
		.bound = search->bound,
	};
	division_set(search->division, decision->item, ITEM_IN);
}

/* Goes on with the next node; false if there is none left. */
static bool step_back(struct search *search)
{
	while (search->depth) {
		struct decision *decision = &search->stack[search->depth - 1];

		division_undo(search->division, decision->mark);
		if (decision->second || decision->bound > search->limit) {
			search->depth--;
			continue;
		}
		decision->second = true;
		search->bound = decision->bound;
		division_set(search->division, decision->item, ITEM_OUT);
		return true;
	}
	return false;
}

/* What this node and those not yet seen cost at least. */
static double least_unexplored(const struct search *search)
{
	double least = search->bound;
	size_t i;

	for (i = 0; i < search->depth; i++) {
		if (!search->stack[i].second && search->stack[i].bound < least)
			least = search->stack[i].bound;
	}
	return least;
}

bool search_run(struct search *search, uint64_t work)
{
	struct division *division = search->division;

	do {
		search->cover->visited++;
		while (look_at_node(search)) {
			if (division->work >= work || division->no_memory) {
				search->bound = least_unexplored(search);
				return false;
			}
			divide_node(search);
			search->cover->visited++;
		}
	} while (step_back(search));
	return true;
}

static uint64_t common_divisor(const struct cover *cover)
{
	uint64_t a = 0, b, rest;
	uint32_t i;

	for (i = 0; i < cover->items; i++) {
		for (b = cover->cost[i]; b; b = rest) {
			rest = a % b;
			a = b;
		}
	}
	return a ? a : 1;
}

int search_init(struct search *search, struct cover *cover, struct division *division,
		const uint32_t *twin)
{
	size_t items = cover->items + 1;

	*search = (struct search){
		.cover = cover, .division = division, .twin = twin,
		.best = NONE, .doubt = NONE, .step = common_divisor(cover), .limit = HUGE_COST,
		.in = calloc(items, sizeof(*search->in)),
		.order = calloc(items, sizeof(*search->order)),
		.reduced = calloc(items, sizeof(*search->reduced)),
		.stack = calloc(items, sizeof(*search->stack)),
	};
	return search->in && search->order && search->reduced && search->stack ? 0 : -1;
}

void search_free(struct search *search)
{
	free(search->in);
	free(search->order);
	free(search->reduced);
	free(search->stack);
}
