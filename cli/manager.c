// SPDX-License-Identifier: GPL-2.0
/* A check: from counters to decisions, and to limits if they may be applied. */
#include "manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonout.h"
#include "outlet.h"
#include "replay.h"
#include "trace.h"

int manager_open(struct manager *manager, const struct manager_options *options,
		 struct error *err)
{
	memset(manager, 0, sizeof(*manager));
	manager->options = options;
	if (roster_init(&manager->roster, options->root, err))
		return -1;
	if (options->apply &&
	    limiter_open(&manager->limiter, options->journal, options->say, err)) {
		roster_free(&manager->roster);
		return -1;
	}
	manage_state_init(&manager->state);
	return 0;
}

static void on_born(struct managed *vm, void *data)
{
	struct manager *manager = data;
	char text[ACTUATOR_WHY + 320], label[256];

	if (vm->why[0])
		snprintf(text, sizeof(text), "%s: left alone: %s",
			 managed_label(vm, label, sizeof(label)), vm->why);
	else
		snprintf(text, sizeof(text), "%s: would be limited by %s",
			 managed_label(vm, label, sizeof(label)), vm->actuator->name);
	manager->options->say(text);
	if (manager->options->born)
		manager->options->born(vm, manager->options->data);
}

static void on_gone(struct managed *vm, void *data)
{
	struct manager *manager = data;

	if (manager->options->apply)
		limiter_gone(&manager->limiter, vm);
}

void manager_gone(struct manager *manager, uint32_t pid)
{
	struct roster_events events = { on_born, on_gone, manager };
	struct managed *vm = roster_find(&manager->roster, pid);

	if (vm)
		roster_forget(&manager->roster, vm, &events);
}

static int take_sample(struct manager *manager, struct manage_sample *sample, struct error *err)
{
	const struct manager_source *source = &manager->options->source;
	struct roster_events events = { on_born, on_gone, manager };
	struct cpu cpu;
	int ret;

	if (source->read(source->data, &cpu, err))
		return -1;
	ret = roster_update(&manager->roster, &cpu, &events, err);
	if (!ret && manager->options->apply)
		limiter_check(&manager->limiter, &manager->roster);
	if (!ret)
		ret = roster_sample(&manager->roster, cpu.taken_ns, sample, err);
	cpu_free(&cpu);
	return ret;
}

/* The policy knows that a VM is not ours, but not why. */
static void explain(const struct manager *manager, struct manage_decision *decision)
{
	const struct managed *vm = roster_find(&manager->roster, decision->pid);

	if (vm && vm->why[0] && decision->left_alone)
		snprintf(decision->reason, sizeof(decision->reason), "left alone: %.*s",
			 MANAGE_REASON - 16, vm->why);
}

static int decide(struct manager *manager, const struct manage_sample *sample,
		  struct manage_decision **decisions, size_t *n, struct error *err)
{
	int ret = manage_decide(&manager->state, manager->has_before ? &manager->before : NULL,
				sample, &manager->options->policy, decisions, n);
	size_t i;

	if (ret == -ENOMEM)
		return error_no_memory(err);
	if (ret)
		return error_set(err, EXIT_RUNTIME, "the sample cannot follow the one before");
	for (i = 0; i < *n; i++)
		explain(manager, &(*decisions)[i]);
	return 0;
}

static int compare_pids(const void *a, const void *b)
{
	const struct manage_decision *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static const struct manage_decision *last_decision(const struct manager *manager,
						   const struct manage_decision *like)
{
	const struct manage_decision *last = NULL;

	if (manager->n_decisions)
		last = bsearch(like, manager->decisions, manager->n_decisions, sizeof(*like),
			       compare_pids);
	return last && last->start_time_ns == like->start_time_ns ? last : NULL;
}

/*
 * A decision that is as it was is not said again: without --apply it is never carried
 * out, and with it not while whoever is asked does not answer.
 */
static bool is_news(const struct manager *manager, const struct manage_decision *decision)
{
	const struct manage_decision *last = last_decision(manager, decision);

	if (!last || decision->class != last->class || decision->left_alone != last->left_alone)
		return true;
	return decision->change && (!last->change || decision->quota_ns != last->quota_ns ||
				    decision->weight != last->weight ||
				    decision->cpus != last->cpus ||
				    decision->cpus_first != last->cpus_first);
}

static void print_decision(const struct manager *manager, const struct manage_decision *decision,
			   const char *name)
{
	FILE *out = manager->options->out;
	char line[1024];
	json_t *object;

	if (!outlet_has_room(out))
		return;
	if (manager->options->json) {
		object = decision_json(decision, name);
		json_dumpf(object, out, JSON_COMPACT);
		json_decref(object);
		fputc('\n', out);
	} else {
		decision_line(decision, name, line, sizeof(line));
		fprintf(out, "%s\n", line);
	}
	fflush(out);
}

static void print_news(const struct manager *manager, const struct manage_sample *sample,
		       const struct manage_decision *decisions, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_news(manager, &decisions[i]))
			print_decision(manager, &decisions[i], sample->vms[i].name);
	}
}

static int record(struct manager *manager, const struct manage_sample *sample, struct error *err)
{
	FILE *out = manager->options->record;

	if (!out || !trace_write_sample(out, sample))
		return 0;
	return error_set(err, EXIT_RUNTIME, "cannot write the trace: %s", strerror(errno));
}

static void keep(struct manager *manager, struct manage_sample *sample,
		 struct manage_decision *decisions, size_t n)
{
	manage_sample_free(&manager->before);
	free(manager->decisions);
	manager->before = *sample;
	manager->has_before = true;
	manager->decisions = decisions;
	manager->n_decisions = n;
	manager->checks++;
}

int manager_check(struct manager *manager, struct error *err)
{
	struct manage_decision *decisions = NULL;
	struct manage_sample sample;
	size_t n = 0;
	int ret;

	if (take_sample(manager, &sample, err))
		return -1;
	if (record(manager, &sample, err) || decide(manager, &sample, &decisions, &n, err)) {
		manage_sample_free(&sample);
		return -1;
	}
	ret = manager->options->apply ?
	      limiter_apply(&manager->limiter, &manager->roster, decisions, n, err) : 0;
	print_news(manager, &sample, decisions, n);
	keep(manager, &sample, decisions, n);
	return ret;
}

static json_t *settings_json(const struct settings *settings)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < settings->n; i++)
		json_object_set_new(object, settings->item[i].key,
				    jsonout_text(settings->item[i].value));
	return object;
}

static json_t *limits_json(const struct journal_entry *entry)
{
	json_t *object = json_object();

	json_object_set_new(object, "found", settings_json(&entry->found));
	json_object_set_new(object, "set", settings_json(&entry->next));
	return object;
}

static json_t *vm_json(const struct manager *manager, size_t i)
{
	const struct manage_decision *decision = &manager->decisions[i];
	json_t *object = decision_json(decision, manager->before.vms[i].name);
	const struct managed *vm = roster_find(&manager->roster, decision->pid);
	const struct journal_entry *entry;

	if (!vm)
		return object;
	if (vm->actuator) {
		json_object_set_new(object, "actuator", json_string(vm->actuator->name));
		json_object_set_new(object, "place", jsonout_text(vm->place));
	}
	json_object_set_new(object, "throttled_ns", jsonout_number(vm->reading.throttled_ns));
	if (vm->unpinned && decision->cpus)
		json_object_set_new(object, "unpinned", json_string(vm->unpinned));
	entry = journal_find(&manager->limiter.journal, vm->pid, vm->start_time_ns);
	if (entry)
		json_object_set_new(object, "limits", limits_json(entry));
	return object;
}

json_t *manager_status(const struct manager *manager)
{
	const struct manage_options *policy = &manager->options->policy;
	json_t *root = json_object(), *vms = json_array();
	size_t i;

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "pid", json_integer(getpid()));
	json_object_set_new(root, "apply", json_boolean(manager->options->apply));
	json_object_set_new(root, "policy", json_string(manage_policy_name(policy->policy)));
	json_object_set_new(root, "t_check_ns", jsonout_number(policy->t_check_ns));
	json_object_set_new(root, "checks", jsonout_number(manager->checks));
	json_object_set_new(root, "contended", json_boolean(manager->state.contended));
	for (i = 0; i < manager->n_decisions; i++)
		json_array_append_new(vms, vm_json(manager, i));
	json_object_set_new(root, "vms", vms);
	return root;
}

size_t manager_close(struct manager *manager)
{
	size_t failed = manager->options->apply ? limiter_close(&manager->limiter) : 0;

	roster_free(&manager->roster);
	manage_state_free(&manager->state);
	if (manager->has_before)
		manage_sample_free(&manager->before);
	free(manager->decisions);
	return failed;
}
