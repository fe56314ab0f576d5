// SPDX-License-Identifier: GPL-2.0
/*
 * Fills memory of a real guest with pages of known content, then keeps them, and
 * rewrites its own ones at a given rate.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "content.h"

#define PAGES_PER_MIB	(1048576 / PAGE_BYTES)
#define SHARED_CONTENT	1
#define OWN_CONTENT	(1ULL << 40)
#define TICKS_PER_S	20

static unsigned char *map_mib(unsigned long mib)
{
	void *pages = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		err(1, "mapping %lu MiB: give the guest more memory", mib);
	return pages;
}

static unsigned char *fill(unsigned long mib, uint64_t first_content)
{
	unsigned char *pages;

	if (mib == 0)
		return NULL;
	pages = map_mib(mib);
	content_fill_pages(pages, mib * PAGES_PER_MIB, first_content, 1);
	return pages;
}

/* Writes to @count pages, going round: a working set as large as the memory. */
static void dirty(unsigned char *pages, unsigned long total, unsigned long count)
{
	static unsigned long next;

	while (count--) {
		content_make_unique(pages + next * PAGE_BYTES, next);
		next = (next + 1) % total;
	}
}

static void dirty_forever(unsigned char *pages, unsigned long total, unsigned long per_second)
{
	struct timespec tick;

	clock_gettime(CLOCK_MONOTONIC, &tick);
	for (;;) {
		dirty(pages, total, per_second / TICKS_PER_S);
		tick.tv_nsec += 1000000000L / TICKS_PER_S;
		if (tick.tv_nsec >= 1000000000L) {
			tick.tv_nsec -= 1000000000L;
			tick.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
	}
}

int main(int argc, char **argv)
{
	unsigned long shared_mib, own_mib, seed, dirty_per_second;
	unsigned char *own;

	if (argc != 5)
		errx(2, "usage: guestload SHARED_MIB OWN_MIB SEED DIRTY_PAGES_PER_S");
	shared_mib = strtoul(argv[1], NULL, 0);
	own_mib = strtoul(argv[2], NULL, 0);
	seed = strtoul(argv[3], NULL, 0);
	dirty_per_second = strtoul(argv[4], NULL, 0);
	fill(shared_mib, SHARED_CONTENT);
	own = fill(own_mib, OWN_CONTENT * (seed + 1));
	puts("load ready");
	fflush(stdout);
	if (own && dirty_per_second)
		dirty_forever(own, own_mib * PAGES_PER_MIB, dirty_per_second);
	for (;;)
		pause();
}
