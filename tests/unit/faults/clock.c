// SPDX-License-Identifier: GPL-2.0
/* The C library's functions, for the program and its libraries. */
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define BEGIN (1800000000ull * SECOND)	/* an hour in 2027 */

static bool ours;
static unsigned int speed;		/* 0: it stands still */
static uint64_t begun, moved;

static uint64_t world_ns(void)
{
	struct timespec time;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void take_over(unsigned int times)
{
	ours = true;
	speed = times;
	begun = world_ns();
}

void clock_stand_still(void)
{
	take_over(0);
}

void clock_run(unsigned int times)
{
	take_over(times);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	uint64_t now;

	if (!ours)
		return (int)syscall(SYS_clock_gettime, clock, time);
	now = BEGIN + moved + (world_ns() - begun) * speed;
	*time = (struct timespec){ (time_t)(now / SECOND), (long)(now % SECOND) };
	return 0;
}

/* A thousandth of it, so that there is something to interrupt. */
static int sleep_a_little(const struct timespec *wanted, struct timespec *rest)
{
	uint64_t ns = (uint64_t)wanted->tv_sec * SECOND + (uint64_t)wanted->tv_nsec, left = 0;
	struct timespec little = { (time_t)(ns / SECOND / 1000), (long)(ns / 1000 % SECOND) };
	int failed = (int)syscall(SYS_nanosleep, &little, &little);

	if (failed)
		left = 1000 * ((uint64_t)little.tv_sec * SECOND + (uint64_t)little.tv_nsec);
	moved += ns - left;
	if (failed && rest)
		*rest = (struct timespec){ (time_t)(left / SECOND), (long)(left % SECOND) };
	return failed;
}

int nanosleep(const struct timespec *wanted, struct timespec *rest)
{
	if (!ours)
		return (int)syscall(SYS_nanosleep, wanted, rest);
	return sleep_a_little(wanted, rest);
}

/* Returns the error, which is EINTR if it is any. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
		    struct timespec *rest)
{
	long failed;

	if (ours)
		return sleep_a_little(wanted, rest) ? EINTR : 0;
	failed = syscall(SYS_clock_nanosleep, clock, flags, wanted, rest);
	return failed ? EINTR : 0;
}

/* Of nothing: a sleep. */
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec time = { timeout / 1000, timeout % 1000 * 1000000 };

	if (!ours || count || timeout < 0)
		return (int)syscall(SYS_poll, fds, count, timeout);
	return sleep_a_little(&time, NULL);
}
