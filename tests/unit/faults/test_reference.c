// SPDX-License-Identifier: GPL-2.0
/* Nothing goes wrong: what all other kinds are compared with. */
#include "faults.h"

#include "program.h"
#include "verbs.h"

void test_reference(void)
{
	struct outcome outcome;
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		struct program program = { verbs[i].words, verbs[i].input, OUT_KEPT, NULL, NULL };

		program_run(&program, &outcome);
		is_number((uint64_t)outcome.code, (uint64_t)verbs[i].code, "vmshare %.60s: code",
			  verbs[i].words);
		ok(!outcome.code == !*outcome.err || verb_is_json(&verbs[i]),
		   "vmshare %.60s: a message if it failed, and only then", verbs[i].words);
		outcome_free(&outcome);
	}
}
