// SPDX-License-Identifier: GPL-2.0
/* Signals that come all the time: what is printed is what is always printed. */
#include "faults.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"
#include "storm.h"
#include "verbs.h"

#define EVERY_US 200			/* verbs take some milliseconds */

static void prepare(void *data)
{
	(void)data;
	storm_begin(EVERY_US);
}

static void is_as_ever(const struct verb *verb, enum peer_fault peer)
{
	struct program program = verb_program(verb);
	struct outcome quiet, stormy;

	program.peer = peer;
	program_run(&program, &quiet);
	program.prepare = prepare;
	program_run(&program, &stormy);
	is_number((uint64_t)stormy.code, (uint64_t)quiet.code, "vmshare %.60s: signals: code",
		  verb->words);
	is_text(stormy.out, quiet.out, "vmshare %.60s: signals: output", verb->words);
	is_text(stormy.err, quiet.err, "vmshare %.60s: signals: errors", verb->words);
	outcome_free(&quiet);
	outcome_free(&stormy);
}

/* A module that takes its time gives signals time to interrupt each of its answers. */
static void test_waiting(void)
{
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		if (verbs[i].live)
			is_as_ever(&verbs[i], PEER_SLOW);
	}
}

/* What drips from one pipe into the other, so that both ends have to wait. */
struct drip {
	int from, to;
	size_t at_once;
};

static void *drip(void *data)
{
	const struct drip *drip = data;
	char bytes[4096];
	ssize_t got;

	while ((got = read(drip->from, bytes, drip->at_once)) > 0) {
		usleep(300);
		if (write(drip->to, bytes, (size_t)got) < 0)
			break;
	}
	close(drip->to);
	return NULL;
}

/* Its output goes through a pipe of one page that is read slowly. */
static char *through_pipe(struct program *program, int *code)
{
	int in[2], kept = memfd_create("kept", MFD_CLOEXEC);
	struct outcome outcome;
	pthread_t thread;
	struct drip slow;
	char *text;
	off_t len;

	if (kept < 0 || pipe2(in, O_CLOEXEC))
		return NULL;
	fcntl(in[1], F_SETPIPE_SZ, 4096);
	slow = (struct drip){ in[0], dup(kept), 500 };
	pthread_create(&thread, NULL, drip, &slow);
	program->out = in[1];
	program_run(program, &outcome);
	close(in[1]);
	pthread_join(thread, NULL);
	*code = outcome.code;
	len = lseek(kept, 0, SEEK_END);
	text = calloc(1, (size_t)len + 1);
	if (text && pread(kept, text, (size_t)len, 0) < 0)
		*text = '\0';
	close(in[0]);
	close(kept);
	outcome_free(&outcome);
	return text;
}

static void test_slow_reader(const struct verb *verb)
{
	struct program program = verb_program(verb);
	struct outcome quiet;
	char *text;
	int code = -1;

	program_run(&program, &quiet);
	program.prepare = prepare;
	text = through_pipe(&program, &code);
	/* stdio gives up a write that was interrupted; the program must say so */
	ok((code == quiet.code && text && !strcmp(text, quiet.out)) || code == 1,
	   "vmshare %.60s: signals and a slow reader: all of it, or an error", verb->words);
	free(text);
	outcome_free(&quiet);
}

void test_interrupts(void)
{
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		is_as_ever(&verbs[i], PEER_HONEST);
		test_slow_reader(&verbs[i]);
	}
	test_waiting();
}
