/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_REPLAY_H
#define VMSHARE_REPLAY_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"
#include "policy/manage.h"
#include "trace.h"

/*
 * Decisions as people and programs see them, and all those that a recorded
 * trace leads to: the same in every run.
 */

/* One decision; the caller's. name may be NULL. */
json_t *decision_json(const struct manage_decision *decision, const char *name);

/* One line without its end, in a buffer of the caller's. */
void decision_line(const struct manage_decision *decision, const char *name, char *line,
		   size_t size);

/*
 * Prints what manage_decide() says for each sample of the trace, as text, or as one JSON
 * document: {"version":1,"policy":..,"checks":[{"time_ns":..,"decisions":[..]}]}.
 */
struct replay_view {
	bool json, pretty;
};

int replay_print(const struct trace *trace, const struct manage_options *options,
		 const struct replay_view *view, struct error *err);

#endif
