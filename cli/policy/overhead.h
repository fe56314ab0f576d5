/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_OVERHEAD_H
#define VMSHARE_POLICY_OVERHEAD_H

#include "usage.h"

/*
 * What a VM's CPU time went into. guest + exits + vmm is the run time of the
 * process's own threads, exactly. Kernel threads that work for the VM come on
 * top, whether they are part of the process, as vhost's on newer kernels, or not.
 * ready is time in which its own threads wanted a CPU and had none.
 */
struct overhead {
	uint64_t guest_ns;		/* guest code */
	uint64_t exits_ns;		/* vCPU threads outside of it: kernel and VMM */
	uint64_t vmm_ns;		/* the VMM's other threads */
	uint64_t kernel_ns;
	uint64_t ready_ns;		/* of the process's own threads */
	uint64_t exits;			/* how many */
	bool exact;			/* guest time by hooks, not by the kernel's ticks */
};

void overhead_of(struct overhead *overhead, const struct usage *usage);

/* All but ready. */
uint64_t overhead_total(const struct overhead *overhead);

void overhead_add(struct overhead *sum, const struct overhead *more);

/*
 * Slow-down of a job when all CPUs are busy, in percent: how much longer it
 * takes for the same work, by the work it does per time.
 */
double overhead_slowdown(double rate_one_idle, double rate_all_busy);

/* Of an odd or even number of samples, which are sorted by this. */
double overhead_median(double *samples, unsigned int count);

#endif
