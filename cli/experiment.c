// SPDX-License-Identifier: GPL-2.0
/* Runs jobs and counts their work. Conditions take turns, so that drift hits all alike. */
#include "experiment.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "policy/overhead.h"
#include "spinvm.h"

const char *const experiment_name[EXPERIMENT_CONDITIONS] = {
	[EXPERIMENT_PROGRAMS] = "programs, not pinned",
	[EXPERIMENT_FREE] = "guests, not pinned",
	[EXPERIMENT_VCPUS] = "guests, vCPUs pinned",
	[EXPERIMENT_ALL] = "guests, vCPUs and VMM threads pinned",
};

const char *const experiment_key[EXPERIMENT_CONDITIONS] = {
	[EXPERIMENT_PROGRAMS] = "programs",
	[EXPERIMENT_FREE] = "guests",
	[EXPERIMENT_VCPUS] = "guests_vcpus_pinned",
	[EXPERIMENT_ALL] = "guests_all_pinned",
};

/* The first so many CPUs of those that we may use. */
static unsigned int first_cpus(unsigned int count, cpu_set_t *set)
{
	unsigned int found = 0, cpu;
	cpu_set_t allowed;

	CPU_ZERO(set);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return 0;
	for (cpu = 0; cpu < CPU_SETSIZE && found < count; cpu++) {
		if (CPU_ISSET(cpu, &allowed)) {
			CPU_SET(cpu, set);
			found++;
		}
	}
	return found;
}

int experiment_prepare(struct experiment *experiment, struct error *err)
{
	cpu_set_t set;
	unsigned int usable = first_cpus(CPU_SETSIZE, &set);

	if (experiment->cpus == 1)
		return error_set(err, EXIT_USAGE,
				 "--cpus 1: the experiment leaves one CPU free at first; it needs 2 or more");
	if (!experiment->cpus)
		experiment->cpus = usable;
	if (!experiment->ms)
		experiment->ms = 5000;
	if (!experiment->repeats)
		experiment->repeats = 5;
	if (experiment->cpus > usable)
		return error_set(err, EXIT_USAGE, "--cpus %u: only %u can be used here",
				 experiment->cpus, usable);
	if (experiment->cpus < 2)
		return error_set(err, EXIT_SUPPORT,
				 "the experiment leaves one CPU free at first; it needs 2, and there is 1 that can be used here");
	return 0;
}

static void only(cpu_set_t *set, const cpu_set_t *of, unsigned int index)
{
	unsigned int cpu;

	CPU_ZERO(set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, of) && !index--) {
			CPU_SET(cpu, set);
			return;
		}
	}
}

static struct spin_place place_of(const struct experiment *experiment, unsigned int condition,
				  unsigned int job)
{
	struct spin_place place = { .guest = condition != EXPERIMENT_PROGRAMS };
	cpu_set_t all;

	first_cpus(experiment->cpus, &all);
	place.vcpu = place.vmm = all;
	if (condition == EXPERIMENT_VCPUS || condition == EXPERIMENT_ALL)
		only(&place.vcpu, &all, job);
	if (condition == EXPERIMENT_ALL)
		only(&place.vmm, &all, job);
	return place;
}

static double now_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wait_s(double seconds)
{
	struct timespec rest = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}

static double work_of(const struct spin *spins, unsigned int jobs)
{
	double work = 0;
	unsigned int i;

	for (i = 0; i < jobs; i++)
		work += (double)spin_work(&spins[i]);
	return work;
}

/* Work per second and job, after a fifth of the time to settle. */
static double rate_of(const struct spin *spins, unsigned int jobs, unsigned int ms)
{
	double began, before, after;

	wait_s(ms / 5000.0);
	before = work_of(spins, jobs);
	began = now_s();
	wait_s(ms / 1000.0);
	after = work_of(spins, jobs);
	return (after - before) / (now_s() - began) / jobs;
}

static int measure(const struct experiment *experiment, unsigned int condition,
		   unsigned int jobs, double *rate, struct error *err)
{
	struct spin *spins = calloc(jobs, sizeof(*spins));
	unsigned int started;
	int ret = 0;

	if (!spins)
		return error_no_memory(err);
	for (started = 0; started < jobs; started++) {
		struct spin_place place = place_of(experiment, condition, started);

		ret = spin_start(&spins[started], &place, err);
		if (ret)
			break;
	}
	if (!ret)
		*rate = rate_of(spins, jobs, experiment->ms);
	while (started--)
		spin_stop(&spins[started]);
	free(spins);
	return ret;
}

static int measure_pair(struct experiment *experiment, unsigned int condition,
			unsigned int repeat, struct error *err)
{
	struct condition *result = &experiment->condition[condition];
	double fewer, all;

	if (measure(experiment, condition, experiment->cpus - 1, &fewer, err) ||
	    measure(experiment, condition, experiment->cpus, &all, err))
		return -1;
	result->slowdown[repeat] = overhead_slowdown(fewer, all);
	result->rate += all / experiment->repeats;
	return 0;
}

int experiment_run(struct experiment *experiment,
		   void (*step)(unsigned int done, unsigned int all, const char *what),
		   struct error *err)
{
	unsigned int repeat, condition, done = 0;

	for (repeat = 0; repeat < experiment->repeats; repeat++) {
		for (condition = 0; condition < EXPERIMENT_CONDITIONS; condition++) {
			if (step)
				step(done++, experiment->repeats * EXPERIMENT_CONDITIONS,
				     experiment_name[condition]);
			if (measure_pair(experiment, condition, repeat, err))
				return -1;
		}
	}
	for (condition = 0; condition < EXPERIMENT_CONDITIONS; condition++)
		experiment->condition[condition].median =
			overhead_median(experiment->condition[condition].slowdown,
					experiment->repeats);
	return 0;
}
