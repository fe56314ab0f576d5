/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_VERIFY_H
#define VMSHARE_VERIFY_H

#include "error.h"
#include "model.h"

/*
 * Do both engines say the same? Memory changes between two walks, so the tree
 * engine walks before and after the page engine. A number of the page engine is
 * equal if it is that of either, or between them; it differs if the tree engine
 * said the same twice and the page engine something else; where the tree engine
 * itself says something else each time, it changed meanwhile.
 */
enum verdict { VERDICT_DIFFERS, VERDICT_CHANGED };

struct difference {
	enum verdict verdict;
	char *what;
	uint64_t before, pages, after;
};

struct verification {
	struct difference *difference;
	size_t count;
	size_t differing;		/* those that differ */
	size_t vms, sets, numbers;	/* compared */
};

/* Each of them has its sets, sorted. Returns -1 for want of memory. */
int verify_compare(const struct snapshot *before, const struct snapshot *pages,
		   const struct snapshot *after, struct verification *result);

void verification_free(struct verification *result);

#endif
