// SPDX-License-Identifier: GPL-2.0
/*
 * Documents through the reader and the verbs that work on them. The document's
 * length picks the verb, so that one byte more tries another.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"

static const struct {
	const struct cmd *cmd;
	const char *words[14];		/* FILE stands for the document */
} runs[] = {
	{ &cmd_victim, { "--from", "FILE", "--need", "4K", "--work", "20000", "--explain" } },
	{ &cmd_victim, { "--from", "FILE", "--need", "12345", "--work", "20000", "--explain", "-j" } },
	{ &cmd_victim, { "--from", "FILE", "--need", "1M", "--work", "20000", "--max-vms", "2",
			 "--cost", "count", "--format", "virsh" } },
	{ &cmd_victim, { "--from", "FILE", "--need", "1", "--work", "20000", "--cost", "downtime",
			 "--bandwidth", "1", "-j", "--format", "kubevirt" } },
	{ &cmd_victim, { "--from", "FILE", "--need", "1K", "--work", "20000", "--cost", "time",
			 "--command-template", "x {name} {uuid} {dest}" } },
	{ &cmd_victim, { "--from", "FILE", "--sweep", "--work", "20000" } },
	{ &cmd_victim, { "--from", "FILE", "--sweep", "--work", "20000", "--points", "3", "-j" } },
	{ &cmd_victim, { "--from", "FILE", "--need", "1", "--work", "20000", "--dest", "b=FILE",
			 "--dest", "c=FILE", "--margin", "0" } },
	{ &cmd_place, { "--work", "20000", "a=FILE", "b=FILE" } },
	{ &cmd_place, { "--work", "20000", "--unshared", "-j", "a=FILE", "b=FILE", "--margin", "0" } },
	{ &cmd_list, { "--from", "FILE", "-o", "vm,uuid,pid,vcpus,anon,freed,cpu,dirty,cost" } },
	{ &cmd_list, { "--from", "FILE", "-j" } },
	{ &cmd_snapshot, { "--from", "FILE" } },
	{ &cmd_doctor, { "--from", "FILE" } },
};

static char file[64];			/* the document's name */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);
	int document = memfd_create("document", 0);

	(void)argc;
	(void)argv;
	if (null < 0 || document < 0 || dup2(null, STDOUT_FILENO) < 0)
		abort();
	snprintf(file, sizeof(file), "/proc/self/fd/%d", document);
	return 0;
}

static void write_document(const uint8_t *data, size_t size)
{
	FILE *out = fopen(file, "w");

	if (!out || fwrite(data, 1, size, out) != size || fclose(out))
		abort();
}

/* Words with FILE replaced by the document's name; they live as long as the program. */
static int put_words(const char *const *words, char storage[][96], char **argv)
{
	int count = 0;

	for (; words[count]; count++) {
		const char *at = strstr(words[count], "FILE");

		snprintf(storage[count], 96, "%.*s%s", at ? (int)(at - words[count]) : 95,
			 words[count], at ? file : "");
		argv[count] = storage[count];
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t which = size % (sizeof(runs) / sizeof(runs[0]));
	const struct cmd *cmd = runs[which].cmd;
	struct options options;
	struct error err = {};
	char storage[14][96], *argv[14];
	int at = 0, argc = put_words(runs[which].words, storage, argv), ret;

	write_document(data, size);
	options_init(&options);
	if (options_parse(&options, cmd->options, argc, argv, &at, &err))
		abort();
	ret = cmd->run(cmd, &options, &err);
	if (ret < 0 && (!err.code || !*err.message))
		abort();
	options_free(&options);
	return 0;
}
