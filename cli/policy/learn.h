/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_LEARN_H
#define VMSHARE_POLICY_LEARN_H

#include "policy/cpuload.h"

/*
 * Settings of the manager that do better on given loads, found by simulation.
 * Pure functions.
 *
 * What is kept low, per load, against the scheduler without the manager:
 *
 *	score = ln(batch) + late - late0 + ln(switches) / 10
 *
 * batch: geometric mean over batch VMs of the time until their work is done, as
 * a part of that without the manager; work that is not done by the end counts at
 * the speed it had. late: mean over service VMs of how far, as a logarithm, the
 * P99 of their responses is above 110 % of what it is when the VM has the host to
 * itself; late0 is the same without the manager. switches: involuntary switches
 * of batch VMs, as a part of those without the manager. 0 is as good as no
 * manager, below is better; -0.4 is a third less time at equal latency.
 */
struct learn_load {
	const struct cpuload *load;
	struct cpusim_outcome *alone;	/* per VM, by itself */
	struct cpusim_outcome *plain;	/* per VM, without the manager */
};

struct learn_score {
	double score;
	double batch, late, late_before, switches;	/* as above; batch and switches as ratios */
};

/* Runs the load without the manager, and each service VM alone. -ENOMEM, -EINVAL, 0. */
int learn_prepare(const struct cpuload *load, struct learn_load *prepared);
void learn_free(struct learn_load *prepared);

/* One load under the manager; the load's rules go before those of the options. */
int learn_score(const struct learn_load *prepared, const struct manage_options *options,
		struct learn_score *score);

/* The mean over loads. */
int learn_mean(const struct learn_load *loads, size_t n, const struct manage_options *options,
	       struct learn_score *mean);

/*
 * Changes alpha, beta, T_check, whom to cap, headroom, contention and boost, one
 * at a time to the best of its values, as long as the mean over the loads improves
 * by a hundredth or more. options is where it begins and what it found.
 */
struct learn_report {
	unsigned int runs;		/* settings tried */
	struct learn_score before, after;	/* on the loads given */
};

int learn_options(const struct learn_load *loads, size_t n, struct manage_options *options,
		  struct learn_report *report);

#endif
