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

/*
 * The same over a time: scheduler hooks, and KVM's if wanted (hooks is
 * VMSHARE_HOOK_*), are attached for window_ms, and snap->window says what
 * happened then. A document has the window that it was taken over, or none.
 * missing may be NULL; see source_track().
 */
int source_window(struct source *source, unsigned int needs, uint32_t hooks, uint32_t window_ms,
		  struct error *missing, struct snapshot *snap, struct error *err);

/*
 * Attaches hooks until the source is closed; hooks of KVM are left out, with the
 * reason in missing, where this kernel has none. Returns what is attached, or -1
 * with err filled if not even the scheduler's can be.
 */
int source_track(struct source *source, uint32_t hooks, struct error *missing,
		 struct error *err);

void source_close(struct source *source);

/* Opens, takes one snapshot of this moment, and closes. */
int source_once(const struct options *options, unsigned int needs, struct snapshot *snap,
		struct error *err);

/* The same over the window that the options ask for, if they do. */
int source_once_window(const struct options *options, unsigned int needs, uint32_t hooks,
		       struct snapshot *snap, struct error *err);

#endif
