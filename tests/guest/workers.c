// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "workers.h"

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

static void start_worker(unsigned int id)
{
	pthread_t thread;
	char name[16];
	int error = pthread_create(&thread, NULL, worker_count > 1 ? pass_token : yield,
				   (void *)(uintptr_t)id);

	if (error)
		errx(1, "starting worker %u: %s", id, strerror(error));
	snprintf(name, sizeof(name), "worker %u", id);
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
		start_worker(id);
	if (count > 1)
		open_door(0);
}
