/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_CPULOAD_H
#define VMSHARE_POLICY_CPULOAD_H

#include "policy/cpusim.h"

/*
 * Loads for the simulator: families of them, made from a seed, and those that a
 * trace of a real host shows. Pure functions.
 */
enum cpuload_family {
	LOAD_DESKTOP,			/* desktops in bursts beside batch jobs */
	LOAD_WEB,			/* web servers by day and by night beside batch jobs */
	LOAD_BATCH,			/* batch jobs alone, more vCPUs than CPUs */
	LOAD_NEIGHBOURS,		/* a job beside VMs that work like batch, with small guarantees */
	LOAD_MIXED,			/* desktops, a web server, jobs that come and go */
	LOAD_CROWD,			/* many small VMs on two CPUs */
	LOAD_QUIET,			/* more CPUs than work */
	LOAD_GUARANTEED,		/* a job with a guarantee beside other jobs and small servers */
	LOAD_FAMILIES
};

const char *cpuload_family_name(enum cpuload_family family);

/* A load, and what its operator would have configured. */
struct cpuload {
	struct cpusim_load load;
	struct manage_rule *rules;
	size_t n_rules;
};

/* Returns -ENOMEM or 0. */
int cpuload_make(enum cpuload_family family, uint64_t seed, struct cpuload *load);

/*
 * From the samples first to before last of a trace: what a VM used in an
 * interval becomes bursts. Where it was busy for nine tenths of the time that
 * nothing held it back, it worked on one job: the work of such intervals in a row
 * is there from the beginning of the first. Elsewhere it woke as often as it
 * slept (voluntary switches), for equal parts of what it used. A VM that did most of
 * its work in jobs is a batch VM, or background if a rule calls it service.
 * -EINVAL if there are fewer than two samples, no VM is there in two of them in a
 * row, or it is too much to simulate; -ENOMEM; 0.
 */
int cpuload_from_samples(const struct manage_sample *samples, size_t first, size_t last,
			 const struct manage_options *options, struct cpuload *load);

void cpuload_free(struct cpuload *load);

#endif
