// SPDX-License-Identifier: GPL-2.0
/* Where a VM's CPU time goes. */
#include "policy/overhead.h"

#include <stdlib.h>
#include <string.h>

/* By ticks guest time may come out longer than the thread ran; no part is negative. */
void overhead_of(struct overhead *overhead, const struct usage *usage)
{
	uint64_t process = facts_or_zero(&usage->process.facts, THREAD_RUN_NS);
	uint64_t vcpus = facts_or_zero(&usage->vcpus.facts, THREAD_RUN_NS);
	uint64_t guest = 0;

	memset(overhead, 0, sizeof(*overhead));
	usage_guest_ns(&usage->vcpus, &guest);
	if (vcpus > process)
		vcpus = process;
	overhead->guest_ns = guest < vcpus ? guest : vcpus;
	overhead->exits_ns = vcpus - overhead->guest_ns;
	overhead->vmm_ns = process - vcpus;
	overhead->kernel_ns = facts_or_zero(&usage->kernel.facts, THREAD_RUN_NS);
	overhead->ready_ns = facts_or_zero(&usage->process.facts, THREAD_READY_NS);
	overhead->exits = facts_or_zero(&usage->vcpus.facts, THREAD_EXITS);
	overhead->exact = facts_get(&usage->vcpus.facts, THREAD_IN_GUEST_NS, &guest);
}

uint64_t overhead_total(const struct overhead *overhead)
{
	return overhead->guest_ns + overhead->exits_ns + overhead->vmm_ns + overhead->kernel_ns;
}

void overhead_add(struct overhead *sum, const struct overhead *more)
{
	sum->guest_ns += more->guest_ns;
	sum->exits_ns += more->exits_ns;
	sum->vmm_ns += more->vmm_ns;
	sum->kernel_ns += more->kernel_ns;
	sum->ready_ns += more->ready_ns;
	sum->exits += more->exits;
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
