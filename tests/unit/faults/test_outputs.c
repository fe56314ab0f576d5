// SPDX-License-Identifier: GPL-2.0
/* Standard output that is closed, full, or a pipe that nobody reads. */
#include "faults.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "verbs.h"

static void run_to(const struct verb *verb, int out, void (*prepare)(void *),
		   struct outcome *outcome)
{
	struct program program = verb_program(verb);

	program.out = out;
	program.prepare = prepare;
	program_run(&program, outcome);
}

/* Lost output is an error of its own, unless there was one already. */
static int code_of_loss(const struct verb *verb)
{
	return verb->code ? verb->code : 1;
}

static void is_lost(const struct verb *verb, int out, const char *reason, const char *how)
{
	struct outcome outcome;

	run_to(verb, out, NULL, &outcome);
	is_number((uint64_t)outcome.code, (uint64_t)code_of_loss(verb), "vmshare %.60s: %s: code",
		  verb->words, how);
	has_text(outcome.err, reason, "vmshare %.60s: %s: the reason", verb->words, how);
	outcome_free(&outcome);
}

/* Nothing is written there, so nothing is lost. */
static void is_untouched(const struct verb *verb, int out, const char *how)
{
	struct outcome outcome;

	run_to(verb, out, NULL, &outcome);
	is_number((uint64_t)outcome.code, (uint64_t)verb->code, "vmshare %.60s: %s: code as ever",
		  verb->words, how);
	outcome_free(&outcome);
}

static void ignore_hang_ups(void *data)
{
	(void)data;
	signal(SIGPIPE, SIG_IGN);
}

/* Whoever hung up wants no more words; who called may have had SIGPIPE ignored. */
static void is_hung_up(const struct verb *verb, int pipe)
{
	struct outcome outcome;

	run_to(verb, pipe, NULL, &outcome);
	ok(outcome.code == 1000 + SIGPIPE && !*outcome.err,
	   "vmshare %.60s: nobody reads: ended by SIGPIPE", verb->words);
	outcome_free(&outcome);

	run_to(verb, pipe, ignore_hang_ups, &outcome);
	is_number((uint64_t)outcome.code, (uint64_t)code_of_loss(verb),
		  "vmshare %.60s: nobody reads, SIGPIPE ignored: code", verb->words);
	outcome_free(&outcome);
}

static bool prints(const struct verb *verb)
{
	struct outcome outcome;
	bool printed;

	run_to(verb, OUT_KEPT, NULL, &outcome);
	printed = *outcome.out;
	outcome_free(&outcome);
	return printed;
}

void test_outputs(void)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2];
	size_t i;

	if (full < 0 || pipe2(ends, O_CLOEXEC))
		return;
	close(ends[0]);
	for (i = 0; i < n_verbs; i++) {
		if (prints(&verbs[i])) {
			is_lost(&verbs[i], full, "No space left on device", "a full disk");
			is_lost(&verbs[i], OUT_CLOSED, "Bad file descriptor", "no output at all");
			is_hung_up(&verbs[i], ends[1]);
		} else {
			is_untouched(&verbs[i], full, "a full disk");
			is_untouched(&verbs[i], OUT_CLOSED, "no output at all");
		}
	}
	close(full);
	close(ends[1]);
}
