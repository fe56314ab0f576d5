// SPDX-License-Identifier: GPL-2.0
/* Nothing goes wrong: what all other kinds are compared with. */
#include "faults.h"

#include <stdio.h>

#include "program.h"
#include "verbs.h"

void test_reference(void)
{
	struct outcome outcome;
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		struct program program = verb_program(&verbs[i]);

		program_run(&program, &outcome);
		if (!is_number((uint64_t)outcome.code, (uint64_t)verbs[i].code,
			       "vmshare %.60s: code", verbs[i].words))
			printf("# it said \"%s\"\n", outcome.err);
		ok(!outcome.code == !*outcome.err || verb_is_json(&verbs[i]),
		   "vmshare %.60s: a message if it failed, and only then", verbs[i].words);
		outcome_free(&outcome);
	}
}
