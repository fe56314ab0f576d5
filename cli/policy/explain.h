/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_EXPLAIN_H
#define VMSHARE_POLICY_EXPLAIN_H

#include "policy/victim.h"

/*
 * Why a plan, and not the obvious choice. Pure functions of the snapshot and
 * the plan.
 */

/*
 * The obvious choices: take VMs, the largest first by what other tools show for
 * each, until these numbers add up to the need.
 */
enum explain_order {
	ORDER_RESIDENT,			/* RSS: all resident memory */
	ORDER_PROPORTIONAL,		/* PSS: each merged frame divided by the VMs on it */
	ORDER_UNIQUE,			/* USS: what only this VM maps */
	ORDERS
};

/* VMs taken in an order: how many, what that was said to free, and what it does. */
struct explain_prefix {
	size_t count;
	uint64_t promised, freed, cost;
};

struct explain_choice {
	enum explain_order order;
	size_t *vms;			/* all that may leave, in this order */
	size_t n_vms;
	struct explain_prefix believed;	/* until the promise meets the need, or all */
	bool enough;			/* believed.freed meets the need */
	struct explain_prefix real;	/* until the need is really met */
	bool possible;			/* it is, by so many VMs as may leave */
};

struct explanation {
	uint64_t *needed_for;		/* per victim: what would not come free if it alone stayed */
	struct explain_choice choice[ORDERS];
};

/* "RSS"; and in words, "resident memory". */
const char *explain_order_name(enum explain_order order);
const char *explain_order_words(enum explain_order order);

/* What a tool that knows this number says that the VM's leaving frees. */
uint64_t explain_promise(const struct snapshot *snap, const uint64_t *proportional, size_t vm,
			 enum explain_order order);

/* Returns -1 only for want of memory. The explanation is the caller's. */
int explain_plan(const struct snapshot *snap, const struct victim_request *request,
		 const struct victim_plan *plan, struct explanation *explanation);
void explanation_free(struct explanation *explanation);

#endif
