/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SHARING_H
#define VMSHARE_SHARING_H

#include "model.h"

/* Who shares frames with whom, from the sets. VMs by their index. */
struct sharing {
	size_t vms;
	uint64_t *frames;		/* vms x vms; the diagonal: frames of that VM alone */
	uint64_t *outside;		/* frames also mapped by processes that are no VM */
};

/* Returns -1 for want of memory. */
int sharing_init(struct sharing *sharing, const struct snapshot *snap);
void sharing_free(struct sharing *sharing);

uint64_t sharing_between(const struct sharing *sharing, size_t a, size_t b);

#endif
