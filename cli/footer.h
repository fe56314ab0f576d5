/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FOOTER_H
#define VMSHARE_FOOTER_H

#include "model.h"
#include "topstate.h"
#include "view.h"

/* What vmshare top says of several VMs together. Pure. */

struct together {
	size_t vms;
	uint64_t anon;
	double cpu;			/* percent of one CPU */
	bool freed_known;		/* the sets were taken */
	uint64_t freed;			/* when they all leave */
	uint64_t alone;			/* sum of what each frees alone */
};

/* All tagged VMs, whether they are in the view or not. */
void together_tagged(struct together *together, const struct snapshot *snap,
		     const struct topstate *state);

/* The VMs of the view that have the same owner as that row. */
void together_owner(struct together *together, const struct snapshot *snap,
		    const struct view *view, size_t row);

/* "2 VMs, 111% CPU, 2.00G anon, 1.91G freed together", and in full " (1.81G one by one)". */
void together_text(const struct together *together, bool full, char *out, size_t size);

#endif
