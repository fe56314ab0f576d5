// SPDX-License-Identifier: GPL-2.0
/*
 * Command lines: words between NULs or line breaks, as main() reads them: common
 * options, verb, the verb's own. They are only read: no verb runs, and no file
 * that is named is opened.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "columns.h"
#include "experiment.h"
#include "options_daemon.h"
#include "options_move.h"

#define WORDS_MAX 64

static const struct cmd *const commands[] = {
	&cmd_list, &cmd_show, &cmd_top, &cmd_matrix, &cmd_overhead, &cmd_victim, &cmd_place,
	&cmd_snapshot, &cmd_manage, &cmd_tune, &cmd_doctor, &cmd_version,
};

static int split(char *text, size_t size, char **argv)
{
	int argc = 0;
	size_t i;

	for (i = 0; i < size && argc < WORDS_MAX; i += strlen(text + i) + 1) {
		char *end = strchr(text + i, '\n');

		if (end)
			*end = '\0';
		argv[argc++] = text + i;
	}
	return argc;
}

static void check(int failed, const struct error *err)
{
	if (failed && (err->code != EXIT_USAGE || !*err->message))
		abort();
}

static bool is_outside(uint32_t value, uint32_t min, uint32_t max)
{
	return value && (value < min || value > max);
}

/* What was taken is what the help says; 0 is what was not given. */
static void check_values(const struct options *options)
{
	if (is_outside(options->interval_ms, 100, 3600000) ||
	    is_outside(options->window_ms, 100, 86400000) ||
	    is_outside(options->seconds_ms, 100, 86400000) || options->cpus > 4096 ||
	    options->repeats > EXPERIMENT_REPEATS_MAX ||
	    (options->manage == MANAGE_REPLAY) != (options->trace != NULL) ||
	    (options->dir && *options->dir != '/'))
		abort();
}

/* What a verb makes of its options before it begins. */
static void check_verb(const struct options *options)
{
	const struct column *column;
	struct columns columns;
	struct error err = {};

	if (options->columns)
		check(columns_parse(options->columns, &columns, &err), &err);
	check(columns_parse_key(options->sort, &column, &err), &err);
	check(options_check_move(options, &err), &err);
	check(options_check_daemon(options, &err), &err);
}

static const struct cmd *find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static void parse_verb(const struct cmd *cmd, struct options *options, int argc, char **argv,
		       int at)
{
	struct error err = {};
	int ret = options_parse(options, cmd->options, argc, argv, &at, &err);

	check(ret, &err);
	if (at != argc)
		abort();
	if (!ret)
		check_values(options);
	check_verb(options);
}

static void parse(int argc, char **argv)
{
	struct error err = {};
	struct options options;
	const struct cmd *cmd;
	int at = 0;

	options_init(&options);
	check(options_parse(&options, NULL, argc, argv, &at, &err), &err);
	cmd = at < argc ? find(argv[at++]) : NULL;
	if (cmd)
		parse_verb(cmd, &options, argc, argv, at);
	options_free(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1), *argv[WORDS_MAX];

	memcpy(text, data, size);
	parse(split(text, size, argv), argv);
	free(text);
	return 0;
}
