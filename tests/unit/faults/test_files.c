// SPDX-License-Identifier: GPL-2.0
/*
 * Files for which there is no room: what was there before stays, or what is there is
 * whole up to its last line.
 */
#include "faults.h"

#include <stdio.h>
#include <sys/resource.h>

#include "program.h"

static void limit_files(size_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void prepare_limit(void *data)
{
	limit_files(*(size_t *)data);
}

static void run_limited(const char *words, size_t bytes, struct outcome *outcome)
{
	struct program program = { words, NULL, OUT_KEPT, prepare_limit, &bytes };

	program_run(&program, outcome);
}

static void test_output_too_large(void)
{
	struct outcome outcome;

	run_limited("-h", 100, &outcome);
	is_number((uint64_t)outcome.code, 1, "output beyond the limit of a file: code");
	has_text(outcome.err, "File too large", "output beyond the limit of a file: the reason");
	outcome_free(&outcome);
}

void test_files(void)
{
	test_output_too_large();
}
