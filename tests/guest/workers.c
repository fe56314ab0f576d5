// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "workers.h"

#define PASSING_NS 50000000

static int doors[WORKERS_MAX];	/* each opens for who has the token */
static unsigned int worker_count;

static void open_door(unsigned int id)
{
	uint64_t one = 1;

	if (write(doors[id], &one, sizeof(one)) != sizeof(one))
		err(1, "waking worker %u", id);
}

static void *pass_token(void *argument)
{
	unsigned int id = (uintptr_t)argument;
	uint64_t token;

	for (;;) {
		if (read(doors[id], &token, sizeof(token)) != sizeof(token))
			err(1, "worker %u waiting for its turn", id);
		open_door((id + 1) % worker_count);
	}
	return NULL;
}

static void *yield(void *unused)
{
	(void)unused;
	for (;;)
		sched_yield();
	return NULL;
}

static void *pass(void *unused)
{
	struct timespec used;

	(void)unused;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	while (!used.tv_sec && used.tv_nsec < PASSING_NS);
	return NULL;
}

static void start(const char *kind, unsigned int id, void *(*run)(void *))
{
	pthread_t thread;
	char name[16];
	int error = pthread_create(&thread, NULL, run, (void *)(uintptr_t)id);

	if (error)
		errx(1, "starting %s %u: %s", kind, id, strerror(error));
	snprintf(name, sizeof(name), "%s %u", kind, id);
	pthread_setname_np(thread, name);
}

void workers_start(unsigned int count)
{
	unsigned int id;

	worker_count = count;
	for (id = 0; id < count; id++) {
		doors[id] = eventfd(0, EFD_CLOEXEC);
		if (doors[id] < 0)
			err(1, "a door for worker %u", id);
	}
	for (id = 0; id < count; id++)
		start("worker", id, count > 1 ? pass_token : yield);
	if (count > 1)
		open_door(0);
}

void workers_start_passing(unsigned int count)
{
	unsigned int id;

	for (id = 0; id < count; id++)
		start("passing", id, pass);
}
