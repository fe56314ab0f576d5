/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FLEET_H
#define VMSHARE_FLEET_H

#include "error.h"
#include "model.h"
#include "options.h"
#include "policy/destination.h"

/* Several hosts, each by a snapshot that was taken on it, with the room it has. */
struct fleet {
	char **names;			/* as given: any bytes */
	struct snapshot *snaps;
	struct destination *destinations;
	size_t hosts;
};

/* Standard input, as -, can be read once: by one of the words or as the file from (or NULL). */
int fleet_check_input(const struct words *words, const char *from, struct error *err);

/*
 * Reads [HOST=]FILE for each word. A host without a name has its file's,
 * without directory and ".json". needs is as for source_open().
 */
int fleet_load(struct fleet *fleet, const struct words *words, const struct margin *margin,
	       unsigned int needs, struct error *err);
void fleet_free(struct fleet *fleet);

/* The host's name, harmless to a terminal. */
#define FLEET_NAME 256
const char *fleet_name(const struct fleet *fleet, size_t host, char out[FLEET_NAME]);

#endif
