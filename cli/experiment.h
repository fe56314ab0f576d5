/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_EXPERIMENT_H
#define VMSHARE_EXPERIMENT_H

#include "error.h"

/*
 * How much longer a CPU-bound job takes when no CPU is left for anything else:
 * N - 1 jobs on N CPUs against N. Done with programs, and with guests without
 * pinning, with their vCPUs pinned, and with their VMMs' threads pinned too.
 */
enum { EXPERIMENT_PROGRAMS, EXPERIMENT_FREE, EXPERIMENT_VCPUS, EXPERIMENT_ALL,
       EXPERIMENT_CONDITIONS };

#define EXPERIMENT_REPEATS_MAX 100

struct condition {
	double slowdown[EXPERIMENT_REPEATS_MAX];	/* percent, ascending */
	double median;
	double rate;			/* work per second and job, all CPUs busy; mean */
};

struct experiment {
	unsigned int cpus;		/* N */
	unsigned int ms;		/* of one measurement */
	unsigned int repeats;
	struct condition condition[EXPERIMENT_CONDITIONS];
};

extern const char *const experiment_name[EXPERIMENT_CONDITIONS];
extern const char *const experiment_key[EXPERIMENT_CONDITIONS];

/* Fills the defaults in where 0 was given: all CPUs, 5 s, 5 times. */
int experiment_prepare(struct experiment *experiment, struct error *err);

/* Runs it; step() is told what comes next and may be NULL. */
int experiment_run(struct experiment *experiment,
		   void (*step)(unsigned int done, unsigned int all, const char *what),
		   struct error *err);

#endif
