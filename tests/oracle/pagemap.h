/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which frames a space maps, from /proc/PID/pagemap.
 *
 * A mapping is one 64-bit key: the frame above, the index of its space below,
 * so that sorting the keys brings all mappings of a frame together.
 */
#ifndef ORACLE_PAGEMAP_H
#define ORACLE_PAGEMAP_H

#include "space.h"

#define SPACE_BITS 16

struct mappings {
	uint64_t *keys;
	uint64_t *spare;	/* for sorting; as large as keys */
	size_t nr;
	size_t room;
	bool singly;		/* read page by page */
};

/* Frames of zeroes that belong to nobody: the zero page and the huge one. */
struct zero_frames {
	void *area;		/* held so that the huge one stays */
	struct { uint64_t first, last; } ranges[4];
	size_t nr;
};

static inline uint64_t key_frame(uint64_t key)
{
	return key >> SPACE_BITS;
}

static inline uint32_t key_space(uint64_t key)
{
	return key & ((1u << SPACE_BITS) - 1);
}

void zero_frames_learn(struct zero_frames *zero);
void zero_frames_release(struct zero_frames *zero);

/*
 * Adds the anonymous mappings of all spaces. Areas for which skip() is true are
 * not read at all; those for which wanted() is false are read and counted in
 * their space, but their mappings are not kept. Either may be NULL.
 */
void mappings_read(struct mappings *mappings, struct spaces *spaces,
		   const struct zero_frames *zero,
		   bool (*skip)(const struct vma *vma),
		   bool (*wanted)(const struct vma *vma));
/* By frame; the order of spaces is kept within a frame. */
void mappings_sort(struct mappings *mappings);
void mappings_free(struct mappings *mappings);

/* The end of the mappings of the frame that begins at. */
static inline size_t mappings_frame_end(const struct mappings *mappings, size_t begin)
{
	uint64_t frame = key_frame(mappings->keys[begin]);
	size_t end = begin + 1;

	while (end < mappings->nr && key_frame(mappings->keys[end]) == frame)
		end++;
	return end;
}

/* The frames of sorted mappings, once each; their number. */
size_t mappings_frames(const struct mappings *mappings, uint64_t *frames);

#endif
