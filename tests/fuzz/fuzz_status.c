// SPDX-License-Identifier: GPL-2.0
/*
 * What a manager answers to vmshare manage --status: as a table it is harmless to
 * a terminal, and as JSON it is what was answered. The verb is included, so that
 * it can be answered from here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

static const uint8_t *answer;
static size_t answer_size;

/* Stands in for control_ask(): as long as it is, with a zero behind it. */
static char *give_answer(const char *dir)
{
	char *text = malloc(answer_size + 1);

	if (!text || strcmp(dir, CONTROL_DIR))
		abort();
	if (answer_size)
		memcpy(text, answer, answer_size);
	text[answer_size] = '\0';
	return text;
}

#define control_ask(dir, err) give_answer(dir)
#include "cmd/manage.c"
#undef control_ask

/* The verb's output; NULL if it refused the answer. The caller's. */
static char *ask(bool json)
{
	struct options options = {
		.manage = MANAGE_STATUS, .json = json, .pretty = answer_size % 2,
	};
	FILE *terminal = stdout;
	struct error err = {};
	char *printed = NULL;
	size_t size;
	int ret;

	stdout = open_memstream(&printed, &size);
	ret = cmd_manage.run(&cmd_manage, &options, &err);
	fclose(stdout);
	stdout = terminal;
	if (!ret)
		return printed;
	if (ret != -1 || err.code != EXIT_RUNTIME || !*err.message || size)
		abort();
	free(printed);
	return NULL;
}

/* In ASCII, or in UTF-8 from U+0080 to U+009F: what cli/text.c is to leave none of. */
static bool has_control(const char *line)
{
	for (; *line; line++) {
		unsigned char byte = (unsigned char)*line, next = (unsigned char)line[1];

		if (byte < ' ' || byte == 0x7f || (byte == 0xc2 && next < 0xa0))
			return true;
	}
	return false;
}

static void check_table(char *table)
{
	char *line, *save = NULL;

	for (line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (has_control(line) || !text_is_harmless(line))
			abort();
	}
}

static void check_json(const char *printed)
{
	char *text = give_answer(CONTROL_DIR);
	json_t *given = json_loads(text, 0, NULL), *got = json_loads(printed, 0, NULL);

	if (!json_equal(given, got))
		abort();
	json_decref(given);
	json_decref(got);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *table, *json;

	answer = data;
	answer_size = size;
	table = ask(false);
	json = ask(true);
	if (!table != !json)
		abort();
	if (table) {
		check_table(table);
		check_json(json);
	}
	free(table);
	free(json);
	return 0;
}
