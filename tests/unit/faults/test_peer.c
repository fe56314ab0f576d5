// SPDX-License-Identifier: GPL-2.0
/* A module that is slow, says nothing, ends in the middle, or answers somebody else. */
#include "faults.h"

#include <string.h>

#include "clock.h"
#include "program.h"
#include "verbs.h"

/* What each fault has to make of a request, where it is one at all. */
static const struct {
	const char *name;
	const char *message;		/* a part of it; NULL: the answer is as ever */
} faults[PEER_FAULTS] = {
	[PEER_SLOW] = { "a slow module", NULL },
	[PEER_SILENT] = { "a module that says nothing", "did not answer within" },
	[PEER_GONE] = { "a module that ends in the middle", "cut short" },
	[PEER_CUTS] = { "messages that are shorter than they say", "cut short" },
	[PEER_OVERSIZED] = { "a message that is too large", "cannot receive from the kernel" },
	[PEER_OVERRUN] = { "a socket that overflows", "try again" },
	[PEER_STRANGE] = { "answers to somebody else first", NULL },
	[PEER_BABBLES] = { "answers to somebody else alone", "did not answer within" },
};

/* Sixty seconds are over in a fifth of one. */
static void hurry(void *data)
{
	(void)data;
	clock_run(300);
}

static struct outcome run_against(const struct verb *verb, enum peer_fault fault)
{
	struct program program = verb_program(verb);
	struct outcome outcome;

	program.peer = fault;
	if (fault == PEER_SILENT || fault == PEER_BABBLES)
		program.prepare = hurry;
	program_run(&program, &outcome);
	return outcome;
}

static void is_as_ever(const struct verb *verb, enum peer_fault fault)
{
	struct outcome ever = run_against(verb, PEER_HONEST), now = run_against(verb, fault);

	ok(now.code == ever.code && !strcmp(now.out, ever.out),
	   "vmshare %.40s: %s: the answer is as ever", verb->words, faults[fault].name);
	outcome_free(&ever);
	outcome_free(&now);
}

static void is_told(const struct verb *verb, enum peer_fault fault)
{
	struct outcome outcome = run_against(verb, fault);
	const char *said = *outcome.err ? outcome.err : outcome.out;

	if (!verb->tells)
		is_number((uint64_t)outcome.code, 1, "vmshare %.40s: %s: code", verb->words,
			  faults[fault].name);
	ok(outcome.code != OUTCOME_HUNG, "vmshare %.40s: %s: it ends", verb->words,
	   faults[fault].name);
	has_text(said, faults[fault].message, "vmshare %.40s: %s: the reason", verb->words,
		 faults[fault].name);
	outcome_free(&outcome);
}

/* version asks for one answer, which is no dump; no part of it is lost here. */
static bool is_touched(const struct verb *verb, enum peer_fault fault)
{
	bool dumps = fault == PEER_GONE || fault == PEER_CUTS || fault == PEER_OVERSIZED;

	return !dumps || strncmp(verb->words, "version", 7);
}

static void try_fault(enum peer_fault fault)
{
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		if (!verbs[i].live)
			continue;
		if (faults[fault].message && is_touched(&verbs[i], fault))
			is_told(&verbs[i], fault);
		else
			is_as_ever(&verbs[i], fault);
	}
}

void test_peer(void)
{
	enum peer_fault fault;

	for (fault = PEER_HONEST + 1; fault < PEER_FAULTS; fault++)
		try_fault(fault);
}
