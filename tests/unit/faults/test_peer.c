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
	[PEER_MISCOUNTS] = { "an engine that counts wrong", "unique_bytes" },
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

	if (!verb->tells || fault == PEER_MISCOUNTS)
		is_number((uint64_t)outcome.code, 1, "vmshare %.40s: %s: code", verb->words,
			  faults[fault].name);
	ok(outcome.code != OUTCOME_HUNG, "vmshare %.40s: %s: it ends", verb->words,
	   faults[fault].name);
	has_text(said, faults[fault].message, "vmshare %.40s: %s: the reason", verb->words,
		 faults[fault].name);
	outcome_free(&outcome);
}

/*
 * version asks for one answer, which is no dump; no part of it is lost here. Two engines
 * are asked where they are compared.
 */
static bool is_touched(const struct verb *verb, enum peer_fault fault)
{
	bool dumps = fault == PEER_GONE || fault == PEER_CUTS || fault == PEER_OVERSIZED;

	if (fault == PEER_MISCOUNTS)
		return strstr(verb->words, "--verify");
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

/* What a verb makes of a kernel without hooks: it does without, or says why it cannot. */
static const struct {
	enum peer_fault fault;
	const char *words;
	int code;
	const char *part;
} hookless[] = {
	{ PEER_HALF_HOOKED, "overhead --window 1", 0,
	  "guest time as the kernel samples it by ticks\nno exact guest time: " },
	{ PEER_HALF_HOOKED, "overhead -j --window 1", 0, "\"guest_time\":\"ticks\",\"guest_time_reason\":\"" },
	{ PEER_HALF_HOOKED, "matrix", 0, "CPU over 1s" },
	{ PEER_UNHOOKED, "matrix", 0, "no CPU part: the module refused the request" },
	{ PEER_UNHOOKED, "matrix -j", 0, "\"cpu_missing\":\"the module refused the request" },
	{ PEER_UNHOOKED, "overhead --window 1", 4, "vmshare version shows what this kernel lacks" },
	{ PEER_UNHOOKED, "snapshot --window 1", 4, "vmshare version shows what this kernel lacks" },
	{ PEER_UNHOOKED, "top -b -n 2", 0, "web1" },
};

static void test_hooks(void)
{
	struct outcome outcome;
	const char *said;
	size_t i;

	for (i = 0; i < sizeof(hookless) / sizeof(hookless[0]); i++) {
		struct program program = { .words = hookless[i].words, .out = OUT_KEPT, .live = true,
					   .peer = hookless[i].fault };

		program_run(&program, &outcome);
		said = *outcome.err ? outcome.err : outcome.out;
		is_number((uint64_t)outcome.code, (uint64_t)hookless[i].code, "vmshare %s without hooks: code",
			  hookless[i].words);
		has_text(said, hookless[i].part, "vmshare %s without hooks: what is said", hookless[i].words);
		outcome_free(&outcome);
	}
}

void test_peer(void)
{
	enum peer_fault fault;

	test_hooks();
	for (fault = PEER_HONEST + 1; fault < PEER_FAULTS; fault++)
		try_fault(fault);
}
