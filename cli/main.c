// SPDX-License-Identifier: GPL-2.0
/* vmshare: the table of verbs, and the one place that ends the program. */
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "columns.h"
#include "memory.h"
#include "output.h"
#include "text.h"

static const struct cmd *const commands[] = {
	&cmd_list, &cmd_show, &cmd_top, &cmd_matrix, &cmd_overhead, &cmd_victim, &cmd_place, &cmd_snapshot,
	&cmd_manage, &cmd_tune, &cmd_doctor, &cmd_version,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_overview(void)
{
	size_t i;

	printf("usage: vmshare [OPTION]... [VERB [ARGUMENT]...]\n\n"
	       "Says which virtual machines share which memory through KSM, and what a\n"
	       "VM's leaving would really free. Without a verb: top if input and output are a\n"
	       "terminal, else list.\n\n"
	       "verbs:\n");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-10s %-19s %s\n", commands[i]->name, commands[i]->args,
		       commands[i]->summary);
	printf("\noptions of every verb:\n");
	options_help(options_common);
	printf("\nA VM is named by pid, UUID or name. vmshare help VERB, or\n"
	       "vmshare VERB -h, shows a verb's own options.\n"
	       "exit codes: 0 ok, 1 runtime error, 2 usage, 3 the need cannot be met,\n"
	       "4 module or kernel support missing, 5 no permission.\n");
}

static void print_sort_keys(const struct cmd *cmd)
{
	const struct sort_key *key;

	printf("\nkeys for -s:\n");
	for (key = cmd->sort_keys; key->key; key++)
		printf("  %-14s %-10s %s\n", key->key, key->title, key->help);
}

static void print_columns(const struct cmd *cmd)
{
	const struct column *column;

	if (cmd->sort_keys) {
		print_sort_keys(cmd);
		return;
	}
	printf("\ncolumns for %s:\n",
	       cmd->columns && cmd->sorts ? "-o and -s" : cmd->columns ? "-o" : "-s");
	for (column = columns_all; column->key; column++)
		printf("  %-14s %-8s %s\n", column->key, column->title, column->help);
}

/* Without those that the verb refuses. */
static void print_common(const struct cmd *cmd)
{
	const struct option *option;

	for (option = options_common; option->name; option++) {
		if (!cmd->no_document ||
		    (strcmp(option->name, "from") && strcmp(option->name, "engine")))
			options_print(option);
	}
}

static void print_help(const struct cmd *cmd)
{
	printf("usage: vmshare %s [OPTION]...%s%s\n\n%s\n", cmd->name, *cmd->args ? " " : "",
	       cmd->args, cmd->summary);
	if (cmd->options->name && cmd->options->help) {
		printf("\noptions:\n");
		options_help(cmd->options);
	}
	printf("\noptions of every verb:\n");
	print_common(cmd);
	if (cmd->columns || cmd->sorts)
		print_columns(cmd);
}

/* What the program is to have some day. */
static bool is_coming(const char *name)
{
	static const char *const names[] = { "predict", "migrate", "idle", "export" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static const struct cmd *find_command(const char *name, struct error *err)
{
	struct nearest near = {};
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	for (i = 0; i < COMMANDS; i++)
		text_offer(&near, name, commands[i]->name);
	if (is_coming(name))
		error_set(err, EXIT_USAGE, "%s is not there yet; vmshare -h lists what is", name);
	else if (near.word)
		error_set(err, EXIT_USAGE, "there is no verb \"%s\"; did you mean %s?", name,
			  near.word);
	else
		error_set(err, EXIT_USAGE, "there is no verb \"%s\"; vmshare -h lists them", name);
	return NULL;
}

static const struct cmd *default_command(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? &cmd_top : &cmd_list;
}

/* Every verb takes -o and -s, so that scripts need not know which shows VMs. */
static int check_columns(const struct cmd *cmd, const struct options *options, struct error *err)
{
	const struct column *column;
	struct columns columns;

	if (options->columns && columns_parse(options->columns, &columns, err))
		return -1;
	return cmd->sort_keys ? 0 : columns_parse_key(options->sort, &column, err);
}

/* An option without effect would be believed to have one. */
static int check_document(const struct cmd *cmd, const struct options *options, struct error *err)
{
	if (cmd->no_document && options->from)
		return error_set(err, EXIT_USAGE, "%s does not go with --from: it %s", cmd->name,
				 cmd->no_document);
	if (cmd->no_document && options->engine != ENGINE_UNKNOWN)
		return error_set(err, EXIT_USAGE,
				 "--engine is how the module walks, and %s makes it walk none; leave it out",
				 cmd->name);
	if (options->from && options->engine != ENGINE_UNKNOWN)
		return error_set(err, EXIT_USAGE,
				 "--engine is how the module walks; for a document (--from) that is done");
	return 0;
}

static int check_usage(const struct cmd *cmd, const struct options *options, struct error *err)
{
	if (check_columns(cmd, options, err) || check_document(cmd, options, err))
		return -1;
	if (options->operands.count < cmd->operands_min && cmd->operands_min > 1)
		return error_set(err, EXIT_USAGE, "%s needs at least %zu arguments: vmshare %s %s",
				 cmd->name, cmd->operands_min, cmd->name, cmd->args);
	if (options->operands.count < cmd->operands_min)
		return error_set(err, EXIT_USAGE, "%s needs an argument: vmshare %s %s", cmd->name,
				 cmd->name, cmd->args);
	if (options->operands.count > cmd->operands_max)
		return error_set(err, EXIT_USAGE, "%s does not take the argument \"%s\"", cmd->name,
				 options->operands.word[cmd->operands_max]);
	return 0;
}

static int run_command(const struct cmd *cmd, const struct options *options, struct error *err)
{
	if (check_usage(cmd, options, err))
		return -1;
	return cmd->run(cmd, options, err);
}

static int show_overview(void)
{
	print_overview();
	return EXIT_OK;
}

static int show_help(const struct cmd *cmd)
{
	print_help(cmd);
	return EXIT_OK;
}

/* vmshare help [VERB] */
static int run_help(int argc, char **argv, int at, struct options *options, struct error *err)
{
	const struct words *words = &options->operands;
	const struct cmd *cmd;

	if (options_parse(options, no_options, argc, argv, &at, err))
		return -1;
	if (words->count > 1)
		return error_set(err, EXIT_USAGE, "help is about one verb, not also \"%s\"",
				 words->word[1]);
	if (!words->count)
		return show_overview();
	cmd = find_command(words->word[0], err);
	return cmd ? show_help(cmd) : -1;
}

static int run_without_verb(const struct options *options, struct error *err)
{
	if (options->help)
		return show_overview();
	return run_command(options->version ? &cmd_version : default_command(), options, err);
}

/* Returns an exit code, or -1 with err filled. */
static int run(int argc, char **argv, struct options *options, struct error *err)
{
	const struct cmd *cmd;
	struct error later;
	int at = 1, failed;

	failed = options_parse(options, NULL, argc, argv, &at, err);
	if (at == argc)
		return failed ? -1 : run_without_verb(options, err);
	if (!failed && !strcmp(argv[at], "help"))
		return run_help(argc, argv, at + 1, options, err);
	cmd = find_command(argv[at++], failed ? &later : err);
	failed |= options_parse(options, cmd ? cmd->options : no_options, argc, argv, &at,
				failed || !cmd ? &later : err);
	if (options->help && cmd)
		return show_help(cmd);
	if (failed || !cmd)
		return -1;
	return run_command(options->version ? &cmd_version : cmd, options, err);
}

/*
 * A standard stream that the caller closed would be given to the next file that
 * is opened, a socket maybe, and output would go there. /dev/null, open for
 * reading only, makes writing fail as it should.
 */
static void fill_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options options;
	struct error err = {};
	int code;

	fill_standard_streams();
	/* a file that may not grow is as one on a full disk: said, and no reason to die */
	signal(SIGXFSZ, SIG_IGN);
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	json_set_alloc_funcs(memory_allocate, free);
	options_init(&options);
	memory_report_as(&options.json);
	code = run(argc, argv, &options, &err);
	if (code < 0) {
		error_print(&err, options.json, options.pretty);
		code = err.code;
	}
	options_free(&options);
	return output_finish(code);
}
