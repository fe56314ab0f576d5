// SPDX-License-Identifier: GPL-2.0
/* Scores of settings, and a search for better ones. */
#include "policy/learn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORTH 0.01			/* a smaller gain is not worth another setting */
#define SWITCHES_PART 0.1
#define ROUNDS_MAX 4

#define MS 1000000ull

static bool has_role(const struct learn_load *prepared, size_t i, enum cpusim_role role)
{
	const struct cpusim_vm *vm = &prepared->load->load.vms[i];

	return vm->role == role && vm->n_bursts;
}

int learn_prepare(const struct cpuload *load, struct learn_load *prepared)
{
	size_t n = load->load.n_vms, i;
	int ret = -ENOMEM;

	prepared->load = load;
	prepared->alone = calloc(n + 1, sizeof(*prepared->alone));
	prepared->plain = calloc(n + 1, sizeof(*prepared->plain));
	if (prepared->alone && prepared->plain)
		ret = cpusim_run(&load->load, NULL, SIZE_MAX, prepared->plain);
	for (i = 0; i < n && !ret; i++) {
		if (has_role(prepared, i, CPUSIM_SERVICE))
			ret = cpusim_run(&load->load, NULL, i, prepared->alone);
	}
	if (ret)
		learn_free(prepared);
	return ret;
}

void learn_free(struct learn_load *prepared)
{
	free(prepared->alone);
	free(prepared->plain);
	memset(prepared, 0, sizeof(*prepared));
}

/* When its work is done, or would be at the speed it had. */
static double done_ns(const struct learn_load *prepared, const struct cpusim_outcome *outcome)
{
	if (outcome->finished_ns)
		return (double)outcome->finished_ns;
	return (double)prepared->load->load.duration_ns * (double)outcome->work_ns /
	       (double)(outcome->done_ns ? outcome->done_ns : 1);
}

/* How far the P99 is above a tenth more than alone; a step of the simulator is forgiven. */
static double lateness(const struct cpusim_outcome *outcome, const struct cpusim_outcome *alone)
{
	double allowed = (double)alone->response_p99_ns * 1.1;
	double least = (double)(alone->response_p99_ns + CPUSIM_TICK_NS);

	if (allowed < least)
		allowed = least;
	if ((double)outcome->response_p99_ns <= allowed)
		return 0;
	return log((double)outcome->response_p99_ns / allowed);
}

static void compare(const struct learn_load *prepared, const struct cpusim_outcome *managed,
		    struct learn_score *score)
{
	double batch = 0, late = 0, before = 0;
	uint64_t switches = 0, plain = 0;
	unsigned int jobs = 0, services = 0;
	size_t i;

	for (i = 0; i < prepared->load->load.n_vms; i++) {
		if (has_role(prepared, i, CPUSIM_BATCH)) {
			batch += log(done_ns(prepared, &managed[i]) /
				     done_ns(prepared, &prepared->plain[i]));
			switches += managed[i].involuntary_switches;
			plain += prepared->plain[i].involuntary_switches;
			jobs++;
		} else if (has_role(prepared, i, CPUSIM_SERVICE)) {
			late += lateness(&managed[i], &prepared->alone[i]);
			before += lateness(&prepared->plain[i], &prepared->alone[i]);
			services++;
		}
	}
	score->batch = jobs ? exp(batch / jobs) : 1;
	score->switches = (double)(switches + 1) / (double)(plain + 1);
	score->late = services ? late / services : 0;
	score->late_before = services ? before / services : 0;
	score->score = log(score->batch) + score->late - score->late_before +
		       SWITCHES_PART * log(score->switches);
}

int learn_score(const struct learn_load *prepared, const struct manage_options *options,
		struct learn_score *score)
{
	const struct cpuload *load = prepared->load;
	struct cpusim_outcome *managed = calloc(load->load.n_vms + 1, sizeof(*managed));
	struct manage_options with_rules = *options;
	int ret;

	if (!managed)
		return -ENOMEM;
	if (load->n_rules) {
		with_rules.rules = load->rules;
		with_rules.n_rules = load->n_rules;
	}
	ret = cpusim_run(&load->load, &with_rules, SIZE_MAX, managed);
	if (!ret)
		compare(prepared, managed, score);
	free(managed);
	return ret;
}

int learn_mean(const struct learn_load *loads, size_t n, const struct manage_options *options,
	       struct learn_score *mean)
{
	struct learn_score one, sum = {};
	size_t i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = learn_score(&loads[i], options, &one);
		if (ret)
			return ret;
		sum.score += one.score / (double)n;
		sum.late += one.late / (double)n;
		sum.late_before += one.late_before / (double)n;
		sum.batch += log(one.batch) / (double)n;
		sum.switches += log(one.switches) / (double)n;
	}
	*mean = sum;
	mean->batch = exp(sum.batch);
	mean->switches = exp(sum.switches);
	return 0;
}

/* What is tried, a setting at a time; the unit is that of the member. */
static const uint64_t alphas[] = { 300, 400, 500, 600, 700, 800, 900, 950, 0 };
static const uint64_t betas[] = { 1, 2, 3, 5, 8, 0 };
static const uint64_t checks[] = { 250 * MS, 500 * MS, 1000 * MS, 2000 * MS, 5000 * MS, 0 };
static const uint64_t caps[] = { 1, 2, 3, 0 };	/* one more than enum manage_cap */
static const uint64_t boosts[] = { 1, 2, 4, 8, 16, 0 };
static const uint64_t parts[] = { 1, 26, 51, 101, 201, 0 };	/* one more than the permille */

static void set_alpha(struct manage_options *options, uint64_t value)
{
	options->alpha_permille = (uint32_t)value;
}

static void set_beta(struct manage_options *options, uint64_t value)
{
	options->beta = (uint32_t)value;
}

static void set_t_check(struct manage_options *options, uint64_t value)
{
	options->t_check_ns = value;
}

static void set_cap(struct manage_options *options, uint64_t value)
{
	options->cap = (enum manage_cap)(value - 1);
}

static void set_boost(struct manage_options *options, uint64_t value)
{
	options->service_boost = (uint32_t)value;
}

static void set_headroom(struct manage_options *options, uint64_t value)
{
	options->headroom_permille = (uint32_t)value - 1;
}

static void set_contention(struct manage_options *options, uint64_t value)
{
	options->contention_permille = (uint32_t)value - 1;
}

static const struct {
	const uint64_t *values;
	void (*set)(struct manage_options *options, uint64_t value);
	bool lending_only;
} settings[] = {
	{ alphas, set_alpha, false },	  { betas, set_beta, false },
	{ checks, set_t_check, false },	  { caps, set_cap, true },
	{ parts, set_headroom, true },	  { parts, set_contention, true },
	{ boosts, set_boost, true },
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* The best value of one setting, the others as they are. */
static int improve(const struct learn_load *loads, size_t n, size_t setting,
		   struct manage_options *options, struct learn_report *report, bool *better)
{
	struct manage_options tried = *options, best = *options;
	struct learn_score score;
	const uint64_t *value;
	int ret;

	for (value = settings[setting].values; *value; value++) {
		settings[setting].set(&tried, *value);
		if (manage_options_wrong(&tried))
			continue;
		ret = learn_mean(loads, n, &tried, &score);
		if (ret)
			return ret;
		report->runs++;
		if (score.score > report->after.score - WORTH)
			continue;
		report->after = score;
		best = tried;
		*better = true;
	}
	*options = best;
	return 0;
}

int learn_options(const struct learn_load *loads, size_t n, struct manage_options *options,
		  struct learn_report *report)
{
	bool better = true;
	unsigned int round;
	size_t i;
	int ret;

	memset(report, 0, sizeof(*report));
	ret = learn_mean(loads, n, options, &report->before);
	report->after = report->before;
	for (round = 0; round < ROUNDS_MAX && better && !ret; round++) {
		better = false;
		for (i = 0; i < SETTINGS && !ret; i++) {
			if (settings[i].lending_only && options->policy != MANAGE_LENDING)
				continue;
			ret = improve(loads, n, i, options, report, &better);
		}
	}
	return ret;
}
