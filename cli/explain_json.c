// SPDX-License-Identifier: GPL-2.0
/* The same explanation for programs. */
#include "jsonout.h"
#include "plan.h"

static json_t *pids_json(const struct plan *plan, const struct explain_choice *obvious,
			 size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array,
				      json_integer(plan->snap->vms[obvious->vms[i]].pid));
	return array;
}

static json_t *prefix_json(const struct plan *plan, const struct explain_choice *obvious,
			   const struct explain_prefix *prefix, bool meets)
{
	json_t *object = json_object();

	json_object_set_new(object, "vms", pids_json(plan, obvious, prefix->count));
	json_object_set_new(object, "promised_bytes", jsonout_number(prefix->promised));
	json_object_set_new(object, "freed_bytes", jsonout_number(prefix->freed));
	json_object_set_new(object, "cost", jsonout_number(prefix->cost));
	json_object_set_new(object, "meets_need", json_boolean(meets));
	return object;
}

/*
 * More than the plan costs. Less is possible where the plan is not proved, or, of one that
 * is, where the destinations do not take the choice: else it would be the plan.
 */
static void put_excess(const struct plan *plan, const struct explain_choice *obvious,
		       json_t *object)
{
	uint64_t cost = obvious->real.cost, best = plan->choice->cost;

	json_object_set_new(object, "excess_cost", json_integer((json_int_t)(cost - best)));
	if (cost < best && plan->choice->proved)
		json_object_set_new(object, "fits", json_false());
}

static json_t *orders_json(const struct plan *plan)
{
	json_t *array = json_array(), *object;
	enum explain_order order;

	for (order = 0; order < ORDERS; order++) {
		const struct explain_choice *obvious = &plan->explanation->choice[order];

		object = json_object();
		json_object_set_new(object, "order", json_string(explain_order_name(order)));
		json_object_set_new(object, "believed",
				    prefix_json(plan, obvious, &obvious->believed,
						obvious->enough));
		json_object_set_new(object, "until_met",
				    prefix_json(plan, obvious, &obvious->real, obvious->possible));
		if (obvious->possible)
			put_excess(plan, obvious, object);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *victims_json(const struct plan *plan)
{
	json_t *array = json_array(), *object;
	uint64_t before = 0;
	size_t i;

	for (i = 0; i < plan->choice->count; i++) {
		const struct victim *victim = &plan->choice->victims[i];

		object = json_object();
		json_object_set_new(object, "pid", json_integer(plan->snap->vms[victim->vm].pid));
		json_object_set_new(object, "freed_alone_bytes",
				    jsonout_number(victim->freed_alone));
		json_object_set_new(object, "added_bytes",
				    jsonout_number(victim->freed_with_previous - before));
		json_object_set_new(object, "lost_if_kept_bytes",
				    jsonout_number(plan->explanation->needed_for[i]));
		json_array_append_new(array, object);
		before = victim->freed_with_previous;
	}
	return array;
}

json_t *explain_json(const struct plan *plan)
{
	json_t *root = json_object();

	json_object_set_new(root, "victims", victims_json(plan));
	json_object_set_new(root, "orders", orders_json(plan));
	return root;
}
