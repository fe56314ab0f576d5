/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_HISTORY_H
#define VMSHARE_HISTORY_H

#include "model.h"

/* What VMs did lately, one sample a snapshot. Pure but for its storage. */

#define HISTORY_SAMPLES 256

struct sample {
	double cpu, ready;		/* percent of one CPU; negative: not known */
	double anon;			/* bytes; likewise */
};

struct track {
	uint32_t pid;
	uint64_t start_ns;
	size_t count, next;		/* samples kept, and where the next goes */
	struct sample samples[HISTORY_SAMPLES];
};

struct history {
	struct track *tracks;		/* ascending by pid */
	size_t count;
};

/* Adds a sample of every VM, and forgets those that are gone; -1 for want of memory. */
int history_add(struct history *history, const struct snapshot *snap,
		const struct snapshot *before);

/* The VM's samples, or NULL; sample 0 is the oldest. */
const struct track *history_of(const struct history *history, const struct vm *vm);
const struct sample *history_sample(const struct track *track, size_t index);

void history_free(struct history *history);

#endif
