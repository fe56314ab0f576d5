/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of merged frames, by key. The key of a frame is the address of its
 * stable node, as an opaque number: it stays when the page migrates, while the
 * frame number does not.
 */
#ifndef _VMSHARE_FRAMES_H
#define _VMSHARE_FRAMES_H

#include <linux/types.h>

struct vmshare_frame {
	unsigned long key;	/* 0: an empty place */
	unsigned long pfn;	/* where it was last seen; of those added by a walk of pages */
	u32 row;		/* set of VMs found so far */
	u32 found;		/* page-table entries found */
	u32 mapcount;		/* and how many there are, last seen */
};

struct vmshare_frames {
	struct vmshare_frame *at;
	u32 nr, mask;
};

int vmshare_frames_init(struct vmshare_frames *f);
void vmshare_frames_free(struct vmshare_frames *f);

/* Make room for @more frames. Sleeps. Return: 0 or -ENOMEM. */
int vmshare_frames_reserve(struct vmshare_frames *f, u32 more);

/* Return: the frame, or NULL. */
struct vmshare_frame *vmshare_frames_find(struct vmshare_frames *f,
					  unsigned long key);

/* The frame, added if it was not there; room must have been reserved. */
struct vmshare_frame *vmshare_frames_add(struct vmshare_frames *f,
					 unsigned long key);

#endif
