// SPDX-License-Identifier: GPL-2.0
/*
 * Loads that switch as fast as they can, and the time that each takes:
 *
 * forks: a process makes another, which ends at once, and waits for it.
 * ping-pong: two threads wake each other in turn, on one CPU or on two; as threads
 * of no VM, then of a VM, which never runs. On two only where there are two.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 100	/* rounds that do not count */

struct player {
	int cpu;
	int own, other;		/* whose turn it is */
	unsigned long rounds;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static unsigned long parse_number(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || end == text)
		errx(2, "\"%s\" is no number", text);
	return number;
}

static void own_virtual_machine(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0) < 0)
		err(1, "making a virtual machine");
}

static void stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "staying on CPU %d", cpu);
}

static void take_turns(const struct player *player, unsigned long rounds)
{
	uint64_t turn = 1;

	while (rounds--)
		if (read(player->own, &turn, sizeof(turn)) < 0 ||
		    write(player->other, &turn, sizeof(turn)) < 0)
			err(1, "taking turns");
}

static void *answer(void *argument)
{
	const struct player *player = argument;

	stay_on(player->cpu);
	take_turns(player, WARM_UP + player->rounds);
	return NULL;
}

static uint64_t pingpong(int first, int second, unsigned long rounds)
{
	int one = eventfd(1, 0), two = eventfd(0, 0);
	struct player server = { first, one, two, rounds };
	struct player receiver = { second, two, one, rounds };
	pthread_t thread;
	uint64_t start;

	if (one < 0 || two < 0 || pthread_create(&thread, NULL, answer, &receiver))
		err(1, "two players");
	stay_on(server.cpu);
	take_turns(&server, WARM_UP);
	start = now();
	take_turns(&server, rounds);
	pthread_join(thread, NULL);
	return now() - start;
}

static uint64_t forks(unsigned long rounds)
{
	uint64_t start = now();

	while (rounds--) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) < 0)
			err(1, "a child");
	}
	return now() - start;
}

static void print_load(const char *name, unsigned long rounds, uint64_t ns)
{
	printf("{\"load\":\"%s\",\"rounds\":%lu,\"ns\":%lu}\n", name, rounds, (unsigned long)ns);
	fflush(stdout);
}

static void play(const char *one, const char *two, unsigned long turns)
{
	print_load(one, turns, pingpong(0, 0, turns));
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		print_load(two, turns, pingpong(0, 1, turns));
}

int main(int argc, char **argv)
{
	unsigned long turns, children;

	if (argc != 3)
		errx(2, "usage: switches PINGPONGS FORKS");
	turns = parse_number(argv[1]);
	children = parse_number(argv[2]);
	print_load("forks", children, forks(children));
	play("ping-pong, one CPU", "ping-pong, two CPUs", turns);
	own_virtual_machine();
	play("ping-pong, one CPU, in a VM", "ping-pong, two CPUs, in a VM", turns);
	return 0;
}
