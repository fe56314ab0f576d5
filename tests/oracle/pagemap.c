// SPDX-License-Identifier: GPL-2.0
#include "pagemap.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PM_PRESENT (1ULL << 63)
#define PM_SWAP (1ULL << 62)
#define PM_FILE_OR_SHARED (1ULL << 61)
#define PM_FRAME ((1ULL << 55) - 1)

#define CHUNK 32768		/* pages per read: 256 KiB stay in the cache */
#define HUGE_PAGE (2UL << 20)
#define PAGE 4096UL

static int open_pagemap(const char *process)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/pagemap", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT && errno != ESRCH)
		err(1, "opening %s; run as root", path);
	return fd;
}

static bool is_zero(const struct zero_frames *zero, uint64_t frame)
{
	for (size_t i = 0; i < zero->nr; i++)
		if (frame >= zero->ranges[i].first && frame < zero->ranges[i].last)
			return true;
	return false;
}

static void add_zero(struct zero_frames *zero, uint64_t frame)
{
	size_t last = zero->nr - 1;

	if (is_zero(zero, frame))
		return;
	if (zero->nr && zero->ranges[last].last == frame) {
		zero->ranges[last].last++;
		return;
	}
	if (zero->nr == sizeof(zero->ranges) / sizeof(zero->ranges[0]))
		errx(1, "more kinds of zero pages than this program knows of");
	zero->ranges[zero->nr].first = frame;
	zero->ranges[zero->nr++].last = frame + 1;
}

/*
 * An untouched private page that is only read is mapped to a zero frame, and a
 * page that KSM merged with the zero page (use_zero_pages) to the same frame.
 * So the first half of the area, without huge pages, tells the zero page, and
 * the second half the huge one where the kernel has it.
 */
void zero_frames_learn(struct zero_frames *zero)
{
	uint64_t entries[2 * HUGE_PAGE / PAGE];
	char *area = mmap(NULL, 3 * HUGE_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *half;
	int fd;

	if (area == MAP_FAILED)
		err(1, "mapping untouched pages");
	half = (char *)(((uintptr_t)area + HUGE_PAGE - 1) & -HUGE_PAGE);
	madvise(half, HUGE_PAGE, MADV_NOHUGEPAGE);
	madvise(half + HUGE_PAGE, HUGE_PAGE, MADV_HUGEPAGE);
	for (size_t i = 0; i < 2 * HUGE_PAGE; i += PAGE)
		(void)*(volatile char *)(half + i);

	fd = open_pagemap("self");
	if (pread(fd, entries, sizeof(entries), (uintptr_t)half / PAGE * 8) != sizeof(entries))
		err(1, "reading /proc/self/pagemap");
	close(fd);
	for (size_t i = 0; i < 2 * HUGE_PAGE / PAGE; i++) {
		if (!(entries[i] & PM_FRAME))
			errx(1, "/proc/self/pagemap hides frame numbers; CAP_SYS_ADMIN is needed");
		add_zero(zero, entries[i] & PM_FRAME);
	}
	zero->area = area;
}

void zero_frames_release(struct zero_frames *zero)
{
	munmap(zero->area, 3 * HUGE_PAGE);
}

static void make_room(struct mappings *mappings, size_t more)
{
	size_t room = mappings->room ? mappings->room : 1 << 20;

	while (room < mappings->nr + more)
		room *= 2;
	if (room == mappings->room)
		return;
	mappings->keys = reallocarray(mappings->keys, room, sizeof(*mappings->keys));
	mappings->spare = reallocarray(mappings->spare, room, sizeof(*mappings->spare));
	if (!mappings->keys || !mappings->spare)
		err(1, "no memory for %zu mappings", room);
	mappings->room = room;
}

/* What the reading of one area needs at each of its entries. */
struct reader {
	struct mappings *mappings;
	struct space *space;
	const struct zero_frames *zero;
	uint64_t index;
	bool wanted;
};

/*
 * An entry without bit 61 is anonymous, or has no struct page that the kernel
 * would account: the zero page. pfnmap areas, the other such case, are not
 * read at all.
 */
static void take_entries(struct reader *reader, const uint64_t *entries, size_t nr)
{
	struct mappings *mappings = reader->mappings;
	struct space *space = reader->space;

	make_room(mappings, nr);
	for (size_t i = 0; i < nr; i++) {
		uint64_t entry = entries[i];

		if (!entry)
			continue;
		if (entry & PM_SWAP) {
			space->swap_pages++;
		} else if (!(entry & PM_PRESENT)) {
			continue;
		} else if (is_zero(reader->zero, entry & PM_FRAME)) {
			space->zero_pages++;
		} else if (entry & PM_FILE_OR_SHARED) {
			space->file_shmem_pages++;
		} else {
			space->anon_pages++;
			if (reader->wanted)
				mappings->keys[mappings->nr++] =
					(entry & PM_FRAME) << SPACE_BITS | reader->index;
		}
	}
}

static void read_area(struct reader *reader, const struct vma *vma, int fd)
{
	uint64_t entries[CHUNK];
	uint64_t chunk = reader->mappings->singly ? 1 : CHUNK;

	for (uint64_t page = vma->first; page < vma->last;) {
		uint64_t want = vma->last - page < chunk ? vma->last - page : chunk;
		ssize_t got = pread(fd, entries, want * 8, page * 8);

		if (got <= 0) {		/* its memory went while we read */
			reader->space->gone = true;
			return;
		}
		take_entries(reader, entries, got / 8);
		page += got / 8;
	}
}

static void read_space(struct reader *reader,
		       bool (*skip)(const struct vma *vma),
		       bool (*wanted)(const struct vma *vma))
{
	struct space *space = reader->space;
	size_t before = reader->mappings->nr;
	char process[16];
	int fd;

	snprintf(process, sizeof(process), "%d", space->pid);
	fd = open_pagemap(process);
	space->gone = fd < 0;
	for (size_t i = 0; i < space->nr_vmas && !space->gone; i++) {
		const struct vma *vma = &space->vmas[i];

		if (vma->hugetlb || vma->pfnmap || (skip && skip(vma)))
			continue;
		reader->wanted = !wanted || wanted(vma);
		read_area(reader, vma, fd);
	}
	if (space->gone)	/* its mappings are gone as well */
		reader->mappings->nr = before;
	if (fd >= 0)
		close(fd);
}

void mappings_read(struct mappings *mappings, struct spaces *spaces,
		   const struct zero_frames *zero,
		   bool (*skip)(const struct vma *vma),
		   bool (*wanted)(const struct vma *vma))
{
	if (spaces->nr >> SPACE_BITS)
		errx(1, "%zu processes are more than this program can tell apart", spaces->nr);
	for (size_t i = 0; i < spaces->nr; i++) {
		struct reader reader = {
			.mappings = mappings, .space = &spaces->at[i],
			.zero = zero, .index = i,
		};

		if (!reader.space->gone)
			read_space(&reader, skip, wanted);
	}
}

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

static size_t digit(uint64_t key, unsigned int shift)
{
	return (key >> shift) & (DIGITS - 1);
}

/* One stable pass of a radix sort; false if all keys have the same digit. */
static bool sort_pass(const uint64_t *from, uint64_t *to, size_t nr, unsigned int shift)
{
	size_t begin[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < nr; i++)
		begin[digit(from[i], shift)]++;
	if (begin[digit(from[0], shift)] == nr)
		return false;
	for (size_t d = 0; d < DIGITS; d++) {
		size_t count = begin[d];

		begin[d] = sum;
		sum += count;
	}
	for (size_t i = 0; i < nr; i++)
		to[begin[digit(from[i], shift)]++] = from[i];
	return true;
}

/*
 * Spaces were read in their order and the passes are stable: the bits of the
 * frame are enough.
 */
void mappings_sort(struct mappings *mappings)
{
	if (!mappings->nr)
		return;
	for (unsigned int shift = SPACE_BITS; shift < 64; shift += DIGIT_BITS) {
		uint64_t *from = mappings->keys;

		if (!sort_pass(from, mappings->spare, mappings->nr, shift))
			continue;
		mappings->keys = mappings->spare;
		mappings->spare = from;
	}
}

size_t mappings_frames(const struct mappings *mappings, uint64_t *frames)
{
	size_t nr = 0;

	for (size_t i = 0; i < mappings->nr; i = mappings_frame_end(mappings, i))
		frames[nr++] = key_frame(mappings->keys[i]);
	return nr;
}

void mappings_free(struct mappings *mappings)
{
	free(mappings->keys);
	free(mappings->spare);
}
