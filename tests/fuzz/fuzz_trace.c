// SPDX-License-Identifier: GPL-2.0
/*
 * Traces through the reader, both policies and the simulator. What is decided
 * has to be what a kernel takes, whatever the counters say.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/learn.h"
#include "trace.h"

#define COST_MAX 300000			/* of a simulation, so that many inputs are tried */

static void check_decision(const struct manage_decision *decision)
{
	if (!memchr(decision->reason, '\0', sizeof(decision->reason)))
		abort();
	if (decision->change && decision->left_alone)
		abort();
	if (!decision->change || decision->quota_ns == MANAGE_UNLIMITED)
		return;
	if (decision->quota_ns < MANAGE_QUOTA_MIN_NS || decision->quota_ns % 1000 ||
	    decision->vcpu_quota_ns < MANAGE_QUOTA_MIN_NS ||
	    decision->burst_ns > decision->quota_ns || decision->weight > 10000 ||
	    decision->period_ns < MANAGE_PERIOD_MIN_NS ||
	    decision->period_ns > MANAGE_PERIOD_MAX_NS)
		abort();
}

static void decide(const struct trace *trace, const struct manage_options *options)
{
	struct manage_decision *decisions;
	struct manage_state state;
	size_t i, j, n;

	manage_state_init(&state);
	for (i = 0; i < trace->n_samples; i++) {
		const struct manage_sample *sample = &trace->samples[i];

		if (manage_decide(&state, i ? sample - 1 : NULL, sample, options, &decisions, &n))
			abort();
		for (j = 0; j < n; j++)
			check_decision(&decisions[j]);
		free(decisions);
	}
	manage_state_free(&state);
}

static void simulate(const struct trace *trace, const struct manage_options *options)
{
	struct learn_load prepared;
	struct learn_score score;
	struct cpuload load;
	int ret = cpuload_from_samples(trace->samples, 0, trace->n_samples, options, &load);

	if (ret) {
		if (ret != -EINVAL)
			abort();
		return;
	}
	if (cpusim_cost(&load.load) * (load.load.n_vms + 1) < COST_MAX) {
		if (learn_prepare(&load, &prepared))
			abort();
		if (learn_score(&prepared, options, &score))
			abort();
		learn_free(&prepared);
	}
	cpuload_free(&load);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manage_rule rules[] = {
		{ .vm = "a", .class = MANAGE_SERVICE, .guarantee_given = true,
		  .guarantee_millicpus = 100 },
		{ .vm = "b", .class = MANAGE_BATCH, .weight = 10000 },
	};
	struct manage_options options;
	struct error err = {};
	struct trace trace;

	if (trace_parse("t", (const char *)data, size, &trace, &err)) {
		if (!err.code || strncmp(err.message, "t:", 2))
			abort();
		return 0;
	}
	manage_options_init(&options);
	options.rules = rules;
	options.n_rules = 2;
	options.cap = (enum manage_cap)(size % 3);
	decide(&trace, &options);
	simulate(&trace, &options);
	options.policy = MANAGE_PUBLISHED;
	decide(&trace, &options);
	trace_free(&trace);
	return 0;
}
