/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_COSTS_H
#define VMSHARE_COSTS_H

#include "error.h"
#include "options.h"
#include "policy/migration.h"
#include "policy/victim.h"

/*
 * What each VM's leaving costs: by the model that the options name, unless the
 * user or the document gives the VM a cost of its own.
 */
struct costs {
	enum cost_model model;
	uint64_t bandwidth;		/* bytes per second */
	uint64_t *cost;			/* per VM of the snapshot */
	size_t given, movable;		/* of the movable VMs so many have a cost of their own */
};

/* Puts the rates of --dirty-rate VM=SIZE into the snapshot. */
int costs_set_dirty_rates(struct snapshot *snap, const struct options *options,
			  struct error *err);

/* For the VMs that the request lets leave. Refuses what is not known and what adds up to too much. */
int costs_make(struct costs *costs, const struct snapshot *snap, const struct options *options,
	       const struct victim_request *request, struct error *err);
void costs_free(struct costs *costs);

/* Is the sum of costs in the model's unit? Not with costs of the document, in any unit. */
bool costs_of_model(const struct costs *costs);

/*
 * The name of the model and its unit; "given", "as given" where every cost is the
 * document's; the unit is "mixed" where only some are.
 */
const char *costs_name(const struct costs *costs);
const char *costs_unit(const struct costs *costs);

#endif
