// SPDX-License-Identifier: GPL-2.0
/*
 * What a real guest's CPUs do: a job that never ends, in units of equal work, or
 * a desktop's bursts. Prints "load ready" when it begins.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEPS_PER_UNIT	8000000
#define STEPS_PER_BURST	500000

/* Marsaglia, "Xorshift RNGs", 2003. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void work(uint64_t *state, unsigned long steps)
{
	while (steps--)
		next(state);
}

/* A line per unit, all of the same length: who counts them asks for the size of the text. */
static void run_units(uint64_t *state)
{
	static const char line[] = "unit\n";

	for (;;) {
		work(state, STEPS_PER_UNIT);
		/* the state is looked at, so that the work cannot be left out */
		if (*state && write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
			err(1, "reporting a unit of work");
	}
}

static void run_job(unsigned long workers)
{
	uint64_t state = workers;

	while (--workers) {
		pid_t child = fork();

		if (child < 0)
			err(1, "a worker");
		if (!child)
			break;
	}
	run_units(&state);
}

/* Work of up to eight parts, then a pause of 20 to 280 ms. */
static void run_desktop(uint64_t state)
{
	for (;;) {
		struct timespec pause = { .tv_nsec = (20 + (long)(next(&state) % 260)) * 1000000 };

		work(&state, (1 + next(&state) % 8) * STEPS_PER_BURST);
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	unsigned long number = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (!number)
		errx(2, "usage: guestwork job WORKERS | guestwork desktop SEED");
	puts("load ready");
	fflush(stdout);
	if (!strcmp(argv[1], "job"))
		run_job(number);
	else if (!strcmp(argv[1], "desktop"))
		run_desktop(number);
	errx(2, "%s: neither job nor desktop", argv[1]);
}
