// SPDX-License-Identifier: GPL-2.0
/* Decisions shown, and those that a trace leads to. */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonout.h"
#include "text.h"

static void set_number(json_t *object, const char *key, uint64_t value)
{
	if (value != MANAGE_UNLIMITED)
		json_object_set_new(object, key, jsonout_number(value));
}

json_t *decision_json(const struct manage_decision *decision, const char *name)
{
	json_t *object = json_object();

	json_object_set_new(object, "pid", json_integer(decision->pid));
	set_number(object, "start_time_ns", decision->start_time_ns);
	if (name)
		json_object_set_new(object, "name", jsonout_text(name));
	json_object_set_new(object, "class", json_string(manage_class_name(decision->class)));
	if (decision->class != decision->class_before)
		json_object_set_new(object, "class_before",
				    json_string(manage_class_name(decision->class_before)));
	json_object_set_new(object, "count", json_integer(decision->count));
	json_object_set_new(object, "measured", json_boolean(decision->measured));
	json_object_set_new(object, "left_alone", json_boolean(decision->left_alone));
	set_number(object, "usage_millicpus", decision->usage_millicpus);
	set_number(object, "demand_millicpus", decision->demand_millicpus);
	set_number(object, "guarantee_millicpus", decision->guarantee_millicpus);
	set_number(object, "allowed_millicpus", decision->allowed_millicpus);
	json_object_set_new(object, "change", json_boolean(decision->change));
	if (decision->quota_ns != MANAGE_UNLIMITED) {
		set_number(object, "quota_ns", decision->quota_ns);
		set_number(object, "period_ns", decision->period_ns);
		set_number(object, "burst_ns", decision->burst_ns);
		set_number(object, "vcpu_quota_ns", decision->vcpu_quota_ns);
	}
	if (decision->weight)
		json_object_set_new(object, "weight", json_integer(decision->weight));
	if (decision->cpus) {
		json_object_set_new(object, "cpus_first", json_integer(decision->cpus_first));
		json_object_set_new(object, "cpus", json_integer(decision->cpus));
		json_object_set_new(object, "cpus_own", json_boolean(decision->cpus_own));
	}
	json_object_set_new(object, "reason", jsonout_text(decision->reason));
	return object;
}

/* As cpu.max has it: quota and period in microseconds. */
static void format_limit(const struct manage_decision *decision, char *out, size_t size)
{
	if (decision->quota_ns == MANAGE_UNLIMITED)
		snprintf(out, size, "max");
	else
		snprintf(out, size, "%" PRIu64 "/%" PRIu64 "us", decision->quota_ns / 1000,
			 decision->period_ns / 1000);
}

void decision_line(const struct manage_decision *decision, const char *name, char *line,
		   size_t size)
{
	char limit[64], weight[32] = "", label[256], pid[16], reason[2 * MANAGE_REASON];

	snprintf(pid, sizeof(pid), "%u", decision->pid);
	text_escape(name ? name : pid, label, sizeof(label));
	/* it may quote the name of a cgroup, which whoever made it chose */
	text_escape(decision->reason, reason, sizeof(reason));
	format_limit(decision, limit, sizeof(limit));
	if (decision->weight)
		snprintf(weight, sizeof(weight), " weight %u", decision->weight);
	snprintf(line, size, "%s %s %s%s%s: %s", label, manage_class_name(decision->class),
		 limit, weight, decision->change ? " (new)" : "", reason);
}

static void print_lines(const struct manage_sample *sample, uint64_t began_ns,
			const struct manage_decision *decisions)
{
	uint64_t ms = (sample->time_ns - began_ns) / 1000000;
	char line[1024];
	size_t i;

	for (i = 0; i < sample->n_vms; i++) {
		decision_line(&decisions[i], sample->vms[i].name, line, sizeof(line));
		printf("%" PRIu64 ".%03us %s\n", ms / 1000, (unsigned int)(ms % 1000), line);
	}
}

static json_t *check_json(const struct manage_sample *sample,
			  const struct manage_decision *decisions)
{
	json_t *check = json_object(), *rows = json_array();
	size_t i;

	for (i = 0; i < sample->n_vms; i++)
		json_array_append_new(rows, decision_json(&decisions[i], sample->vms[i].name));
	set_number(check, "time_ns", sample->time_ns);
	json_object_set_new(check, "decisions", rows);
	return check;
}

static int refuse_check(int ret, size_t i, struct error *err)
{
	if (ret == -ENOMEM)
		return error_no_memory(err);
	return error_set(err, EXIT_RUNTIME, "sample %zu of the trace cannot follow the one before "
			 "it", i + 1);
}

/* A trace has no weights and no CPUs: what was decided is taken to be in place. */
static void take_as_done(const struct manage_state *state, const struct manage_sample *sample)
{
	size_t i;

	for (i = 0; i < sample->n_vms; i++) {
		struct manage_vm *vm = &sample->vms[i];
		const struct manage_memory *memory = manage_memory_of(state, vm->pid,
								      vm->start_time_ns);

		if (!memory)
			continue;
		vm->weight = memory->weight;
		vm->cpus_first = memory->cpus_first;
		vm->cpus = memory->cpus;
	}
}

/* Every check of the trace; checks is NULL for text. */
static int replay(const struct trace *trace, const struct manage_options *options,
		  json_t *checks, struct error *err)
{
	struct manage_decision *decisions;
	struct manage_state state;
	size_t i, n;
	int ret = 0;

	manage_state_init(&state);
	for (i = 0; i < trace->n_samples && !ret; i++) {
		const struct manage_sample *sample = &trace->samples[i];

		take_as_done(&state, sample);
		ret = manage_decide(&state, i ? sample - 1 : NULL, sample, options, &decisions, &n);
		if (ret) {
			ret = refuse_check(ret, i, err);
			break;
		}
		if (checks)
			json_array_append_new(checks, check_json(sample, decisions));
		else
			print_lines(sample, trace->samples[0].time_ns, decisions);
		free(decisions);
	}
	manage_state_free(&state);
	return ret;
}

int replay_print(const struct trace *trace, const struct manage_options *options,
		 const struct replay_view *view, struct error *err)
{
	json_t *root, *checks;

	if (manage_options_wrong(options))
		return error_set(err, EXIT_USAGE, "%s", manage_options_wrong(options));
	if (!view->json)
		return replay(trace, options, NULL, err);
	checks = json_array();
	if (replay(trace, options, checks, err)) {
		json_decref(checks);
		return -1;
	}
	root = json_object();
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "policy", json_string(manage_policy_name(options->policy)));
	json_object_set_new(root, "checks", checks);
	jsonout_print(root, view->pretty);
	return 0;
}
