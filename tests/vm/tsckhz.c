// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how many kHz this machine's time-stamp counter has: an emulated machine's
 * is the same one, but a kernel that finds that out while others use the host may be
 * far off, and then its clock is.
 */
#define _GNU_SOURCE
#include <err.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define TRIES 50
#define WAIT_US 50000

struct moment {
	uint64_t ticks, ns;
};

/* Of several looks at both clocks the one in which least time went by. */
static struct moment look(void)
{
	uint64_t shortest = UINT64_MAX;
	struct moment best = { 0 };
	struct timespec now;
	int i;

	for (i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc(), took;

		if (clock_gettime(CLOCK_MONOTONIC_RAW, &now))
			err(1, "reading the clock");
		took = __rdtsc() - before;
		if (took >= shortest)
			continue;
		shortest = took;
		best.ticks = before + took / 2;
		best.ns = now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
	}
	return best;
}

int main(void)
{
	struct moment first = look(), second;

	usleep(WAIT_US);
	second = look();
	printf("%" PRIu64 "\n", (second.ticks - first.ticks) * 1000000 / (second.ns - first.ns));
	return 0;
}
