/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_DISPLACEMENT_H
#define VMSHARE_DISPLACEMENT_H

#include <jansson.h>

#include "options.h"
#include "view.h"

/* Who took CPU from whom: the preemptions of a window as a square table. */

/* What one VM waited for, over the window. */
struct displaced {
	uint64_t *by_ns, *by_count;	/* the VMs of the view, in their order */
	uint64_t others_ns;		/* VMs that are not in the view */
	uint64_t host_ns, host_count;	/* threads of no VM */
	uint64_t idle_ns, unknown_ns;	/* what is not known of them is in host_ns */
	bool idle_known, unknown_known;
	uint64_t ready_ns;		/* sum of all */
};

/* -1 for want of memory. */
int displaced_of(struct displaced *displaced, const struct cpu *window, const struct view *view,
		 size_t row);
void displaced_free(struct displaced *displaced);

/* The table of all rows of the view; -1 for want of memory. */
int displacement_print(const struct cpu *window, const struct view *view,
		       const struct options *options);

/* The same as members of a document. */
int displacement_put(json_t *root, const struct cpu *window, const struct view *view);

#endif
