// SPDX-License-Identifier: GPL-2.0
/* Tables, and how the program ends where there is no memory for one. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "table.h"

static char *printed(struct table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_print(table, out, true, false);
	fclose(out);
	return text;
}

static void test_layout(void)
{
	struct table *table = table_new(2);
	char *text, cell[16];
	unsigned int i;

	table_title(table, 0, "VM", false);
	table_title(table, 1, "N", true);
	table_cell(table, "");
	table_cell(table, "7");
	table_cell(table, "web1");
	table_cell(table, "12345");
	text = printed(table);
	is_text(text, "VM        N\n          7\nweb1  12345\n", "left, right, and no cell");
	free(text);
	table_free(table);

	table = table_new(1);
	table_title(table, 0, "N", true);
	for (i = 0; i < 100000; i++) {
		snprintf(cell, sizeof(cell), "%u", i);
		table_cell(table, cell);
	}
	text = printed(table);
	has_text(text, "\n    0\n    1\n", "the first of many rows");
	has_text(text, "\n99998\n99999\n", "the last");
	free(text);
	table_free(table);
}

/* Ends a child for want of memory: its exit code, and what it said there. */
static int ended(bool json, int stream, char *said, size_t size)
{
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	fflush(stdout);
	if (pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(ends[1], stream);
		memory_report_as(&json);
		memory_checked(NULL);
		_exit(0);
	}
	close(ends[1]);
	waitpid(pid, &status, 0);
	got = read(ends[0], said, size - 1);
	said[got > 0 ? got : 0] = '\0';
	close(ends[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_no_memory(void)
{
	char said[256];

	is_number((uint64_t)ended(false, STDERR_FILENO, said, sizeof(said)), 1, "no memory: code 1");
	has_text(said, "vmshare: out of memory", "as text");
	is_number((uint64_t)ended(true, STDOUT_FILENO, said, sizeof(said)), 1, "the same");
	has_text(said, "{\"version\":1,\"error\":{\"code\":1,\"message\":\"out of memory",
		 "as JSON");
}

void test_tables(void)
{
	test_layout();
	test_no_memory();
}
