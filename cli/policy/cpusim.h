/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_CPUSIM_H
#define VMSHARE_POLICY_CPUSIM_H

#include "policy/manage.h"

/*
 * A host's CPUs, simulated: what becomes of VMs' work under the scheduler alone
 * or with the manager. A pure function; equal input gives equal output.
 *
 * The model, in steps of 1 ms: one queue for all CPUs, as an ideal balancer would
 * keep it. Each runnable vCPU has a virtual time that grows by its run time over
 * its part of its VM's weight; the smallest runs, for a slice of 3 ms. One that
 * wakes begins at most half a latency (6 ms) behind the rest and displaces the
 * one that is furthest ahead if it is ahead by more than 1 ms. A quota is
 * refilled every period; once it is used up, all vCPUs of the VM wait for the
 * next. A vCPU that was displaced pays 20 us for cold caches when it comes back.
 *
 * What is left out: caches shared by neighbours, hyperthreads, NUMA, frequency,
 * imbalance between run queues, 5 ms slices of quota, the VMM's own threads (a
 * fiftieth of a VM's time is called theirs). So it says which of two settings
 * is better, not how many milliseconds a request will take.
 */
#define CPUSIM_TICK_NS 1000000ull

/* Work that arrives at a moment, for one vCPU; a VM's are done in this order. */
struct cpusim_burst {
	uint64_t at_ns, work_ns;
};

/* What matters of a VM. */
enum cpusim_role {
	CPUSIM_SERVICE,			/* the response of its bursts */
	CPUSIM_BATCH,			/* when all is done */
	CPUSIM_BACKGROUND,		/* nothing beyond its guarantee */
};

struct cpusim_vm {
	char *name;			/* for the manager's rules */
	uint32_t vcpus;
	enum cpusim_role role;
	struct cpusim_burst *bursts;	/* at_ns ascends */
	size_t n_bursts;
};

struct cpusim_load {
	uint32_t cpus;
	uint64_t duration_ns;
	struct cpusim_vm *vms;
	size_t n_vms;
};

struct cpusim_outcome {
	uint64_t work_ns;		/* of its bursts, and how much of that is done */
	uint64_t done_ns;
	uint64_t finished_ns;		/* when all was done; 0: it is not */
	uint64_t run_ns, ready_ns, throttled_ns;
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t response_p50_ns, response_p99_ns;	/* from arrival to end of a burst */
	uint64_t checks_capped;		/* after how many checks it had a quota */
};

/*
 * Fills one outcome per VM. options NULL: no manager. only: the index of the one
 * VM that is there, or SIZE_MAX for all. -ENOMEM, or -EINVAL for options or a
 * load that cannot be; 0.
 */
int cpusim_run(const struct cpusim_load *load, const struct manage_options *options, size_t only,
	       struct cpusim_outcome *outcomes);

/* Steps times vCPUs: what a run costs; a run of more than this is refused by -EINVAL. */
#define CPUSIM_COST_MAX 4000000000ull
uint64_t cpusim_cost(const struct cpusim_load *load);

/* Appends a burst; -ENOMEM or 0. */
int cpusim_add_burst(struct cpusim_vm *vm, uint64_t at_ns, uint64_t work_ns);

void cpusim_load_free(struct cpusim_load *load);

#endif
