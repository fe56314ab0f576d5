// SPDX-License-Identifier: GPL-2.0
/* Loads from families and from traces, prepared for learning. */
#include "training.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "readall.h"
#include "trace.h"

#define SEEDS 4				/* loads per family and part */

static struct training_load *add_load(struct training_part *part, const char *name)
{
	struct training_load *loads = reallocarray(part->loads, part->n + 1, sizeof(*loads));

	if (!loads)
		return NULL;
	part->loads = loads;
	loads += part->n++;
	memset(loads, 0, sizeof(*loads));
	loads->name = name;
	return loads;
}

static int add_family(struct training_part *part, enum cpuload_family family, uint64_t first_seed,
		      struct error *err)
{
	uint64_t seed;

	for (seed = first_seed; seed < first_seed + SEEDS; seed++) {
		struct training_load *load = add_load(part, cpuload_family_name(family));

		if (!load || cpuload_make(family, seed, &load->load))
			return error_no_memory(err);
	}
	return 0;
}

static int add_families(struct training *training, struct error *err)
{
	int family;

	for (family = 0; family < LOAD_FAMILIES; family++) {
		if (add_family(&training->learn, (enum cpuload_family)family, 1, err) ||
		    add_family(&training->examine, (enum cpuload_family)family, 1 + SEEDS, err))
			return -1;
	}
	return 0;
}

static int add_half(struct training_part *part, const char *name, const struct trace *trace,
		    size_t first, size_t last, const struct manage_options *manage,
		    struct error *err)
{
	struct training_load *load = add_load(part, name);
	int ret = load ? cpuload_from_samples(trace->samples, first, last, manage, &load->load) :
			 -ENOMEM;

	if (ret == -ENOMEM)
		return error_no_memory(err);
	if (ret)
		return error_set(err, EXIT_RUNTIME, "%s: no load can be made of it: each half of a "
				 "trace needs three samples with a VM in them, and at most a few "
				 "hours of a few hundred VMs are simulated", readall_name(name));
	return 0;
}

static int add_trace(struct training *training, const char *name,
		     const struct manage_options *manage, struct error *err)
{
	struct trace trace;
	size_t middle;
	int ret;

	if (trace_load(name, &trace, err))
		return -1;
	middle = trace.n_samples / 2;
	/* the sample in the middle ends one half and begins the other */
	ret = add_half(&training->learn, name, &trace, 0, middle + 1, manage, err) ||
	      add_half(&training->examine, name, &trace, middle, trace.n_samples, manage, err);
	trace_free(&trace);
	return ret ? -1 : 0;
}

static int prepare(struct training_part *part, struct error *err)
{
	size_t i;
	int ret;

	part->prepared = calloc(part->n, sizeof(*part->prepared));
	if (!part->prepared)
		return error_no_memory(err);
	for (i = 0; i < part->n; i++) {
		struct training_load *load = &part->loads[i];

		ret = learn_prepare(&load->load, &load->prepared);
		if (ret == -ENOMEM)
			return error_no_memory(err);
		if (ret)
			return error_set(err, EXIT_RUNTIME, "%s: cannot be simulated",
					 readall_name(load->name));
		part->prepared[i] = load->prepared;
	}
	return 0;
}

static int add_all(struct training *training, const struct words *traces, bool families,
		   const struct manage_options *manage, struct error *err)
{
	size_t i;

	if (families && add_families(training, err))
		return -1;
	for (i = 0; i < traces->count; i++) {
		if (add_trace(training, traces->word[i], manage, err))
			return -1;
	}
	return prepare(&training->learn, err) || prepare(&training->examine, err) ? -1 : 0;
}

int training_init(struct training *training, const struct words *traces, bool families,
		  const struct manage_options *manage, struct error *err)
{
	memset(training, 0, sizeof(*training));
	if (!add_all(training, traces, families, manage, err))
		return 0;
	training_free(training);
	return -1;
}

static void free_part(struct training_part *part)
{
	size_t i;

	for (i = 0; i < part->n; i++) {
		learn_free(&part->loads[i].prepared);
		cpuload_free(&part->loads[i].load);
	}
	free(part->loads);
	free(part->prepared);
}

void training_free(struct training *training)
{
	free_part(&training->learn);
	free_part(&training->examine);
	memset(training, 0, sizeof(*training));
}
