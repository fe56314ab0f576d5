// SPDX-License-Identifier: GPL-2.0
/* The manual page names every verb, option and column that there is. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "columns.h"
#include "manageconf.h"
#include "policy/overhead.h"
#include "snapjson_cpu.h"

static const struct cmd *const commands[] = {
	&cmd_list, &cmd_show, &cmd_top, &cmd_matrix, &cmd_overhead, &cmd_victim, &cmd_place, &cmd_snapshot,
	&cmd_manage, &cmd_tune, &cmd_doctor, &cmd_version,
};

/* roff writes a minus as \- */
static char *plain(const char *page)
{
	char *copy = malloc(strlen(page) + 1), *to = copy;

	for (; *page; page++) {
		if (page[0] == '\\' && page[1] == '-')
			page++;
		*to++ = *page;
	}
	*to = '\0';
	return copy;
}

/* As a whole word, so that "pid" is not found in "rapid". */
static bool names(const char *page, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	size_t len = strlen(word);
	const char *at;

	for (at = strstr(page, word); at; at = strstr(at + 1, word)) {
		if ((at == page || !strchr(letters, at[-1])) && !strchr(letters, at[len]))
			return true;
	}
	return false;
}

static void check_options(const char *page, const char *verb, const struct option *option)
{
	char word[64];

	for (; option->name; option++) {
		if (!option->help)
			continue;
		snprintf(word, sizeof(word), "--%s", option->name);
		ok(names(page, word), "the manual has %s of %s", word, verb);
	}
}

/* Every key that a configuration can have is in one that is written in full. */
static void check_keys(const char *page)
{
	struct manage_rule rule = { .vm = "a", .weight = 1, .guarantee_given = true };
	struct manage_options options;
	char *text, *line, *rest = NULL, *equals;

	manage_options_init(&options);
	options.rules = &rule;
	options.n_rules = 1;
	text = manageconf_write(&options);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		equals = strchr(line, '=');
		if (*line == '#' || !equals)
			continue;
		*equals = '\0';
		ok(names(page, line), "the manual has the key %s", line);
	}
	free(text);
}

static void check_fields(const char *page, const char *const *fields, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (fields[i])
			ok(names(page, fields[i]), "the manual has %s", fields[i]);
	}
}

/* Every number that a document can have, where documents are told of. */
static void check_documents(const char *whole)
{
	const char *begin = strstr(whole, ".SH JSON"), *end = strstr(whole, ".SH EXIT STATUS");
	char *page = strndup(begin ? begin : "", begin && end ? (size_t)(end - begin) : 0);

	check_fields(page, host_field_key, HOST_FIELDS);
	check_fields(page, vm_field_key, VM_FIELDS);
	check_fields(page, vcpu_field_key, VCPU_FIELDS);
	check_fields(page, thread_field_key, THREAD_FIELDS);
	check_fields(page, cpu_field_key, CPU_FIELDS);
	check_fields(page, preemption_field_key, PREEMPTION_FIELDS);
	check_fields(page, overhead_part_key, OVERHEAD_PARTS);
	free(page);
}

void test_manual(void)
{
	char *source = test_read(MANUAL), *page = plain(source ? source : "");
	const struct column *column;
	size_t i;

	check_options(page, "every verb", options_common);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		ok(names(page, commands[i]->name), "the manual has %s", commands[i]->name);
		check_options(page, commands[i]->name, commands[i]->options);
	}
	check_keys(page);
	for (column = columns_all; column->key; column++)
		ok(names(page, column->key), "the manual has the column %s", column->key);
	check_documents(page);
	free(page);
	free(source);
}
