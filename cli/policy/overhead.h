/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_OVERHEAD_H
#define VMSHARE_POLICY_OVERHEAD_H

#include "cpu.h"

/*
 * What a VM's CPU time went into. guest + exits + vmm is the run time of the
 * process's own threads, exactly. Kernel threads that work for the VM come on
 * top, whether they are part of the process, as vhost's on newer kernels, or not.
 * ready is time in which its own threads wanted a CPU and had none.
 */
enum overhead_part {
	OVERHEAD_CPU_NS,		/* the next four together */
	OVERHEAD_GUEST_NS,		/* guest code */
	OVERHEAD_EXITS_NS,		/* vCPU threads outside of it: kernel and VMM */
	OVERHEAD_VMM_NS,		/* the VMM's other threads */
	OVERHEAD_KERNEL_NS,
	OVERHEAD_READY_NS,		/* of the process's own threads */
	OVERHEAD_EXITS,			/* how many */
	OVERHEAD_PARTS
};

struct overhead {
	struct facts facts;		/* enum overhead_part */
	unsigned int by_hooks, by_ticks;	/* vCPUs whose guest time is known, and how */
};

/* Names of the parts in JSON. */
extern const char *const overhead_part_key[OVERHEAD_PARTS];

/*
 * Of the threads of that VM in the window. A part is known if what it is the sum
 * of is known of every thread; of a VM without threads nothing is.
 */
void overhead_of(struct overhead *overhead, const struct cpu *window, uint32_t pid);

/* A sum of VMs: of none it is 0; with one of which a part is not known, that is not known. */
void overhead_begin(struct overhead *sum);
void overhead_add(struct overhead *sum, const struct overhead *more);

/*
 * Slow-down of a job when all CPUs are busy, in percent: how much longer it
 * takes for the same work, by the work it does per time.
 */
double overhead_slowdown(double rate_one_idle, double rate_all_busy);

/* Of an odd or even number of samples, which are sorted by this. */
double overhead_median(double *samples, unsigned int count);

#endif
