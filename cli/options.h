/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OPTIONS_H
#define VMSHARE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "error.h"
#include "model.h"
#include "policy/destination.h"
#include "policy/manage.h"
#include "policy/migration.h"

struct words {
	const char **word;
	size_t count;
};

/* What vmshare manage is to do; it goes on running by default. */
enum manage_mode {
	MANAGE_RUN,
	MANAGE_CHECK,
	MANAGE_ONCE,
	MANAGE_STATUS,
	MANAGE_RESTORE,
	MANAGE_REPLAY,
};

/* What the command line said; defaults by options_init(). */
struct options {
	bool help, version;
	bool json;
	bool pretty;
	bool bytes;
	bool no_header;
	bool color;
	const char *columns;		/* NULL: the verb's own */
	const char *sort;
	const char *from;
	enum engine engine;		/* ENGINE_UNKNOWN: auto */

	bool batch;			/* top */
	uint32_t iterations;		/* 0: without end */
	uint32_t delay_ms;
	uint64_t need_bytes;		/* victim; 0: not given */
	struct words keep, with;
	uint32_t max_vms;		/* 0: any number */
	bool cost_given;
	enum cost_model cost;
	uint64_t bandwidth;		/* bytes per second */
	struct words weights, dirty_rates;	/* VM=N */
	struct words dests;		/* [HOST=]FILE */
	bool margin_given;
	struct margin margin;		/* victim, place */
	bool commands, format_given;
	enum command_format format;
	const char *command_template;
	bool explain;
	bool sweep;
	uint32_t points;		/* of the sweep, at most; 0: not given */
	uint64_t work;			/* 0: the policies' own limits */
	bool unshared;			/* place */
	bool verify;			/* doctor */
	enum manage_mode manage;	/* manage: one of what it can do */
	bool apply;
	const char *record, *trace;	/* files; NULL: none */
	const char *dir;		/* NULL: the usual one */
	uint32_t interval_ms;		/* 0: the configuration's */
	const char *config;		/* manage, tune: file; NULL: defaults */
	bool policy_given;
	enum manage_policy policy;
	bool families;			/* tune */
	const char *output;
	bool window_given;
	uint32_t window_ms;		/* hooks attached for so long; 0: not */
	bool no_hooks;			/* top */
	bool experiment;		/* overhead */
	uint32_t seconds_ms, repeats, cpus;	/* of the experiment; 0: its defaults */

	struct words operands;
};

struct option {
	const char *name;
	char letter;			/* 0: none */
	const char *arg;		/* NULL: takes no value */
	const char *help;		/* NULL: known only to be refused */
	int (*set)(struct options *options, const char *value, struct error *err);
};

/* Those of every verb; ended by one without name, as all tables. */
extern const struct option options_common[];

/* For a verb without any of its own. */
extern const struct option no_options[];

void options_init(struct options *options);
void options_free(struct options *options);

/*
 * Reads words from argv[*at]. With verb given, up to the end, operands going to
 * options->operands; without it up to the first operand, where *at then is. An
 * error does not stop the reading, so that a later --json is still seen.
 */
int options_parse(struct options *options, const struct option *verb, int argc, char **argv,
		  int *at, struct error *err);

int words_add(struct words *words, const char *word, struct error *err);

/* Prints one option, or a table of them. */
void options_print(const struct option *option);
void options_help(const struct option *table);

#endif
