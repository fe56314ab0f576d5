// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>

#include "content.h"

/* A step of a multiplicative generator whose states all differ, then mixed. */
static uint64_t next_word(uint64_t *state)
{
	uint64_t word = *state += 0x9e3779b97f4a7c15ULL;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
	return word ^ word >> 31;
}

void content_fill(unsigned char *page, uint64_t content)
{
	uint64_t words[PAGE_BYTES / sizeof(uint64_t)];
	uint64_t state = content;
	size_t i;

	if (content == 0) {
		memset(page, 0, PAGE_BYTES);
		return;
	}
	/* The number itself comes first, so that no two contents can collide. */
	words[0] = content;
	for (i = 1; i < PAGE_BYTES / sizeof(uint64_t); i++)
		words[i] = next_word(&state);
	memcpy(page, words, PAGE_BYTES);
}

void content_fill_pages(unsigned char *pages, size_t count, uint64_t first, uint64_t step)
{
	size_t k;

	for (k = 0; k < count; k++)
		content_fill(pages + k * PAGE_BYTES, first + k * step);
}

void content_make_unique(unsigned char *page, uint64_t index)
{
	static uint64_t number;
	/* All ones in front: no content begins so, short of 2^64 - 1. */
	uint64_t stamp[4] = { UINT64_MAX, (uint64_t)getpid(), index, ++number };

	memcpy(page, stamp, sizeof(stamp));
}
