// SPDX-License-Identifier: GPL-2.0
/*
 * Command lines: words between NULs or line breaks, for every verb's table, as
 * main() reads them: common options, verb, the verb's own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "columns.h"
#include "options_move.h"

#define WORDS_MAX 64

static const struct cmd *const commands[] = {
	&cmd_list, &cmd_show, &cmd_top, &cmd_matrix, &cmd_victim, &cmd_place, &cmd_snapshot,
	&cmd_doctor, &cmd_version,
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

static void parse(const struct cmd *cmd, int argc, char **argv)
{
	struct error err = {};
	struct options options;
	const struct column *column;
	struct columns columns;
	int at = 0, ret;

	options_init(&options);
	ret = options_parse(&options, NULL, argc, argv, &at, &err);
	check(ret, &err);
	ret = options_parse(&options, cmd->options, argc, argv, &at, &err);
	check(ret, &err);
	if (at != argc)
		abort();
	if (options.columns)
		check(columns_parse(options.columns, &columns, &err), &err);
	check(columns_parse_key(options.sort, &column, &err), &err);
	check(options_check_move(&options, &err), &err);
	options_free(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1), *argv[WORDS_MAX];
	size_t i;
	int argc;

	memcpy(text, data, size);
	argc = split(text, size, argv);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		parse(commands[i], argc, argv);
	free(text);
	return 0;
}
