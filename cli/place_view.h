/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_PLACE_VIEW_H
#define VMSHARE_PLACE_VIEW_H

#include <jansson.h>

#include "fleet.h"
#include "options.h"
#include "policy/place.h"

/* A placement and all that is shown of it. */
struct placement {
	const struct options *options;
	const struct fleet *fleet;
	const struct place_request *request;
	const struct place_plan *plan;
};

void placement_print(const struct placement *placement);
json_t *placement_json(const struct placement *placement);

/* One command per move, as for a plan of victims. */
int placement_commands(const struct placement *placement, char ***commands, struct error *err);
void placement_print_commands(const struct placement *placement, char **commands);

#endif
