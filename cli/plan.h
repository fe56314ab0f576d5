/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_PLAN_H
#define VMSHARE_PLAN_H

#include <jansson.h>
#include <stdio.h>

#include "costs.h"
#include "fleet.h"
#include "gaps.h"
#include "options.h"
#include "policy/explain.h"
#include "policy/sweep.h"
#include "policy/victim.h"
#include "units.h"

/* A choice of victims and all that is shown of it. */
struct plan {
	const struct options *options;
	const struct snapshot *snap;
	const struct victim_request *request;
	const struct victim_plan *choice;
	const struct costs *costs;
	const struct fleet *fleet;	/* destinations; no hosts: none was named */
	const size_t *host_of;		/* per victim */
	size_t without_host;		/* VMs that stay because no destination takes them */
	const struct explanation *explanation;	/* NULL: not asked for */
};

/* Of VMs that no destination takes: how many, and the ending of their noun. */
#define PLAN_WITHOUT_HOST "%zu VM%s left out because no destination takes it " \
	"(too large, or its name or UUID is there)"

/* Numbers as the options have them: rounded with units, or exact. */
const char *plan_size(const struct options *options, uint64_t bytes, char out[UNITS_TEXT]);
const char *plan_cost(const struct options *options, const struct costs *costs, uint64_t cost,
		      char out[UNITS_TEXT]);

/* What the cost is, in words: "bytes to be sent". */
const char *plan_cost_words(const struct costs *costs);

/* The VM's name or pid, harmless to a terminal. */
#define PLAN_NAME 512
const char *plan_name(const struct vm *vm, char out[PLAN_NAME]);

/* Is all known of the victims that has to be added up for a destination? */
bool plan_growth_known(const struct plan *plan);

/* What was counted as 0 of the VMs that may leave, because it is not known. */
struct gaps plan_gaps(const struct plan *plan);

/* Views, one file each. */
void plan_print(const struct plan *plan);
json_t *plan_json(const struct plan *plan);
json_t *plan_cost_json(const struct plan *plan, const struct victim_plan *choice);
void explain_print(const struct plan *plan);
json_t *explain_json(const struct plan *plan);

/*
 * The commands that carry the plan out, one array entry per victim. Returns -1 if
 * one cannot be written. The caller frees them by plan_commands_free().
 */
int plan_commands(const struct plan *plan, char ***commands, struct error *err);
void plan_commands_free(char **commands, size_t count);
void plan_print_commands(const struct plan *plan, char **commands);

/* The whole trade-off. */
void sweep_print(const struct plan *plan, const struct sweep *sweep);
json_t *sweep_json(const struct plan *plan, const struct sweep *sweep);

#endif
