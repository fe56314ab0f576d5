// SPDX-License-Identifier: GPL-2.0
/*
 * Files for which there is no room: what was there before stays, or what is there is
 * whole up to its last line.
 */
#include "faults.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "program.h"
#include "trace.h"

#define TRACE CORPUS "/trace/short"

static void limit_files(size_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* What counts the lines that ran (make coverage) comes after this, and writes files. */
__attribute__((destructor)) static void end(void)
{
	limit_files(RLIM_INFINITY);
}

static void prepare_limit(void *data)
{
	limit_files(*(size_t *)data);
}

static void run_limited(const char *words, size_t bytes, struct outcome *outcome)
{
	struct program program = { .words = words, .out = OUT_KEPT, .prepare = prepare_limit,
				   .data = &bytes };

	program_run(&program, outcome);
}

/* A path in the test's directory. */
static const char *in_root(const char *name)
{
	static char path[2][PATH_MAX];
	static unsigned int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s%s", test_root(), name);
	return path[turn];
}

static void is_content(const char *name, const char *wanted, const char *what)
{
	char *text = test_read(in_root(name));

	is_text(text, wanted, "%s", what);
	free(text);
}

static void test_output_too_large(void)
{
	struct outcome outcome;

	run_limited("-h", 100, &outcome);
	is_number((uint64_t)outcome.code, 1, "output beyond the limit of a file: code");
	has_text(outcome.err, "File too large", "output beyond the limit of a file: the reason");
	outcome_free(&outcome);
}

static void tune_into(const char *path, size_t limit, struct outcome *outcome)
{
	char words[2 * PATH_MAX];

	snprintf(words, sizeof(words), "tune " TRACE " -j --output %s", path);
	run_limited(words, limit, outcome);
}

/* So much that the message has room, and the settings have not. */
#define TOO_LITTLE 200

static void test_settings(void)
{
	struct outcome outcome;
	char *text;

	test_file("/tuned.conf", "old\n", 4);
	tune_into(in_root("/tuned.conf"), TOO_LITTLE, &outcome);
	is_number((uint64_t)outcome.code, 1, "settings without room: code");
	has_text(outcome.out, "File too large", "settings without room: the reason");
	is_content("/tuned.conf", "old\n", "settings without room: the old ones stay");
	ok(access(in_root("/tuned.conf.new"), F_OK), "settings without room: nothing beside them");
	outcome_free(&outcome);

	tune_into(in_root("/tuned.conf"), RLIM_INFINITY, &outcome);
	text = test_read(in_root("/tuned.conf"));
	has_text(text, "[Manage]\n", "settings with room");
	ok(!outcome.code && access(in_root("/tuned.conf.new"), F_OK), "and nothing else");
	free(text);
	outcome_free(&outcome);
}

static void is_link(const char *name, const char *what)
{
	struct stat st;

	ok(!lstat(in_root(name), &st) && S_ISLNK(st.st_mode), "%s", what);
}

/* A device cannot be replaced by a file, and must not be. */
static void test_settings_device(void)
{
	struct outcome outcome;

	if (symlink("/dev/full", in_root("/full")))
		return;
	tune_into(in_root("/full"), RLIM_INFINITY, &outcome);
	is_number((uint64_t)outcome.code, 1, "settings to a full device: code");
	has_text(outcome.out, "No space left", "settings to a full device: the reason");
	is_link("/full", "which stays what it is");
	outcome_free(&outcome);
}

/* Whether what it leads to is there or not. */
static void test_settings_link(void)
{
	struct outcome outcome;
	char *text;
	int turn;

	if (symlink("linked.conf", in_root("/link.conf")))
		return;
	for (turn = 0; turn < 2; turn++) {
		tune_into(in_root("/link.conf"), RLIM_INFINITY, &outcome);
		is_number((uint64_t)outcome.code, 0, "settings through a link: code");
		is_link("/link.conf", "settings through a link, which stays one");
		text = test_read(in_root("/linked.conf"));
		has_text(text, "[Manage]\n", "settings through a link: where it leads");
		free(text);
		outcome_free(&outcome);
		test_file("/linked.conf", "old\n", 4);
	}
}

static void test_settings_nowhere(void)
{
	struct outcome outcome;

	tune_into(in_root("/nowhere/tuned.conf"), RLIM_INFINITY, &outcome);
	is_number((uint64_t)outcome.code, 1, "settings into no directory: code");
	has_text(outcome.out, "No such file", "settings into no directory: the reason");
	outcome_free(&outcome);
}

/* With one more VM; returns what the file has then. */
static char *save(struct journal *journal, uint32_t pid, const char *path)
{
	struct error err;

	ok(journal_add(journal, pid, 1, "vm", actuator_by_name("cgroup2"), "/some/where") &&
	   !journal_save(journal, path, &err), "a journal of %u", pid);
	return test_read(path);
}

/* Each size that is too small for the journal of two VMs; that of one is there. */
static void test_journal(void)
{
	char *path = strdup(in_root("/journal")), *old, *whole, *now;
	size_t limit, kept = 0, refused = 0;
	struct journal journal = {};
	struct error err = {};

	old = save(&journal, 1, path);
	whole = save(&journal, 2, in_root("/whole"));
	signal(SIGXFSZ, SIG_IGN);
	for (limit = 0; limit < strlen(whole); limit++) {
		limit_files(limit);
		refused += journal_save(&journal, path, &err) && strstr(err.message, "too large");
		limit_files(RLIM_INFINITY);
		now = test_read(path);
		kept += now && !strcmp(now, old) && access(in_root("/journal.new"), F_OK);
		free(now);
	}
	signal(SIGXFSZ, SIG_DFL);
	is_number(refused, limit, "a journal without room is refused, with the reason");
	is_number(kept, limit, "and the old one stays, with nothing beside it");
	ok(!journal_save(&journal, path, &err), "there is room again");
	journal_free(&journal);
	free(path);
	free(old);
	free(whole);
}

/* Room runs out in the middle of a line, and comes back. */
static void record_with_gap(FILE *out, struct manage_sample *sample, size_t gap)
{
	limit_files((size_t)ftell(out) + gap);
	ok(trace_write_sample(out, sample) == -1 && errno == EFBIG,
	   "a sample that has room for %zu bytes", gap);
	limit_files(RLIM_INFINITY);
	sample->time_ns += 1000;
	ok(!trace_write_sample(out, sample), "and the next one");
	sample->time_ns += 1000;
}

/*
 * What could not be written must not lie in the middle of a trace, where the next
 * line would be taken for its end.
 */
static void test_record(void)
{
	struct manage_vm vm = { .pid = 7, .vcpus = 1, .quota_ns = MANAGE_UNLIMITED };
	struct manage_sample sample = { .time_ns = 1000, .cpus = 2, .vms = &vm, .n_vms = 1 };
	FILE *out = fopen(in_root("/trace"), "w");
	struct trace trace;
	struct error err = {};

	if (!ok(out && !trace_write_head(out), "a trace to begin with"))
		return;
	signal(SIGXFSZ, SIG_IGN);
	record_with_gap(out, &sample, 0);
	record_with_gap(out, &sample, 1);
	record_with_gap(out, &sample, 50);
	signal(SIGXFSZ, SIG_DFL);
	fclose(out);
	if (ok(!trace_load(in_root("/trace"), &trace, &err), "a trace with gaps is read: %s",
	       err.message)) {
		ok(trace.n_samples >= 3, "with what had room");
		trace_free(&trace);
	}
}

/* The manager's own: a file of samples, or nothing that is not one. */
static void record_into(const char *path, size_t limit, struct outcome *outcome)
{
	char words[2 * PATH_MAX];
	struct program program = { .words = words, .out = OUT_KEPT, .prepare = prepare_limit,
				   .data = &limit, .live = true };

	snprintf(words, sizeof(words), "manage --once --config /dev/null --record %s", path);
	program_run(&program, outcome);
}

/* A head and a sample without VMs, and the message that the second does not fit. */
#define ROOM_FOR_ONE 100

static void test_record_live(void)
{
	struct outcome outcome;
	struct error err = {};
	struct trace trace;

	record_into(in_root("/live"), RLIM_INFINITY, &outcome);
	is_number((uint64_t)outcome.code, 0, "what is seen of a host is recorded");
	outcome_free(&outcome);
	if (ok(!trace_load(in_root("/live"), &trace, &err), "and read: %s", err.message)) {
		is_number(trace.n_samples, 2, "two samples");
		trace_free(&trace);
	}
	record_into(in_root("/live"), ROOM_FOR_ONE, &outcome);
	is_number((uint64_t)outcome.code, 1, "a trace without room: code");
	has_text(outcome.err, "cannot write the trace: File too large", "a trace without room: the reason");
	outcome_free(&outcome);
}

/* Whoever reads of it could stop the manager by reading no more. */
static void test_record_no_file(void)
{
	static const char *const reasons[][2] = {
		{ "/dev/full", "it is no file; record into one" },
		{ "/pipe", "it is no file; record into one" },
		{ "/nowhere/trace", "No such file" },
	};
	struct outcome outcome;
	size_t i;

	mkfifo(in_root("/pipe"), 0600);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		record_into(i ? in_root(reasons[i][0]) : reasons[i][0], RLIM_INFINITY, &outcome);
		is_number((uint64_t)outcome.code, 1, "recorded into %s: code", reasons[i][0]);
		has_text(outcome.err, reasons[i][1], "recorded into %s: the reason", reasons[i][0]);
		outcome_free(&outcome);
	}
}

void test_files(void)
{
	test_output_too_large();
	test_settings();
	test_settings_device();
	test_settings_link();
	test_settings_nowhere();
	test_journal();
	test_record();
	test_record_live();
	test_record_no_file();
}
