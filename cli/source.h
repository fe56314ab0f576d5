/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SOURCE_H
#define VMSHARE_SOURCE_H

#include "error.h"
#include "model.h"
#include "options.h"

/* Where snapshots come from: the module and /proc, or a document. */
struct source;

int source_open(struct source **source, const struct options *options, struct error *err);

/* The next snapshot with all that needs (enum need) names, not older than that. */
int source_next(struct source *source, unsigned int needs, uint32_t max_age_ms,
		struct snapshot *snap, struct error *err);

void source_close(struct source *source);

/* Opens, takes one snapshot of this moment, and closes. */
int source_once(const struct options *options, unsigned int needs, struct snapshot *snap,
		struct error *err);

#endif
