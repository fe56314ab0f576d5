// SPDX-License-Identifier: GPL-2.0
/* The command line by tables of options, from which the help is printed too. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static int set_help(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->help = true;
	return 0;
}

static int set_version(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->version = true;
	return 0;
}

static int set_json(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->json = true;
	return 0;
}

static int set_pretty(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->json = true;
	options->pretty = true;
	return 0;
}

static int set_bytes(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->bytes = true;
	return 0;
}

static int set_no_header(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->no_header = true;
	return 0;
}

static int set_columns(struct options *options, const char *value, struct error *err)
{
	(void)err;
	options->columns = value;
	return 0;
}

static int set_sort(struct options *options, const char *value, struct error *err)
{
	(void)err;
	options->sort = value;
	return 0;
}

static int set_from(struct options *options, const char *value, struct error *err)
{
	if (!*value)
		return error_set(err, EXIT_USAGE, "--from needs the name of a file, or - for standard input");
	options->from = value;
	return 0;
}

static int set_engine(struct options *options, const char *value, struct error *err)
{
	if (!engine_parse(value, &options->engine))
		return error_set(err, EXIT_USAGE,
				 "there is no engine \"%s\"; there are auto, tree and pages", value);
	return 0;
}

static bool color_by_terminal(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

static int set_color(struct options *options, const char *value, struct error *err)
{
	if (!strcmp(value, "auto"))
		options->color = color_by_terminal();
	else if (!strcmp(value, "always") || !strcmp(value, "never"))
		options->color = *value == 'a';
	else
		return error_set(err, EXIT_USAGE,
				 "there is no colour mode \"%s\"; there are auto, always and never",
				 value);
	return 0;
}

const struct option options_common[] = {
	{ "json", 'j', NULL, "print JSON, errors too", set_json },
	{ "pretty", 'p', NULL, "print JSON with line breaks", set_pretty },
	{ "bytes", 0, NULL, "print sizes in bytes and times in nanoseconds", set_bytes },
	{ "columns", 'o', "COL,COL", "show these columns (list, show, top), except in JSON", set_columns },
	{ "sort", 's', "KEY", "sort VMs by this column (list, top, matrix, overhead)", set_sort },
	{ "no-header", 0, NULL, "print tables without titles", set_no_header },
	{ "color", 0, "WHEN", "auto, always or never; NO_COLOR in the environment is never",
	  set_color },
	{ "engine", 0, "ENGINE", "how merged frames are found: auto, tree or pages", set_engine },
	{ "from", 0, "FILE", "analyse a snapshot document, not this host; - is stdin",
	  set_from },
	{ "help", 'h', NULL, "print help", set_help },
	{ "version", 0, NULL, "print versions, as the verb does", set_version },
	{ .name = NULL },
};

const struct option no_options[] = { { .name = NULL } };

void options_init(struct options *options)
{
	memset(options, 0, sizeof(*options));
	options->color = color_by_terminal();
	options->delay_ms = 2000;
	options->bandwidth = MIGRATION_BANDWIDTH;
	options->margin = MARGIN_DEFAULT;
}

void options_free(struct options *options)
{
	free(options->keep.word);
	free(options->with.word);
	free(options->weights.word);
	free(options->dirty_rates.word);
	free(options->dests.word);
	free(options->operands.word);
}

int words_add(struct words *words, const char *word, struct error *err)
{
	const char **more = reallocarray(words->word, words->count + 1, sizeof(*more));

	if (!more)
		return error_no_memory(err);
	words->word = more;
	words->word[words->count++] = word;
	return 0;
}

/* The words still to be read. */
struct reader {
	struct options *options;
	const struct option *tables[2];
	int argc;
	char **argv;
	int at;
};

static const struct option *find_name(const struct reader *reader, const char *name, size_t len)
{
	const struct option *option;
	int i;

	for (i = 0; i < 2; i++) {
		for (option = reader->tables[i]; option && option->name; option++) {
			if (strlen(option->name) == len && !strncmp(option->name, name, len))
				return option;
		}
	}
	return NULL;
}

static const struct option *find_letter(const struct reader *reader, char letter)
{
	const struct option *option;
	int i;

	for (i = 0; i < 2; i++) {
		for (option = reader->tables[i]; option && option->name; option++) {
			if (option->letter == letter)
				return option;
		}
	}
	return NULL;
}

static int unknown_name(const struct reader *reader, const char *name, size_t len,
			struct error *err)
{
	const struct option *option;
	struct nearest near = {};
	char given[64];
	int i;

	snprintf(given, sizeof(given), "%.*s", (int)(len < 60 ? len : 60), name);
	for (i = 0; i < 2; i++) {
		for (option = reader->tables[i]; option && option->name; option++)
			text_offer(&near, given, option->name);
	}
	if (near.word)
		return error_set(err, EXIT_USAGE, "unknown option --%s; did you mean --%s?", given,
				 near.word);
	return error_set(err, EXIT_USAGE, "unknown option --%s; -h lists the options", given);
}

/* The value behind an option: attached, or the next word. An error says of which option. */
static int apply(struct reader *reader, const struct option *option, const char *attached,
		 struct error *err)
{
	const char *value = attached;

	if (!option->arg && attached)
		return error_set(err, EXIT_USAGE, "option --%s takes no value", option->name);
	if (option->arg && !attached) {
		if (reader->at >= reader->argc)
			return error_set(err, EXIT_USAGE, "option --%s needs a value: %s",
					 option->name, option->arg);
		value = reader->argv[reader->at++];
	}
	if (!option->set(reader->options, value, err))
		return 0;
	if (err->code != EXIT_USAGE || !strncmp(err->message, "--", 2))
		return -1;
	return error_prefix(err, "--%s: ", option->name);
}

static int read_long(struct reader *reader, const char *word, struct error *err)
{
	const char *equals = strchrnul(word, '=');
	const struct option *option = find_name(reader, word, (size_t)(equals - word));

	if (!option)
		return unknown_name(reader, word, (size_t)(equals - word), err);
	return apply(reader, option, *equals ? equals + 1 : NULL, err);
}

static int read_letters(struct reader *reader, const char *word, struct error *err)
{
	const struct option *option;
	int ret = 0;

	while (*word && !ret) {
		option = find_letter(reader, *word++);
		if (!option)
			return error_set(err, EXIT_USAGE,
					 "unknown option -%c; -h lists the options", word[-1]);
		if (option->arg)
			return apply(reader, option, *word ? word : NULL, err);
		ret = apply(reader, option, NULL, err);
	}
	return ret;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

static int read_word(struct reader *reader, struct error *err)
{
	const char *word = reader->argv[reader->at++];

	if (!is_option(word))
		return words_add(&reader->options->operands, word, err);
	if (!strcmp(word, "--")) {
		while (reader->at < reader->argc) {
			if (words_add(&reader->options->operands, reader->argv[reader->at++], err))
				return -1;
		}
		return 0;
	}
	if (word[1] == '-')
		return read_long(reader, word + 2, err);
	return read_letters(reader, word + 1, err);
}

int options_parse(struct options *options, const struct option *verb, int argc, char **argv,
		  int *at, struct error *err)
{
	struct reader reader = { options, { options_common, verb }, argc, argv, *at };
	struct error later;
	int ret = 0;

	while (reader.at < argc && (verb || is_option(argv[reader.at]))) {
		if (read_word(&reader, ret ? &later : err))
			ret = -1;
	}
	*at = reader.at;
	return ret;
}

void options_print(const struct option *option)
{
	char left[64], value[32];
	int width = 22;

	if (!option->help)
		return;
	snprintf(value, sizeof(value), "%s%s", option->arg ? " " : "",
		 option->arg ? option->arg : "");
	if (option->letter)
		snprintf(left, sizeof(left), "-%c, --%s%s", option->letter, option->name, value);
	else
		snprintf(left, sizeof(left), "    --%s%s", option->name, value);
	printf("  %-*s  %s\n", width, left, option->help);
}

void options_help(const struct option *table)
{
	for (; table->name; table++)
		options_print(table);
}
