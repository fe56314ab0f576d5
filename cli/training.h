/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TRAINING_H
#define VMSHARE_TRAINING_H

#include "error.h"
#include "options.h"
#include "policy/learn.h"

/*
 * Loads to learn from, and others to examine what was learned: families of
 * loads by different seeds, or the first and the second half of each trace.
 */
struct training_load {
	const char *name;		/* family, or file of the trace */
	struct cpuload load;
	struct learn_load prepared;
};

struct training_part {
	struct training_load *loads;
	size_t n;
	struct learn_load *prepared;	/* the same, in a row */
};

struct training {
	struct training_part learn, examine;
};

/* manage gives the rules for the VMs of traces. Nothing is to be freed after -1. */
int training_init(struct training *training, const struct words *traces, bool families,
		  const struct manage_options *manage, struct error *err);
void training_free(struct training *training);

#endif
