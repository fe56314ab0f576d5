/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_METERS_H
#define VMSHARE_METERS_H

#include "model.h"

/* The host's bars in vmshare top, as numbers and words. */

#define METER_PARTS 2

struct meter {
	const char *title;		/* three letters */
	double part[METER_PARTS];	/* of the whole bar; together at most 1 */
	char label[128];
};

enum { METER_CPU, METER_MEMORY, METER_KSM, METERS };

/*
 * CPU: threads of VMs, then all others. Memory: what is not available. KSM: what
 * merging saves, of all merged mappings. What is not known leaves a bar empty.
 */
void meters_of(struct meter meters[METERS], const struct snapshot *snap,
	       const struct snapshot *before);

/* So many of width characters each part fills; the rest is empty. */
void meter_fill(const struct meter *meter, size_t width, size_t filled[METER_PARTS]);

#endif
