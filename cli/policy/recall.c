// SPDX-License-Identifier: GPL-2.0
/* A load out of what a host's counters said. */
#include "policy/cpuload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_PERMILLE 900
#define BURSTS_MAX 2000000u		/* of all VMs together */
#define BURSTS_PER_SECOND 1000u		/* of one VM: a step of the simulator each */
#define VCPUS_MAX 1024u
#define RECALL_VMS_MAX 2000u

/* One VM while its samples are gone through. */
struct recall {
	struct cpusim_vm *vm;
	uint32_t pid;
	uint64_t start_time_ns;
	uint64_t job_at_ns, job_ns;	/* the job under way; 0: none */
	uint64_t in_jobs_ns, in_bursts_ns;
};

struct recalls {
	struct recall *rows;
	size_t n, hint;			/* where the next VM of a sample is likely to be */
	size_t bursts;
	struct cpuload *load;
	const struct manage_options *options;
};

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static int add_burst(struct recalls *recalls, struct cpusim_vm *vm, uint64_t at_ns,
		     uint64_t work_ns)
{
	if (++recalls->bursts > BURSTS_MAX)
		return -EINVAL;
	return cpusim_add_burst(vm, at_ns, work_ns);
}

static int end_job(struct recalls *recalls, struct recall *recall)
{
	uint64_t part = recall->job_ns / recall->vm->vcpus;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < recall->vm->vcpus && part && !ret; i++)
		ret = add_burst(recalls, recall->vm, recall->job_at_ns, part);
	recall->in_jobs_ns += recall->job_ns;
	recall->job_ns = 0;
	return ret;
}

/* Evenly over the interval: counters do not say when. */
static int spread_bursts(struct recalls *recalls, struct recall *recall, uint64_t at_ns,
			 uint64_t elapsed_ns, uint64_t work_ns, uint64_t wakeups)
{
	uint64_t most = elapsed_ns / (1000000000 / BURSTS_PER_SECOND) + 1, i;
	int ret = 0;

	wakeups = wakeups < most ? wakeups : most;
	if (wakeups > work_ns / CPUSIM_TICK_NS)
		wakeups = work_ns / CPUSIM_TICK_NS;
	if (!wakeups)
		wakeups = 1;
	recall->in_bursts_ns += work_ns;
	for (i = 0; i < wakeups && work_ns >= wakeups && !ret; i++)
		ret = add_burst(recalls, recall->vm,
				at_ns + (uint64_t)((unsigned __int128)elapsed_ns * i / wakeups),
				work_ns / wakeups);
	return ret;
}

/* Busy for nearly all of the time that it was not held back? */
static bool was_job(uint64_t used_ns, uint64_t held_ns, uint64_t most_ns)
{
	uint64_t open = most_ns - (held_ns < most_ns ? held_ns : most_ns);

	return (unsigned __int128)used_ns * 1000 >= (unsigned __int128)open * BUSY_PERMILLE;
}

static int recall_interval(struct recalls *recalls, struct recall *recall,
			   const struct manage_vm *before, const struct manage_vm *now,
			   uint64_t at_ns, uint64_t elapsed_ns)
{
	uint64_t most = elapsed_ns * recall->vm->vcpus;
	uint64_t ready = grown(now->ready_ns, before->ready_ns);
	uint64_t throttled = grown(now->throttled_ns, before->throttled_ns);
	uint64_t used = grown(now->run_ns, before->run_ns);
	int ret;

	used = used < most ? used : most;
	if (was_job(used, ready > throttled ? ready : throttled, most)) {
		if (!recall->job_ns)
			recall->job_at_ns = at_ns;
		recall->job_ns += used;
		return 0;
	}
	ret = end_job(recalls, recall);
	return ret ? ret : spread_bursts(recalls, recall, at_ns, elapsed_ns, used,
					 grown(now->voluntary_switches, before->voluntary_switches));
}

static struct recall *find(struct recalls *recalls, const struct manage_vm *vm)
{
	size_t i;

	for (i = 0; i < recalls->n; i++) {
		size_t at = (recalls->hint + i) % recalls->n;

		if (recalls->rows[at].pid == vm->pid &&
		    recalls->rows[at].start_time_ns == vm->start_time_ns) {
			recalls->hint = at + 1;
			return &recalls->rows[at];
		}
	}
	return NULL;
}

/* Its name in the simulator, which has pids of its own. */
static char *name_of(const struct manage_vm *vm)
{
	char *name;

	if (vm->name)
		return strdup(vm->name);
	return asprintf(&name, "pid %u", vm->pid) < 0 ? NULL : name;
}

/* The rule that holds for it, under that name. */
static int copy_rule(struct recalls *recalls, const struct manage_vm *vm, const char *name)
{
	const struct manage_rule *rule = manage_rule_of(recalls->options, vm);
	struct cpuload *load = recalls->load;
	struct manage_rule *rules;

	if (!rule)
		return 0;
	rules = reallocarray(load->rules, load->n_rules + 1, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	load->rules = rules;
	rules[load->n_rules] = *rule;
	rules[load->n_rules].vm = strdup(name);
	if (!rules[load->n_rules].vm)
		return -ENOMEM;
	load->n_rules++;
	return 0;
}

static struct recall *add(struct recalls *recalls, const struct manage_vm *vm)
{
	struct cpusim_load *load = &recalls->load->load;
	struct cpusim_vm *sim = &load->vms[load->n_vms];

	*sim = (struct cpusim_vm){ .vcpus = vm->vcpus ? vm->vcpus : 1, .name = name_of(vm) };
	if (!sim->name)
		return NULL;
	load->n_vms++;
	if (sim->vcpus > VCPUS_MAX)
		sim->vcpus = VCPUS_MAX;
	recalls->rows[recalls->n] = (struct recall){
		.vm = sim, .pid = vm->pid, .start_time_ns = vm->start_time_ns,
	};
	if (copy_rule(recalls, vm, sim->name))
		return NULL;
	return &recalls->rows[recalls->n++];
}

static int recall_pair(struct recalls *recalls, const struct manage_sample *before,
		       const struct manage_sample *now, uint64_t began_ns)
{
	size_t i, j = 0;
	int ret = 0;

	for (i = 0; i < now->n_vms && !ret; i++) {
		const struct manage_vm *vm = &now->vms[i];
		struct recall *recall;

		while (j < before->n_vms && before->vms[j].pid < vm->pid)
			j++;
		if (j == before->n_vms || before->vms[j].pid != vm->pid ||
		    before->vms[j].start_time_ns != vm->start_time_ns)
			continue;
		recall = find(recalls, vm);
		if (!recall && recalls->n == RECALL_VMS_MAX)
			return -EINVAL;
		if (!recall)
			recall = add(recalls, vm);
		if (!recall)
			return -ENOMEM;
		ret = recall_interval(recalls, recall, &before->vms[j], vm,
				      before->time_ns - began_ns, now->time_ns - before->time_ns);
	}
	return ret;
}

static enum cpusim_role role_of(const struct recalls *recalls, const struct recall *recall)
{
	const struct cpuload *load = recalls->load;
	size_t i;

	if (recall->in_jobs_ns <= recall->in_bursts_ns)
		return CPUSIM_SERVICE;
	for (i = 0; i < load->n_rules; i++) {
		if (!strcmp(load->rules[i].vm, recall->vm->name) &&
		    load->rules[i].class == MANAGE_SERVICE)
			return CPUSIM_BACKGROUND;
	}
	return CPUSIM_BATCH;
}

static int recall_all(struct recalls *recalls, const struct manage_sample *samples, size_t first,
		      size_t last)
{
	int ret = 0;
	size_t i;

	for (i = first + 1; i < last && !ret; i++)
		ret = recall_pair(recalls, &samples[i - 1], &samples[i], samples[first].time_ns);
	for (i = 0; i < recalls->n && !ret; i++) {
		ret = end_job(recalls, &recalls->rows[i]);
		recalls->rows[i].vm->role = role_of(recalls, &recalls->rows[i]);
	}
	if (!ret && !recalls->n)
		ret = -EINVAL;
	return ret;
}

int cpuload_from_samples(const struct manage_sample *samples, size_t first, size_t last,
			 const struct manage_options *options, struct cpuload *load)
{
	struct recalls recalls = { .load = load, .options = options };
	int ret = -ENOMEM;

	memset(load, 0, sizeof(*load));
	/* ten days are more than can be simulated, and keep sums far from the limit */
	if (last < first + 2 ||
	    samples[last - 1].time_ns - samples[first].time_ns > 864000000000000)
		return -EINVAL;
	load->load.cpus = samples[first].cpus;
	load->load.duration_ns = samples[last - 1].time_ns - samples[first].time_ns;
	load->load.vms = calloc(RECALL_VMS_MAX, sizeof(*load->load.vms));
	recalls.rows = calloc(RECALL_VMS_MAX, sizeof(*recalls.rows));
	if (load->load.vms && recalls.rows)
		ret = recall_all(&recalls, samples, first, last);
	if (!ret && cpusim_cost(&load->load) > CPUSIM_COST_MAX)
		ret = -EINVAL;
	free(recalls.rows);
	if (ret)
		cpuload_free(load);
	return ret;
}
