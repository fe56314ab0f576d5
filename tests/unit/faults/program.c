// SPDX-License-Identifier: GPL-2.0
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "host.h"

#define WORDS_MAX 24

/* The program's own, by the name that the Makefile gives it. */
int vmshare_main(int argc, char **argv);

static int split(char *line, char **words)
{
	int count = 0;
	char *word;

	words[count++] = "vmshare";
	for (word = strtok(line, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

static int memory_file(const char *name, const char *content)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	size_t len = content ? strlen(content) : 0;

	if (fd < 0 || (len && write(fd, content, len) != (ssize_t)len)) {
		perror(name);
		exit(1);
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static char *content_of(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);

	if (!text || pread(fd, text, (size_t)len, 0) != len) {
		perror("what the program said");
		exit(1);
	}
	return text;
}

/* A program begins with streams that nothing was written to. */
static void renew_streams(void)
{
	stdin = fdopen(STDIN_FILENO, "r");
	stdout = fdopen(STDOUT_FILENO, "w");
}

static void place_descriptors(const struct program *program, int in, int out, int err)
{
	dup2(in, STDIN_FILENO);
	dup2(err, STDERR_FILENO);
	dup2(program->out >= 0 ? program->out : out, STDOUT_FILENO);
	renew_streams();
	if (program->out == OUT_CLOSED)
		close(STDOUT_FILENO);
}

static void be_the_program(const struct program *program, int in, int out, int err)
{
	char *words[WORDS_MAX + 1], *line = strdup(program->words);
	int count = split(line, words);

	place_descriptors(program, in, out, err);
	alarm(PROGRAM_SECONDS);
	clock_stand_still();
	if (program->live)
		host_begin(program->peer);
	if (program->prepare)
		program->prepare(program->data);
	count = vmshare_main(count, words);
	free(line);
	exit(count);
}

void program_run(const struct program *program, struct outcome *outcome)
{
	int in = memory_file("input", program->input);
	int out = memory_file("output", NULL), err = memory_file("errors", NULL), status;
	pid_t pid;

	host_lay_out();
	fflush(stdout);
	pid = fork();
	if (!pid)
		be_the_program(program, in, out, err);
	waitpid(pid, &status, 0);
	outcome->code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	outcome->out = content_of(out);
	outcome->err = content_of(err);
	close(in);
	close(out);
	close(err);
}

void outcome_free(struct outcome *outcome)
{
	free(outcome->out);
	free(outcome->err);
}
