// SPDX-License-Identifier: GPL-2.0
/* Options, what is remembered, and one check whatever the policy. */
#include "policy/manage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/check.h"

#define SECOND 1000000000ull
#define MILLISECOND 1000000ull

void manage_options_init(struct manage_options *options)
{
	*options = (struct manage_options){
		.policy = MANAGE_LENDING,
		.alpha_permille = 700,
		.beta = 3,
		.t_check_ns = SECOND,
		.period_ns = 100 * MILLISECOND,
		.floor_millicpus = 50,
		.vmm_floor_millicpus = 50,
		.stall_max_ns = 80 * MILLISECOND,
		.contention_permille = 50,
		.calm_checks = 3,
		.hysteresis_permille = 100,
		.rate_limit_ns = 2 * SECOND,
		.cap = MANAGE_CAP_HEAVY,
		.service_boost = 4,
	};
}

void manage_options_free(struct manage_options *options)
{
	size_t i;

	for (i = 0; i < options->n_rules; i++)
		free(options->rules[i].vm);
	free(options->rules);
	options->rules = NULL;
	options->n_rules = 0;
}

static bool rule_names(const struct manage_rule *rule, const struct manage_vm *vm, const char *pid)
{
	return (vm->name && !strcmp(rule->vm, vm->name)) ||
	       (vm->uuid && !strcasecmp(rule->vm, vm->uuid)) || !strcmp(rule->vm, pid);
}

const struct manage_rule *manage_rule_of(const struct manage_options *options,
					 const struct manage_vm *vm)
{
	const struct manage_rule *every = NULL;
	char pid[16];
	size_t i;

	snprintf(pid, sizeof(pid), "%u", vm->pid);
	for (i = 0; i < options->n_rules; i++) {
		const struct manage_rule *rule = &options->rules[i];

		if (!strcmp(rule->vm, "*"))
			every = every ? every : rule;
		else if (rule_names(rule, vm, pid))
			return rule;
	}
	return every;
}

static const char *rules_wrong(const struct manage_options *options)
{
	size_t i;

	for (i = 0; i < options->n_rules; i++) {
		if (options->rules[i].weight > 10000)
			return "Weight is from 1 to 10000";
		if (options->rules[i].guarantee_millicpus > 65536000)
			return "Guarantee is at most 6553600%";
	}
	return NULL;
}

static const char *times_wrong(const struct manage_options *options)
{
	if (options->t_check_ns < 100 * MILLISECOND || options->t_check_ns > 3600 * SECOND)
		return "CheckInterval is from 100ms to 1h";
	if (options->period_ns < MANAGE_SHORTEST_NS || options->period_ns > MANAGE_PERIOD_MAX_NS)
		return "Period is from 10ms to 1s";
	if (options->t_check_ns < options->period_ns)
		return "CheckInterval must not be shorter than Period";
	if (options->stall_max_ns < MANAGE_SHORTEST_NS || options->stall_max_ns > SECOND)
		return "StallMax is from 10ms to 1s";
	if (options->rate_limit_ns > 3600 * SECOND)
		return "RateLimit is at most 1h";
	return NULL;
}

/* The least quota there can be has to fit into a period that is no longer than a stall. */
static const char *stall_wrong(const struct manage_options *options)
{
	uint64_t least = options->floor_millicpus + options->vmm_floor_millicpus;

	if (options->policy == MANAGE_LENDING &&
	    MANAGE_QUOTA_MIN_NS * 1000 / least > options->stall_max_ns)
		return "StallMax is too short for a quota as small as Floor and VmmFloor together: it is at least 1ms divided by that part of a CPU";
	return NULL;
}

const char *manage_options_wrong(const struct manage_options *options)
{
	const char *wrong = manage_values_wrong(options);

	return wrong ? wrong : stall_wrong(options);
}

const char *manage_values_wrong(const struct manage_options *options)
{
	if (options->policy != MANAGE_LENDING && options->policy != MANAGE_PUBLISHED)
		return "Policy is lending or published";
	if (!options->alpha_permille || options->alpha_permille > 1000)
		return "Alpha is above 0% and at most 100%";
	if (options->beta > 1000)
		return "Beta is at most 1000";
	if (options->floor_millicpus < 10 || options->floor_millicpus > 1000)
		return "Floor is from 1% to 100% of one CPU";
	if (options->vmm_floor_millicpus > 1000)
		return "VmmFloor is at most 100% of one CPU";
	if (options->headroom_permille > 900 || options->contention_permille > 1000)
		return "Headroom is at most 90%, Contention at most 100%";
	if (options->calm_checks > 1000)
		return "CalmChecks is at most 1000";
	if (options->hysteresis_permille > 500)
		return "Hysteresis is at most 50%";
	if (options->burst_permille > 1000)
		return "Burst is at most 100%";
	if (options->cap > MANAGE_CAP_BATCH)
		return "Cap is none, heavy or batch";
	if (!options->service_boost || options->service_boost > 100)
		return "ServiceBoost is from 1 to 100";
	return times_wrong(options) ? times_wrong(options) : rules_wrong(options);
}

void manage_state_init(struct manage_state *state)
{
	memset(state, 0, sizeof(*state));
}

void manage_state_free(struct manage_state *state)
{
	free(state->vms);
	manage_state_init(state);
}

const struct manage_memory *manage_memory_of(const struct manage_state *state, uint32_t pid,
					     uint64_t start_time_ns)
{
	size_t low = 0, high = state->n_vms;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (state->vms[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == state->n_vms || state->vms[low].pid != pid ||
	    state->vms[low].start_time_ns != start_time_ns)
		return NULL;
	return &state->vms[low];
}

void manage_sample_free(struct manage_sample *sample)
{
	size_t i;

	for (i = 0; i < sample->n_vms; i++) {
		free(sample->vms[i].name);
		free(sample->vms[i].uuid);
	}
	free(sample->vms);
	memset(sample, 0, sizeof(*sample));
}

bool check_class_given(const struct measure_vm *row)
{
	return row->rule && row->rule->class != MANAGE_AUTO;
}

bool check_manages(const struct check *check, size_t i)
{
	return !check->measure.vms[i].left_alone;
}

bool check_is_found(const struct manage_decision *decision, const struct manage_vm *found)
{
	return decision->quota_ns == found->quota_ns && decision->period_ns == found->period_ns;
}

bool check_near(uint64_t found, uint64_t wanted, uint32_t permille)
{
	uint64_t apart = found > wanted ? found - wanted : wanted - found;

	return apart <= found / 1000 * permille + found % 1000 * permille / 1000;
}

uint64_t check_quota(uint64_t millicpus, uint64_t period_ns)
{
	unsigned __int128 quota = (unsigned __int128)millicpus * period_ns / 1000;

	/* the kernel counts in microseconds */
	quota -= quota % 1000;
	if (quota >= UINT64_MAX)
		return MANAGE_UNLIMITED - 1;
	return quota < MANAGE_QUOTA_MIN_NS ? MANAGE_QUOTA_MIN_NS : (uint64_t)quota;
}

void check_reason(struct manage_decision *decision, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(decision->reason, sizeof(decision->reason), fmt, args);
	va_end(args);
}

/* What was decided for another class is to be decided anew. */
static void change_class(struct manage_memory *memory, enum manage_class class)
{
	memory->class = class;
	memory->quota_ns = MANAGE_UNLIMITED;
	memory->period_ns = 0;
}

static struct manage_memory remember(const struct manage_state *state,
				     const struct measure_vm *row)
{
	const struct manage_memory *old = manage_memory_of(state, row->vm->pid,
							   row->vm->start_time_ns);
	struct manage_memory memory = {
		.pid = row->vm->pid, .start_time_ns = row->vm->start_time_ns,
		.class = MANAGE_SERVICE, .quota_ns = MANAGE_UNLIMITED,
	};

	if (old)
		memory = *old;
	if (memory.class != MANAGE_BATCH)
		memory.class = MANAGE_SERVICE;
	if (memory.period_ns < MANAGE_PERIOD_MIN_NS)
		memory.quota_ns = MANAGE_UNLIMITED;
	if (check_class_given(row) && memory.class != row->rule->class)
		change_class(&memory, row->rule->class);
	return memory;
}

/* The decision to leave everything as it was decided before. */
static void prepare(struct manage_decision *decision, const struct measure_vm *row,
		    const struct manage_memory *memory)
{
	decision->pid = memory->pid;
	decision->start_time_ns = memory->start_time_ns;
	decision->class = decision->class_before = memory->class;
	decision->count = memory->count;
	decision->usage_millicpus = row->usage;
	decision->demand_millicpus = row->demand;
	decision->guarantee_millicpus = row->guarantee;
	decision->allowed_millicpus = MANAGE_UNLIMITED;
	decision->measured = row->measured;
	decision->left_alone = row->left_alone;
	decision->quota_ns = decision->vcpu_quota_ns = MANAGE_UNLIMITED;
	if (row->left_alone)
		check_reason(decision, "%s", row->vm->foreign ?
			     "somebody else has set its limits: left alone" :
			     "the configuration says not to touch it");
	else if (!row->measured)
		check_reason(decision, "seen for the first time: nothing is known yet");
}

static int begin(struct check *check, const struct manage_state *state)
{
	size_t i;

	check->n = check->measure.n_vms;
	check->contended = state->contended;
	check->calm = state->calm;
	check->service_wants = state->service_wants;
	check->batch_wants = state->batch_wants;
	check->memory = calloc(check->n + 1, sizeof(*check->memory));
	check->decisions = calloc(check->n + 1, sizeof(*check->decisions));
	if (!check->memory || !check->decisions)
		return -ENOMEM;
	for (i = 0; i < check->n; i++) {
		check->memory[i] = remember(state, &check->measure.vms[i]);
		prepare(&check->decisions[i], &check->measure.vms[i], &check->memory[i]);
	}
	return 0;
}

/* What was decided before may never have been set, or be in place no more. */
static bool is_elsewhere(const struct manage_decision *decision, const struct manage_vm *vm)
{
	return decision->weight != vm->weight || decision->cpus != vm->cpus ||
	       decision->cpus_first != vm->cpus_first;
}

/* What was decided becomes what is remembered. */
static void finish(struct check *check, struct manage_state *state)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		struct manage_decision *decision = &check->decisions[i];
		struct manage_memory *memory = &check->memory[i];

		decision->class = memory->class;
		decision->count = memory->count;
		if (decision->left_alone)
			continue;
		if (decision->change && !check_is_found(decision, check->measure.vms[i].vm))
			memory->changed_ns = check->time_ns;
		decision->change |= is_elsewhere(decision, check->measure.vms[i].vm);
		memory->quota_ns = decision->quota_ns;
		memory->period_ns = decision->period_ns;
		memory->burst_ns = decision->burst_ns;
		memory->vcpu_quota_ns = decision->vcpu_quota_ns;
		memory->weight = decision->weight;
		memory->cpus_first = decision->cpus_first;
		memory->cpus = decision->cpus;
	}
	free(state->vms);
	*state = (struct manage_state){
		.vms = check->memory, .n_vms = check->n,
		.contended = check->contended, .calm = check->calm,
		.service_wants = check->service_wants, .batch_wants = check->batch_wants,
	};
	check->memory = NULL;
}

static int run_policy(struct check *check)
{
	return check->options->policy == MANAGE_PUBLISHED ? check_published(check) :
							    check_lending(check);
}

int manage_decide(struct manage_state *state, const struct manage_sample *previous,
		  const struct manage_sample *now, const struct manage_options *options,
		  struct manage_decision **out, size_t *n)
{
	struct check check = { .options = options, .time_ns = now->time_ns };
	int ret;

	if (manage_options_wrong(options))
		return -EINVAL;
	ret = measure_samples(previous, now, options, &check.measure);
	if (ret)
		return ret;
	ret = begin(&check, state);
	if (!ret)
		ret = run_policy(&check);
	if (!ret) {
		finish(&check, state);
		*out = check.n ? check.decisions : NULL;
		*n = check.n;
		check.decisions = check.n ? NULL : check.decisions;
	}
	free(check.decisions);
	free(check.memory);
	measure_free(&check.measure);
	return ret;
}

const char *manage_class_name(enum manage_class class)
{
	static const char *const names[] = {
		[MANAGE_AUTO] = "auto", [MANAGE_SERVICE] = "service", [MANAGE_BATCH] = "batch",
	};

	return names[class];
}

const char *manage_policy_name(enum manage_policy policy)
{
	return policy == MANAGE_PUBLISHED ? "published" : "lending";
}

const char *manage_cap_name(enum manage_cap cap)
{
	static const char *const names[] = {
		[MANAGE_CAP_NONE] = "none", [MANAGE_CAP_HEAVY] = "heavy",
		[MANAGE_CAP_BATCH] = "batch",
	};

	return names[cap];
}

bool manage_policy_parse(const char *name, enum manage_policy *policy)
{
	if (!strcmp(name, "published"))
		*policy = MANAGE_PUBLISHED;
	else if (!strcmp(name, "lending"))
		*policy = MANAGE_LENDING;
	else
		return false;
	return true;
}
