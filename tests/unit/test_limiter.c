// SPDX-License-Identifier: GPL-2.0
/*
 * The limiter over a way to limit that is made up: it fails when it is told to, and
 * somebody else writes beside it.
 */
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limiter.h"
#include "restore.h"

#define VMS 2
#define QUOTA "quota"
#define WEIGHT "weight"

static char said[1 << 14];

static void hear(const char *text)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

/* One for each place, which is named by its number. */
static struct settings in_place[VMS];
static int answer;			/* of the next calls; 0: as asked for */
static unsigned int reads;
static bool unheard;			/* what is written is, but the answer is lost */

static int answer_with(struct error *err)
{
	if (answer)
		error_set(err, EXIT_RUNTIME, "made up");
	return answer;
}

static int fake_read(const char *place, struct settings *now, struct error *err)
{
	reads++;
	*now = in_place[atoi(place)];
	return answer_with(err);
}

static int fake_write(const char *place, const struct settings *wanted, struct error *err)
{
	size_t i;

	for (i = 0; !answer && i < wanted->n; i++)
		settings_replace(&in_place[atoi(place)], wanted->item[i].key, "%s",
				 wanted->item[i].value);
	if (unheard)
		error_set(err, EXIT_RUNTIME, "no answer");
	return unheard ? -EAGAIN : answer_with(err);
}

static bool fake_is_free(const struct settings *now)
{
	return !strcmp(settings_get(now, QUOTA), "max");
}

static void fake_express(const struct limit *limit, const struct settings *found,
			 struct settings *wanted)
{
	*wanted = *found;
	if (limit->quota_ns != UINT64_MAX)
		settings_replace(wanted, QUOTA, "%llu", (unsigned long long)limit->quota_ns);
	if (limit->weight)
		settings_replace(wanted, WEIGHT, "%u", limit->weight);
}

static const struct actuator fake = {
	.name = "cgroup2",		/* one that a journal may name */
	.read = fake_read,
	.write = fake_write,
	.is_free = fake_is_free,
	.express = fake_express,
	.beside = { WEIGHT },
};

struct bench {
	struct limiter limiter;
	struct roster roster;
	struct managed vms[VMS];
	char places[VMS][2], journal[PATH_MAX];
};

static void bench_init(struct bench *bench)
{
	struct error err;
	size_t i;

	memset(bench, 0, sizeof(*bench));
	said[0] = '\0';
	answer = 0;
	for (i = 0; i < VMS; i++) {
		snprintf(bench->places[i], sizeof(bench->places[i]), "%zu", i);
		bench->vms[i] = (struct managed){ .pid = 100 + (uint32_t)i, .start_time_ns = 1,
						  .actuator = &fake, .place = bench->places[i],
						  .quota_ns = UINT64_MAX,
						  .reading.quota_ns = UINT64_MAX };
		in_place[i].n = 0;
		settings_add(&in_place[i], QUOTA, "max");
		settings_add(&in_place[i], WEIGHT, "100");
	}
	bench->roster = (struct roster){ .root = test_root(), .vms = bench->vms, .n = VMS };
	snprintf(bench->journal, sizeof(bench->journal), "%s/limiter.journal", test_root());
	ok(!limiter_open(&bench->limiter, bench->journal, hear, &err), "a limiter");
}

static int decide(struct bench *bench, size_t vm, bool change, uint64_t quota_ns, uint32_t weight)
{
	struct manage_decision decision = {
		.pid = bench->vms[vm].pid, .start_time_ns = 1, .change = change,
		.quota_ns = quota_ns ? quota_ns : MANAGE_UNLIMITED,
		.period_ns = quota_ns ? 100000000 : 0, .weight = weight,
	};
	struct error err;

	return limiter_apply(&bench->limiter, &bench->roster, &decision, 1, &err);
}

/* What one VM shall have from now on; 0: as found. */
static int set(struct bench *bench, size_t vm, uint64_t quota_ns, uint32_t weight)
{
	return decide(bench, vm, true, quota_ns, weight);
}

/* What it has already, as far as is known. */
static int keep(struct bench *bench, size_t vm, uint64_t quota_ns, uint32_t weight)
{
	return decide(bench, vm, false, quota_ns, weight);
}

static void is_in_place(size_t vm, const char *quota, const char *weight, const char *what)
{
	is_text(settings_get(&in_place[vm], QUOTA), quota, "%s: quota", what);
	is_text(settings_get(&in_place[vm], WEIGHT), weight, "%s: weight", what);
}

/* What a VM already has must still be known when another's change could not be journaled. */
static void test_journal_fails(void)
{
	struct bench bench;
	char next[PATH_MAX + 8];

	bench_init(&bench);
	set(&bench, 0, 5000, 0);
	set(&bench, 0, 6000, 0);
	snprintf(next, sizeof(next), "%s.new", bench.journal);
	mkdir(next, 0700);
	is_number((uint64_t)-set(&bench, 1, 5000, 200), 1, "a journal that cannot be written");
	rmdir(next);
	is_number(bench.vms[1].weight, 0, "the next sample has no weight");
	is_in_place(1, "max", "100", "without it nothing is changed");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	is_in_place(0, "max", "100", "also the one that had a limit before");
}

/* systemd keeps whole percents of a CPU. */
static void test_whole_percents(void)
{
	const struct actuator *systemd = actuator_by_name("systemd");
	struct limit limit = { .quota_ns = 105300000, .period_ns = 100000000 };
	struct settings found = {}, wanted;

	if (!systemd)
		return;
	settings_add(&found, "CPUQuotaPerSecUSec", "18446744073709551615");
	settings_add(&found, "CPUQuotaPeriodUSec", "18446744073709551615");
	settings_add(&found, "CPUWeight", "18446744073709551615");
	systemd->express(&limit, &found, &wanted);
	is_text(settings_get(&wanted, "CPUQuotaPerSecUSec"), "1060000", "never less than asked for");
	limit.quota_ns = 50000000;
	systemd->express(&limit, &found, &wanted);
	is_text(settings_get(&wanted, "CPUQuotaPerSecUSec"), "500000", "a whole percent stays");
}

#define UNSET "18446744073709551615"	/* systemd's word for it */

/* How each way says that there is no quota, and half a CPU; and the usual weight, and 300. */
static const struct words {
	const char *way, *quota, *none, *half, *weight, *usual, *more;
} words[] = {
	{ "cgroup2", "cpu.max", "max 100000", "50000 100000", "cpu.weight", "100", "300" },
	{ "cgroup1", "cpu.cfs_quota_us", "-1", "50000", "cpu.shares", "1024", "3072" },
	{ "libvirt", "vcpu_quota", "-1", "25000", "cpu_shares", "100", "300" },
	{ "systemd", "CPUQuotaPerSecUSec", UNSET, "500000", "CPUWeight", UNSET, "300" },
};

static void has_words(const struct actuator *way, const struct words *in, const struct limit *limit,
		      const char *found, const char *quota, const char *weight)
{
	struct settings was = {}, wanted;

	settings_add(&was, in->quota, "%s", in->none);
	settings_add(&was, in->weight, "%s", found);
	way->express(limit, &was, &wanted);
	is_text(settings_get(&wanted, in->quota), quota, "%s: quota", in->way);
	is_text(settings_get(&wanted, in->weight), weight, "%s: weight", in->way);
	is_number(way->is_free(&wanted), !strcmp(quota, in->none), "%s: whether it is limited", in->way);
}

/* Without the file of the weight, as in a cgroup where only the quota is somebody's to set. */
static void has_no_weight(const struct actuator *way, const struct words *in, const struct limit *limit)
{
	struct settings was = {}, wanted;

	settings_add(&was, in->quota, "%s", in->none);
	way->express(limit, &was, &wanted);
	ok(wanted.n == 1 && !settings_get(&wanted, in->weight), "%s: no weight where there was none",
	   in->way);
}

static void test_words(void)
{
	static const struct limit half = { .quota_ns = 50000000, .period_ns = 100000000,
					   .vcpu_quota_ns = 25000000 };
	static const struct limit weight = { .quota_ns = UINT64_MAX, .weight = 300 };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct words *in = &words[i];
		const struct actuator *way = actuator_by_name(in->way);

		if (!way)
			continue;
		has_words(way, in, &half, in->usual, in->half, in->usual);
		has_words(way, in, &weight, in->usual, in->none, in->more);
		has_words(way, in, &weight, "77", in->none, "77");
		has_no_weight(way, in, &weight);
	}
}

static char order[8];

static void note_name(enum restored result, const char *text, void *data)
{
	(void)data;
	(void)result;
	strncat(order, text, 1);
}

/* Who may let us wait comes last, and is asked once. */
static void test_order_of_restoring(void)
{
	static const enum actuator_patience patience[] = { PATIENCE_MINUTES, PATIENCE_NONE,
							   PATIENCE_SECONDS, PATIENCE_NONE };
	static const char *const names[] = { "d", "a", "c", "b" };
	struct actuator ways[4];
	struct journal journal = {};
	size_t i;

	order[0] = '\0';
	for (i = 0; i < 4; i++) {
		ways[i] = fake;
		ways[i].patience = patience[i];
		journal_add(&journal, 1, 1, names[i], &ways[i], "0");
	}
	answer = -EAGAIN;
	reads = 0;
	is_number(restore_journal(&journal, note_name, NULL), 4, "all fail");
	answer = 0;
	is_text(order, "abcd", "files, units, domains");
	is_number(reads, 3, "who does not answer is asked once");
	is_number(journal.n, 4, "and stay in the journal");
	journal_free(&journal);
}

/* Whoever is asked starts anew: what was wanted comes later, and nothing is lost. */
static void test_away_for_a_while(void)
{
	struct bench bench;

	bench_init(&bench);
	answer = -EAGAIN;
	set(&bench, 0, 5000, 0);
	answer = 0;
	set(&bench, 0, 5000, 200);
	is_in_place(0, "5000", "200", "away at the first look");
	answer = -EAGAIN;
	set(&bench, 0, 6000, 200);
	set(&bench, 0, 6000, 300);
	ok(!bench.vms[0].why[0] && bench.vms[0].limited, "away at a change: the VM is not let go");
	ok(strstr(said, "made up; this is tried again"), "which is said");
	answer = 0;
	keep(&bench, 0, 5000, 200);
	set(&bench, 0, 6000, 300);
	is_in_place(0, "6000", "300", "and done later");
	is_number(bench.vms[0].weight, 300, "which the next sample has");
	limiter_release(&bench.limiter, &bench.vms[0]);
	is_number(bench.vms[0].weight, 0, "until it is released");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	is_in_place(0, "max", "100", "as found");
}

/* Whoever has its cgroups takes them down meanwhile, and knows only later that it has ended. */
static void test_ended(void)
{
	struct bench bench;

	bench_init(&bench);
	set(&bench, 0, 5000, 0);
	bench.roster.vms = &bench.vms[1];
	bench.roster.n = 1;
	answer = -1;
	limiter_gone(&bench.limiter, &bench.vms[0]);
	is_text(said, "", "the first refusal is no news of a VM that has ended");
	is_number(bench.limiter.journal.n, 1, "but its limits are not forgotten");
	limiter_check(&bench.limiter, &bench.roster);
	has_text(said, "NOT as they were found", "the second is");
	limiter_check(&bench.limiter, &bench.roster);
	ok(!strstr(strstr(said, "NOT") + 1, "NOT"), "once");
	answer = -ENOENT;
	in_place[0].n = 0;
	limiter_check(&bench.limiter, &bench.roster);
	has_text(said, "gone, and its limits with it", "until it is gone for everybody");
	is_number(limiter_close(&bench.limiter), 0, "nothing is left");
}

/* One domain is being migrated, or nobody answers at all. */
static void test_busy_or_away(void)
{
	struct manage_decision decisions[VMS];
	struct bench bench;
	struct error err;
	size_t i;

	bench_init(&bench);
	for (i = 0; i < VMS; i++)
		decisions[i] = (struct manage_decision){
			.pid = bench.vms[i].pid, .start_time_ns = 1, .change = true,
			.quota_ns = 5000, .period_ns = 100000000,
		};
	answer = -EBUSY;
	reads = 0;
	limiter_apply(&bench.limiter, &bench.roster, decisions, VMS, &err);
	is_number(reads, VMS, "one is busy: the next is asked all the same");
	answer = -EAGAIN;
	reads = 0;
	limiter_apply(&bench.limiter, &bench.roster, decisions, VMS, &err);
	is_number(reads, 1, "nobody answers: nobody else is asked in this check");
	answer = 0;
	unheard = true;
	limiter_apply(&bench.limiter, &bench.roster, decisions, VMS, &err);
	unheard = false;
	is_in_place(1, "max", "100", "nor if that shows only when limits are set");
	limiter_apply(&bench.limiter, &bench.roster, decisions, VMS, &err);
	is_in_place(1, "5000", "100", "but in the next");
	limiter_close(&bench.limiter);
}

/* It was done all the same, but nobody could say so. */
static void test_done_unheard(void)
{
	struct bench bench;

	bench_init(&bench);
	set(&bench, 0, 5000, 200);
	unheard = true;
	set(&bench, 0, 6000, 300);
	unheard = false;
	is_in_place(0, "6000", "300", "done, and not answered");
	keep(&bench, 0, 5000, 200);
	is_in_place(0, "5000", "200", "what is decided next holds, although it changes nothing");
	unheard = true;
	set(&bench, 0, 7000, 300);
	unheard = false;
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	is_in_place(0, "max", "100", "also if the manager ends then");
}

/* A VM goes elsewhere while its limits cannot be put back. */
static void test_put_back_later(void)
{
	struct bench bench;

	bench_init(&bench);
	set(&bench, 0, 5000, 0);
	bench.vms[0].place = bench.places[1];
	answer = -EAGAIN;
	limiter_check(&bench.limiter, &bench.roster);
	limiter_check(&bench.limiter, &bench.roster);
	answer = 0;
	set(&bench, 0, 6000, 0);
	is_in_place(1, "max", "100", "not limited there before it is free here");
	is_number(bench.limiter.journal.n, 1, "nor twice in the journal");
	limiter_check(&bench.limiter, &bench.roster);
	is_in_place(0, "max", "100", "put back at the next check");
	set(&bench, 0, 6000, 0);
	is_in_place(1, "6000", "100", "and limited there");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	is_in_place(1, "max", "100", "in the end");
}

/* The VM's limits cannot even be looked at, for good. */
static void test_refused_at_first(void)
{
	struct bench bench;

	bench_init(&bench);
	answer = -1;
	set(&bench, 0, 5000, 0);
	answer = 0;
	is_text(bench.vms[0].why, "made up", "it is left alone, for the reason given");
	has_text(said, "made up: left alone", "which is said");
	set(&bench, 0, 5000, 0);
	is_in_place(0, "max", "100", "and never limited");
	is_number(limiter_close(&bench.limiter), 0, "nothing is to be put back");
}

/* Its configuration says so from now on. */
static void test_left_alone(void)
{
	struct manage_decision decision = { .start_time_ns = 1, .left_alone = true,
					    .quota_ns = MANAGE_UNLIMITED };
	struct bench bench;
	struct error err;

	bench_init(&bench);
	set(&bench, 0, 5000, 200);
	decision.pid = bench.vms[0].pid;
	limiter_apply(&bench.limiter, &bench.roster, &decision, 1, &err);
	is_in_place(0, "max", "100", "a VM that is to be left alone is as it was found");
	ok(!bench.vms[0].limited && !bench.vms[0].why[0], "and may be limited again");
	set(&bench, 0, 5000, 0);
	is_in_place(0, "5000", "100", "when it is no longer");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
}

/* The settings are ours still, but what the kernel has is not: somebody went past their owner. */
static void test_changed_below(void)
{
	struct bench bench;

	bench_init(&bench);
	set(&bench, 0, 5000, 0);
	bench.vms[0].reading.quota_ns = 5000;
	limiter_check(&bench.limiter, &bench.roster);
	reads = 0;
	limiter_check(&bench.limiter, &bench.roster);
	is_number(reads, 0, "while nothing changes nobody is asked");
	bench.vms[0].reading.quota_ns = 7000;
	limiter_check(&bench.limiter, &bench.roster);
	has_text(said, "somebody else has changed its quota: let go", "a quota that changes by itself");
	is_in_place(0, "max", "100", "and what was set is put back");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
}

/* Another VM has the pid of one whose limits are still to be put back. */
static void test_pid_again(void)
{
	struct bench bench;

	bench_init(&bench);
	set(&bench, 0, 5000, 0);
	answer = -1;
	limiter_gone(&bench.limiter, &bench.vms[0]);
	answer = 0;
	bench.vms[0].start_time_ns = 2;
	bench.vms[0].place = bench.places[1];
	set(&bench, 0, 6000, 0);
	is_in_place(1, "6000", "100", "it has limits of its own");
	limiter_check(&bench.limiter, &bench.roster);
	is_in_place(0, "max", "100", "and the other's are put back");
	is_number(limiter_close(&bench.limiter), 0, "nothing is left");
}

/* Somebody else sets a weight, then a quota, while ours are in place. */
static void test_weight_of_others(void)
{
	struct bench bench;

	bench_init(&bench);
	set(&bench, 0, 5000, 200);
	settings_replace(&in_place[0], WEIGHT, "77");
	set(&bench, 0, 6000, 300);
	is_in_place(0, "6000", "77", "a weight of somebody else stays");
	ok(strstr(said, "weight to 77: it stays"), "which is said");
	limiter_check(&bench.limiter, &bench.roster);
	ok(bench.vms[0].limited && !bench.vms[0].why[0], "and lets nobody go");
	set(&bench, 0, 5000, 400);
	is_in_place(0, "5000", "77", "nor is it touched later");
	set(&bench, 0, 0, 0);
	is_in_place(0, "max", "77", "or put back");
	set(&bench, 0, 5000, 200);
	settings_replace(&in_place[0], QUOTA, "1234");
	set(&bench, 0, 6000, 300);
	is_in_place(0, "1234", "77", "a quota of somebody else stays, too");
	ok(bench.vms[0].why[0], "and the VM is let go");
	set(&bench, 1, 4000, 200);
	limiter_check(&bench.limiter, &bench.roster);
	reads = 0;
	set(&bench, 1, 0, 200);
	is_number(reads, 0, "what was read in a check is not read again in it");
	settings_replace(&in_place[1], WEIGHT, "100");
	set(&bench, 1, 0, 300);
	is_in_place(1, "max", "300", "a weight that is as it was found is ours to set");
	settings_replace(&in_place[1], WEIGHT, "99");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	is_in_place(1, "max", "99", "but what is somebody else's");
}

void test_limiter(void)
{
	test_weight_of_others();
	test_refused_at_first();
	test_left_alone();
	test_changed_below();
	test_pid_again();
	test_away_for_a_while();
	test_ended();
	test_busy_or_away();
	test_done_unheard();
	test_put_back_later();
	test_order_of_restoring();
	test_whole_percents();
	test_words();
	test_journal_fails();
}
