// SPDX-License-Identifier: GPL-2.0
/*
 * The allocations of each verb fail in turn. Those that the same calls led to, as for the
 * members of a document, are told apart only by the first and the last of them; those
 * that are as near to a call of an earlier verb, as all that reads documents, fail there.
 */
#include "faults.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocations.h"
#include "program.h"
#include "verbs.h"

struct lack {
	enum shortage shortage;
	unsigned int which;
};

#define KNOWN_MAX 16384

/* Nearest callers of what has failed in the verbs before. */
static uint64_t known[KNOWN_MAX];
static size_t n_known;

/* What became of the runs of a verb. */
struct tally {
	unsigned int runs, refusals, harmless, told, wrong;
};

static void prepare(void *data)
{
	const struct lack *lack = data;

	allocations_fail(lack->shortage, lack->which);
}

static void run_lacking(const struct verb *verb, struct lack lack, struct outcome *outcome)
{
	struct program program = verb_program(verb);

	program.prepare = prepare;
	program.data = &lack;
	program_run(&program, outcome);
}

static bool is_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end && !end[1];
}

static bool is_json_refusal(const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	bool good = message && strstr(message, "memory") &&
		    json_integer_value(json_object_get(error, "code")) == 1;

	json_decref(root);
	return good;
}

/* What was printed before, as top prints again and again, must be whole documents. */
static const char *last_document(const char *out, const char *whole)
{
	const char *end = out;

	while (*out && *out == *whole) {
		end = *out == '\n' ? out + 1 : end;
		out++;
		whole++;
	}
	return end;
}

/* One message, the documented code, and in JSON nothing else. */
static bool is_refusal(const struct verb *verb, const struct outcome *outcome,
		       const struct outcome *whole)
{
	if (outcome->code != 1)
		return false;
	if (verb_is_json(verb) && !*outcome->err)
		return is_json_refusal(last_document(outcome->out, whole->out));
	return is_one_line(outcome->err) && !strncmp(outcome->err, "vmshare: ", 9) &&
	       strstr(outcome->err, "memory") && !(verb_is_json(verb) && *outcome->out);
}

static bool is_same(const struct outcome *one, const struct outcome *other)
{
	return one->code == other->code && !strcmp(one->out, other->out) &&
	       !strcmp(one->err, other->err);
}

static void complain(const struct verb *verb, const struct lack *lack,
		     const struct outcome *outcome)
{
	printf("# vmshare %s\n# allocation %u%s: code %d, said \"%.300s\", printed \"%.300s\"\n",
	       verb->words, lack->which, lack->shortage == SHORT_ONCE ? "" : " and all later ones",
	       outcome->code, outcome->err, outcome->out);
	fflush(stdout);
	allocations_trace(STDOUT_FILENO);
}

static void judge(const struct verb *verb, const struct lack *lack, const struct outcome *whole,
		  struct tally *tally)
{
	struct outcome outcome;

	run_lacking(verb, *lack, &outcome);
	tally->runs++;
	if (is_same(&outcome, whole))
		tally->harmless++;
	else if (is_refusal(verb, &outcome, whole))
		tally->refusals++;
	else if (verb->tells && !outcome.code && strstr(outcome.out, "memory"))
		tally->told++;
	else if (tally->wrong++ < 3)
		complain(verb, lack, &outcome);
	outcome_free(&outcome);
}

static bool is_known(uint64_t near)
{
	size_t i;

	for (i = 0; i < n_known; i++) {
		if (known[i] == near)
			return true;
	}
	return false;
}

static void learn(const struct chain *chains, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && n_known < KNOWN_MAX; i++) {
		if (!is_known(chains[i].near))
			known[n_known++] = chains[i].near;
	}
}

/* Is there one with the same callers among them? */
static bool has_twin(const struct chain *chains, unsigned int which, unsigned int first,
		     unsigned int last)
{
	for (; first <= last; first++) {
		if (chains[first - 1].all == chains[which - 1].all)
			return true;
	}
	return false;
}

static bool is_tried(const struct chain *chains, unsigned int count, unsigned int which)
{
	return !is_known(chains[which - 1].near) &&
	       (!has_twin(chains, which, 1, which - 1) ||
		!has_twin(chains, which, which + 1, count));
}

static struct chain *copy_chains(unsigned int count)
{
	struct chain *chains = calloc(count + 1, sizeof(*chains));
	unsigned int i;

	for (i = 0; chains && i < count; i++)
		chains[i] = allocations_chain(i + 1);
	return chains;
}

static void try_verb(const struct verb *verb, struct tally *all)
{
	struct tally tally = {};
	struct outcome whole;
	struct chain *chains;
	unsigned int count, i;

	run_lacking(verb, (struct lack){ SHORT_NEVER, 0 }, &whole);
	count = allocations_seen();
	chains = copy_chains(count);
	for (i = 1; i <= count; i++) {
		if (!is_tried(chains, count, i))
			continue;
		judge(verb, &(struct lack){ SHORT_ONCE, i }, &whole, &tally);
		judge(verb, &(struct lack){ SHORT_FROM_THEN_ON, i }, &whole, &tally);
	}
	is_number(tally.wrong, 0, "vmshare %.60s: %u allocations, %u runs, %u refusals, %u done without",
		  verb->words, count, tally.runs, tally.refusals, tally.harmless);
	learn(chains, count);
	outcome_free(&whole);
	free(chains);
	all->runs += tally.runs;
	all->refusals += tally.refusals;
}

void test_memory(void)
{
	struct tally all = {};
	size_t i;

	/* the locale's own allocations are 200, the same for all */
	setenv("LC_ALL", "C", 1);
	for (i = 0; i < n_verbs; i++)
		try_verb(&verbs[i], &all);
	printf("# %u runs, %u refusals\n", all.runs, all.refusals);
}
