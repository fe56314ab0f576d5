/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_MANAGER_H
#define VMSHARE_MANAGER_H

#include <jansson.h>
#include <stdio.h>

#include "cpu.h"
#include "error.h"
#include "limiter.h"
#include "policy/manage.h"
#include "roster.h"

/*
 * One check after the other: sample, decide, act, log. Where counters come from,
 * and when a check is due, is the caller's business.
 */
struct manager_source {
	/* The counters of this moment; -1 with err. */
	int (*read)(void *data, struct cpu *cpu, struct error *err);
	void *data;
};

struct manager_options {
	struct manage_options policy;	/* the caller frees it */
	struct manager_source source;
	const char *root;		/* see files.h */
	const char *journal;		/* its file */
	bool apply;			/* false: say what would be done */
	bool json;
	FILE *record;			/* samples go there; NULL: nowhere */
	FILE *out;			/* decisions, a line each */
	void (*say)(const char *text);	/* everything else */
	void (*born)(struct managed *vm, void *data);	/* a VM is followed from now on */
	void *data;
};

struct manager {
	const struct manager_options *options;
	struct roster roster;
	struct limiter limiter;
	struct manage_state state;
	struct manage_sample before;	/* of the check before */
	bool has_before;
	struct manage_decision *decisions;	/* of the last check, one per VM of before */
	size_t n_decisions;
	uint64_t checks;
};

/* Puts back what was left behind, too, if it may apply. */
int manager_open(struct manager *manager, const struct manager_options *options,
		 struct error *err);
int manager_check(struct manager *manager, struct error *err);

/* The process of that VM has ended. */
void manager_gone(struct manager *manager, uint32_t pid);

/* How things are, as one JSON document; the caller's. */
json_t *manager_status(const struct manager *manager);

/* Restores all limits; returns how many could not be. */
size_t manager_close(struct manager *manager);

#endif
