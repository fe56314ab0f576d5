// SPDX-License-Identifier: GPL-2.0
/* Where a VM's CPU time goes. */
#include "policy/overhead.h"

#include <stdlib.h>
#include <string.h>

const char *const overhead_part_key[OVERHEAD_PARTS] = {
	[OVERHEAD_CPU_NS] = "cpu_ns", [OVERHEAD_GUEST_NS] = "guest_ns",
	[OVERHEAD_EXITS_NS] = "exits_ns", [OVERHEAD_VMM_NS] = "vmm_ns",
	[OVERHEAD_KERNEL_NS] = "kernel_ns", [OVERHEAD_READY_NS] = "ready_ns",
	[OVERHEAD_EXITS] = "exits",
};

/* A sum over threads, until one is met of which the number is not known. */
struct sum {
	uint64_t value;
	bool unknown;
};

static void count(struct sum *sum, const struct thread *thread, enum thread_field field)
{
	uint64_t value = 0;

	sum->unknown |= !facts_get(&thread->counters.facts, field, &value);
	sum->value = add_saturating(sum->value, value);
}

/* Between entries and exits by the hooks, else as the kernel's ticks have it. */
static void count_guest(struct sum *sum, struct overhead *overhead, const struct thread *thread)
{
	uint64_t value;

	if (facts_get(&thread->counters.facts, THREAD_IN_GUEST_NS, &value)) {
		overhead->by_hooks++;
		count(sum, thread, THREAD_IN_GUEST_NS);
		return;
	}
	overhead->by_ticks += facts_get(&thread->counters.facts, THREAD_GUEST_NS, &value);
	count(sum, thread, THREAD_GUEST_NS);
}

struct sums {
	struct sum process, vcpus, kernel, guest, ready, exits;
};

static void count_thread(struct sums *sums, struct overhead *overhead,
			 const struct thread *thread)
{
	if (thread->kind == THREAD_KERNEL) {
		count(&sums->kernel, thread, THREAD_RUN_NS);
		return;
	}
	count(&sums->process, thread, THREAD_RUN_NS);
	count(&sums->ready, thread, THREAD_READY_NS);
	if (thread->kind != THREAD_VCPU)
		return;
	count(&sums->vcpus, thread, THREAD_RUN_NS);
	count(&sums->exits, thread, THREAD_EXITS);
	count_guest(&sums->guest, overhead, thread);
}

static void put(struct overhead *overhead, enum overhead_part part, uint64_t value, bool unknown)
{
	if (!unknown)
		facts_set(&overhead->facts, part, value);
}

/* By ticks guest time may come out longer than the thread ran; no part is negative. */
static void set_parts(struct overhead *overhead, const struct sums *sums)
{
	uint64_t process = sums->process.value, kernel = sums->kernel.value;
	uint64_t vcpus = sums->vcpus.value < process ? sums->vcpus.value : process;
	uint64_t guest = sums->guest.value < vcpus ? sums->guest.value : vcpus;
	bool no_guest = sums->guest.unknown || sums->vcpus.unknown;

	put(overhead, OVERHEAD_CPU_NS, add_saturating(process, kernel),
	    sums->process.unknown || sums->kernel.unknown);
	put(overhead, OVERHEAD_GUEST_NS, guest, no_guest);
	put(overhead, OVERHEAD_EXITS_NS, vcpus - guest, no_guest);
	put(overhead, OVERHEAD_VMM_NS, process - vcpus, sums->process.unknown);
	put(overhead, OVERHEAD_KERNEL_NS, kernel, sums->kernel.unknown);
	put(overhead, OVERHEAD_READY_NS, sums->ready.value, sums->ready.unknown);
	put(overhead, OVERHEAD_EXITS, sums->exits.value, sums->exits.unknown);
}

void overhead_of(struct overhead *overhead, const struct cpu *window, uint32_t pid)
{
	const struct thread *threads;
	struct sums sums = {};
	size_t n, i;

	memset(overhead, 0, sizeof(*overhead));
	threads = cpu_threads_of(window, pid, &n);
	for (i = 0; i < n; i++)
		count_thread(&sums, overhead, &threads[i]);
	if (n)
		set_parts(overhead, &sums);
}

void overhead_begin(struct overhead *sum)
{
	unsigned int part;

	memset(sum, 0, sizeof(*sum));
	for (part = 0; part < OVERHEAD_PARTS; part++)
		facts_set(&sum->facts, part, 0);
}

void overhead_add(struct overhead *sum, const struct overhead *more)
{
	unsigned int part;

	for (part = 0; part < OVERHEAD_PARTS; part++)
		sum->facts.value[part] = add_saturating(sum->facts.value[part],
							more->facts.value[part]);
	sum->facts.known &= more->facts.known;
	sum->by_hooks += more->by_hooks;
	sum->by_ticks += more->by_ticks;
}

double overhead_slowdown(double rate_one_idle, double rate_all_busy)
{
	return rate_all_busy > 0 ? 100 * (rate_one_idle / rate_all_busy - 1) : 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double overhead_median(double *samples, unsigned int count)
{
	if (!count)
		return 0;
	qsort(samples, count, sizeof(*samples), compare_doubles);
	return count % 2 ? samples[count / 2] : (samples[count / 2 - 1] + samples[count / 2]) / 2;
}
