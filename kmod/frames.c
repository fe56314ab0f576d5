// SPDX-License-Identifier: GPL-2.0
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "frames.h"
#include "large.h"
#include "sets.h"

#define FIRST_PLACES	1024

int vmshare_frames_init(struct vmshare_frames *f)
{
	*f = (struct vmshare_frames) { .mask = FIRST_PLACES - 1 };
	f->at = kvcalloc(FIRST_PLACES, sizeof(*f->at), VMSHARE_GFP_LARGE);
	return f->at ? 0 : -ENOMEM;
}

void vmshare_frames_free(struct vmshare_frames *f)
{
	kvfree(f->at);
	f->at = NULL;
}

/* Where @key is, or the empty place where it would be. */
static struct vmshare_frame *place_of(struct vmshare_frames *f, unsigned long key)
{
	u32 i = hash_long(key, 32) & f->mask;

	while (f->at[i].key && f->at[i].key != key)
		i = (i + 1) & f->mask;
	return &f->at[i];
}

/* More than kvcalloc() gives, if need be: hosts of terabytes have so many frames. */
static struct vmshare_frame *new_places(u64 places)
{
	return __vmalloc(places * sizeof(struct vmshare_frame),
			 VMSHARE_GFP_LARGE | __GFP_ZERO);
}

/* The table stays at most half full. */
int vmshare_frames_reserve(struct vmshare_frames *f, u32 more)
{
	struct vmshare_frames bigger = { .nr = f->nr };
	u64 places = roundup_pow_of_two(2 * ((u64)f->nr + more));
	u32 i;

	if (places <= (u64)f->mask + 1)
		return 0;
	if (places > U32_MAX)
		return -ENOMEM;
	bigger.mask = places - 1;
	bigger.at = new_places(places);
	if (!bigger.at)
		return -ENOMEM;
	for (i = 0; i <= f->mask; i++) {
		if (f->at[i].key)
			*place_of(&bigger, f->at[i].key) = f->at[i];
		if (!(i % 1024))
			cond_resched();
	}
	kvfree(f->at);
	*f = bigger;
	return 0;
}

struct vmshare_frame *vmshare_frames_find(struct vmshare_frames *f,
					  unsigned long key)
{
	struct vmshare_frame *frame = place_of(f, key);

	return frame->key ? frame : NULL;
}

struct vmshare_frame *vmshare_frames_add(struct vmshare_frames *f,
					 unsigned long key)
{
	struct vmshare_frame *frame = place_of(f, key);

	if (!frame->key) {
		*frame = (struct vmshare_frame) {
			.key = key,
			.row = VMSHARE_NO_ROW,
		};
		f->nr++;
	}
	return frame;
}
