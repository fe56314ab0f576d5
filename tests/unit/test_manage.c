// SPDX-License-Identifier: GPL-2.0
/*
 * The manager's decisions: the published algorithm against an example worked by
 * hand and against another implementation, ours by what must hold for any load.
 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "managehost.h"
#include "trace.h"

static const uint64_t nobody[VMS];

/* 16 CPUs; a desktop, a web server, and a job on 12 vCPUs. */
static void test_published_example(void)
{
	static const uint32_t vcpus[] = { 2, 2, 12 };
	static const uint64_t working[] = { 200, 500, 10000 }, done[] = { 200, 500, 1000 };
	struct manage_rule rule = { .vm = "102", .class = MANAGE_AUTO, .guarantee_given = true,
				    .guarantee_millicpus = 2000 };
	struct host host;
	int i;

	host_init(&host, 16, vcpus, 3);
	host.options.policy = MANAGE_PUBLISHED;
	host.options.beta = 2;
	host.options.rules = &rule;
	host.options.n_rules = 1;
	host_check(&host);
	for (i = 0; i < 2; i++) {
		host_second(&host, working, nobody);
		host_check(&host);
		host_apply(&host);
	}
	is_number(host.decisions[2].count, 2, "two checks at 83 %% count two");
	ok(host.decisions[2].class == MANAGE_SERVICE && !host.decisions[2].change,
	   "which is not above beta");
	host_second(&host, working, nobody);
	host_check(&host);
	host_apply(&host);
	ok(host.decisions[2].class == MANAGE_BATCH && host.decisions[2].count == 0,
	   "the third moves it and sets its count back");
	is_number(host.decisions[2].quota_ns, 1530 * MS,
		  "5.3 CPUs idle and 10 that it uses are its own: 15.3 CPUs");
	ok(host.decisions[0].count == -3 && host.decisions[1].count == -3,
	   "counts have no floor");
	ok(!host.decisions[0].change && host.decisions[0].quota_ns == MANAGE_UNLIMITED,
	   "who does not move keeps what it has");
	for (i = 0; i < 3; i++) {
		host_second(&host, done, nobody);
		host_check(&host);
		host_apply(&host);
	}
	ok(host.decisions[2].class == MANAGE_SERVICE, "three checks at 8 %% move it back");
	is_number(host.decisions[2].quota_ns, 200 * MS, "with the two CPUs guaranteed");
	host_free(&host);
}

/* The configuration is read anew, and calls the job by another class. */
static void test_published_class_changes(void)
{
	static const uint32_t vcpus[] = { 2, 2, 12 };
	static const uint64_t working[] = { 200, 500, 10000 };
	struct manage_rule rule = { .vm = "102", .class = MANAGE_SERVICE, .guarantee_given = true,
				    .guarantee_millicpus = 2000 };
	struct host host;
	int i;

	host_init(&host, 16, vcpus, 3);
	host.options.policy = MANAGE_PUBLISHED;
	host.options.rules = &rule;
	host.options.n_rules = 1;
	host_check(&host);
	for (i = 0; i < 2; i++) {
		host_second(&host, working, nobody);
		host_check(&host);
		host_apply(&host);
	}
	is_number(host.decisions[2].quota_ns, 200 * MS, "a service by configuration has its guarantee");
	rule.class = MANAGE_BATCH;
	host_second(&host, working, nobody);
	host_check(&host);
	host_apply(&host);
	is_number(host.decisions[2].quota_ns, 1530 * MS, "called batch now it has what is idle");
	host_second(&host, working, nobody);
	host_check(&host);
	ok(!host.decisions[2].change, "once");
	host_free(&host);
}

/* The hole in it: a VM on a crowded host never shows that it could use more. */
static void test_hidden_demand(void)
{
	static const uint32_t vcpus[] = { 4, 4 };
	static const uint64_t used[] = { 2000, 2000 }, waited[] = { 2000, 2000 };
	struct host host;
	int i;

	host_init(&host, 4, vcpus, 2);
	host.options.policy = MANAGE_PUBLISHED;
	host_check(&host);
	for (i = 0; i < 10; i++) {
		host_second(&host, used, waited);
		host_check(&host);
	}
	ok(host.decisions[0].class == MANAGE_SERVICE, "half of its vCPUs' time is light work, as "
	   "printed");
	host_free(&host);
	host_init(&host, 4, vcpus, 2);
	host_check(&host);
	for (i = 0; i < 10; i++) {
		host_second(&host, used, waited);
		host_check(&host);
	}
	ok(host.decisions[0].class == MANAGE_BATCH, "all of the time that it could have is heavy");
	is_number(host.decisions[0].demand_millicpus, 4000, "and its demand is all of its vCPUs");
	host_free(&host);
}

static void write_line(FILE *out, size_t sample, const struct manage_decision *decision)
{
	fprintf(out, "%zu %u %s %d ", sample, decision->pid,
		manage_class_name(decision->class), decision->count);
	if (decision->quota_ns == MANAGE_UNLIMITED)
		fputs("max\n", out);
	else
		fprintf(out, "%llu\n", (unsigned long long)decision->quota_ns);
}

/* Loads of all kinds, in phases long enough to move; VMs that go and come. */
static void random_second(struct host *host, const uint64_t *level)
{
	uint64_t used[VMS], waited[VMS], left = 1000ull * host->now.cpus;
	size_t i;

	for (i = 0; i < host->now.n_vms; i++) {
		uint64_t most = 1000ull * host->vms[i].vcpus;

		used[i] = most * (level[i] + test_random_below(100)) / 1100;
		used[i] = used[i] < left ? used[i] : left;
		left -= used[i];
		waited[i] = test_random_below(most - used[i] + 1);
	}
	host_second(host, used, waited);
}

static void random_levels(uint64_t *level)
{
	size_t i;

	for (i = 0; i < VMS; i++)
		level[i] = test_random_below(1000);
}

static char *run_other(const char *trace, const struct manage_options *options)
{
	char command[8192], *text = NULL, line[256];
	size_t len;
	FILE *out = open_memstream(&text, &len), *in;

	snprintf(command, sizeof(command), "python3 %s %s %u %u %llu", PUBLISHED, trace,
		 options->alpha_permille, options->beta, (unsigned long long)options->period_ns);
	in = popen(command, "r");
	while (in && fgets(line, sizeof(line), in))
		fputs(line, out);
	ok(in && !pclose(in), "the other implementation runs");
	fclose(out);
	return text;
}

/* Does any VM move? */
static bool test_published_twice(unsigned int run)
{
	uint32_t vcpus[VMS];
	uint64_t level[VMS];
	char path[4096], *ours = NULL, *theirs;
	struct host host;
	size_t len, i, step;
	FILE *trace, *out = open_memstream(&ours, &len);
	bool moves;

	for (i = 0; i < VMS; i++)
		vcpus[i] = 1 + (uint32_t)test_random_below(6);
	host_init(&host, 4 + (uint32_t)test_random_below(20), vcpus, VMS);
	host.options.policy = MANAGE_PUBLISHED;
	host.options.beta = (uint32_t)test_random_below(4);
	host.options.alpha_permille = 300 + (uint32_t)test_random_below(500);
	snprintf(path, sizeof(path), "%s/published%u.trace", test_root(), run);
	trace = fopen(path, "w");
	trace_write_head(trace);
	for (step = 0; step < 120; step++) {
		if (step % 10 == 0)
			random_levels(level);
		if (step % 25 == 24) {
			/* another VM under the pid of one that was there */
			host.vms[step % VMS].start_time_ns += 5;
			host.vms[step % VMS].run_ns = 0;
		}
		random_second(&host, level);
		trace_write_sample(trace, &host.now);
		host_check(&host);
		for (i = 0; i < VMS; i++)
			write_line(out, step, &host.decisions[i]);
		host_apply(&host);
	}
	fclose(trace);
	fclose(out);
	theirs = run_other(path, &host.options);
	moves = strstr(ours, "batch");
	is_text(ours, theirs, "both implementations decide the same, load %u", run);
	free(ours);
	free(theirs);
	host_free(&host);
	return moves;
}

static void test_published_random(void)
{
	unsigned int run, moving = 0;

	for (run = 0; run < 5; run++)
		moving += test_published_twice(run);
	/* on a crowded host with a high alpha nobody has to */
	ok(moving > 1, "VMs move, in %u of 5 loads", moving);
}

/*
 * What must hold whatever the counters say. Guarantees are recomputed by the sum:
 * they are at most what the host has.
 */
static unsigned int broken(const struct host *host)
{
	uint64_t guaranteed = 0;
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < host->now.n_vms; i++) {
		const struct manage_decision *decision = &host->decisions[i];
		bool limited = decision->quota_ns != MANAGE_UNLIMITED;
		uint64_t rate;

		guaranteed += decision->guarantee_millicpus;
		if (!limited)
			continue;
		wrong += decision->quota_ns < MANAGE_QUOTA_MIN_NS;
		wrong += decision->period_ns < MANAGE_PERIOD_MIN_NS ||
			 decision->period_ns > MANAGE_PERIOD_MAX_NS;
		/* a millionth for what the kernel's microseconds cut off */
		rate = decision->quota_ns * 1000 / decision->period_ns + 1;
		if (decision->change) {
			wrong += rate < host->options.floor_millicpus;
			wrong += rate < decision->guarantee_millicpus;
		}
		wrong += !*decision->reason;
	}
	return wrong + (guaranteed > 1000ull * host->now.cpus);
}

static void test_lending_holds(void)
{
	static struct manage_rule rules[] = {
		{ .vm = "100", .class = MANAGE_SERVICE, .guarantee_given = true,
		  .guarantee_millicpus = 300 },
		{ .vm = "101", .class = MANAGE_BATCH, .weight = 300 },
		{ .vm = "102", .unmanaged = true },
		{ .vm = "103", .class = MANAGE_SERVICE, .guarantee_given = true,
		  .guarantee_millicpus = 9000 },
	};
	unsigned int run, step, wrong = 0, touched = 0, moved = 0, caps = 0;
	uint32_t vcpus[VMS];
	uint64_t level[VMS];
	struct host host;
	size_t i;

	for (run = 0; run < 200; run++) {
		for (i = 0; i < VMS; i++)
			vcpus[i] = 1 + (uint32_t)test_random_below(6);
		host_init(&host, 1 + (uint32_t)test_random_below(8), vcpus, VMS);
		host.options.cap = (enum manage_cap)test_random_below(3);
		host.options.rules = rules;
		host.options.n_rules = 4;
		host.vms[7].foreign = true;
		for (step = 0; step < 40; step++) {
			if (step % 10 == 0)
				random_levels(level);
			random_second(&host, level);
			wrong += host_check(&host) != 0 || broken(&host);
			touched += host.decisions[2].change || host.decisions[7].change;
			moved += host.decisions[0].class != MANAGE_SERVICE ||
				 host.decisions[1].class != MANAGE_BATCH;
			for (i = 0; i < VMS; i++)
				caps += host.decisions[i].quota_ns != MANAGE_UNLIMITED;
			host_apply(&host);
		}
		host_free(&host);
	}
	is_number(wrong, 0, "8000 checks: no quota below floor or guarantee, guarantees within the "
		  "host");
	is_number(touched, 0, "VMs that are to be left alone are");
	is_number(moved, 0, "a class by configuration stays");
	ok(caps > 1000, "caps were decided in these checks, %u times", caps);
}

/*
 * One that wants less than all sleeps in between, and after each use for as long as
 * if nothing held it back.
 */
static uint64_t waiting(uint64_t vcpus, uint64_t wants, uint64_t used)
{
	return wants ? 1000 * vcpus - used * 1000 * vcpus / wants : 0;
}

/*
 * CPUs as water: everybody the same, up to what it wants and its quota may have. A
 * model of its own, not the simulator.
 */
static void flow(const struct host *host, const uint64_t *wants, uint64_t *used, uint64_t *waited)
{
	uint64_t left = 1000ull * host->now.cpus, most[VMS];
	size_t i, n = host->now.n_vms;

	for (i = 0; i < n; i++) {
		const struct manage_vm *vm = &host->vms[i];

		most[i] = wants[i];
		if (vm->quota_ns != MANAGE_UNLIMITED &&
		    vm->quota_ns * 1000 / vm->period_ns < most[i])
			most[i] = vm->quota_ns * 1000 / vm->period_ns;
		used[i] = 0;
	}
	for (; left; left--) {
		size_t least = n;

		for (i = 0; i < n; i++) {
			if (used[i] < most[i] && (least == n || used[i] < used[least]))
				least = i;
		}
		if (least == n)
			break;
		used[least]++;
	}
	for (i = 0; i < n; i++)
		waited[i] = waiting(host->vms[i].vcpus, wants[i], used[i]);
}

static struct manage_rule heavy_rule = { .vm = "100", .class = MANAGE_SERVICE,
					 .guarantee_given = true, .guarantee_millicpus = 250 };

static void test_no_oscillation(void)
{
	unsigned int run, step, late = 0, capped = 0, moved = 0;
	uint64_t wants[VMS], used[VMS], waited[VMS];
	uint32_t vcpus[VMS];
	struct host host;
	size_t i;

	for (run = 0; run < 200; run++) {
		for (i = 0; i < VMS; i++) {
			vcpus[i] = 1 + (uint32_t)test_random_below(4);
			wants[i] = test_random_below(2) ? 1000ull * vcpus[i] :
							  test_random_below(1000ull * vcpus[i] + 1);
		}
		wants[0] = 1000ull * vcpus[0];
		host_init(&host, 2 + (uint32_t)test_random_below(8), vcpus, VMS);
		host.options.cap = run % 2 ? MANAGE_CAP_BATCH : MANAGE_CAP_HEAVY;
		host.options.rules = &heavy_rule;
		host.options.n_rules = 1;
		host_check(&host);
		for (step = 0; step < 60; step++) {
			flow(&host, wants, used, waited);
			host_second(&host, used, waited);
			host_check(&host);
			for (i = 0; i < VMS && step >= 30; i++) {
				late += host.decisions[i].change;
				moved += host.decisions[i].class != host.decisions[i].class_before;
			}
			host_apply(&host);
		}
		capped += host.vms[0].quota_ns != MANAGE_UNLIMITED;
		host_free(&host);
	}
	is_number(late, 0, "on 200 constant loads nothing changes after half a minute");
	is_number(moved, 0, "nor does any class");
	ok(capped > 50, "while there are caps, on %u of them", capped);
}

static void test_no_contention(void)
{
	static const uint32_t vcpus[] = { 2, 4, 2 };
	static const uint64_t used[] = { 2000, 4000, 300 }, none[] = { 100, 100, 0 };
	unsigned int wrong = 0, step;
	struct host host;

	host_init(&host, 8, vcpus, 3);
	host.options.cap = MANAGE_CAP_BATCH;
	host.options.rules = &heavy_rule;
	host.options.n_rules = 1;
	host_check(&host);
	for (step = 0; step < 30; step++) {
		host_second(&host, used, none);
		host_check(&host);
		wrong += host.decisions[0].change || host.decisions[1].change ||
			 host.decisions[2].change;
	}
	is_number(wrong, 0, "where there is CPU for all, nothing is limited or weighed");
	ok(host.decisions[1].class == MANAGE_BATCH, "although classes are known");
	host_free(&host);
}

/* One second of a heavy service VM and a batch VM on two CPUs. */
static void contended_second(struct host *host)
{
	static const uint64_t wants[] = { 2000, 2000 };
	uint64_t used[VMS], waited[VMS];

	flow(host, wants, used, waited);
	host_second(host, used, waited);
	host_check(host);
}

static void heavy_host(struct host *host)
{
	static const uint32_t vcpus[] = { 2, 2 };
	int i;

	host_init(host, 2, vcpus, 2);
	host->options.rules = &heavy_rule;
	host->options.n_rules = 1;
	host_check(host);
	for (i = 0; i < 8; i++) {
		contended_second(host);
		host_apply(host);
	}
}

static void test_caps_go(void)
{
	static const uint64_t quiet[] = { 100, 1900 };
	struct host host;
	int i;

	heavy_host(&host);
	is_number((host.vms[0].quota_ns * 1000 + host.vms[0].period_ns / 2) /
		  host.vms[0].period_ns, 300,
		  "a service VM that works like batch gets its guarantee and the VMM's part");
	ok(host.vms[1].quota_ns == MANAGE_UNLIMITED, "the batch VM is free");
	for (i = 0; i < 3; i++) {
		host_second(&host, quiet, nobody);
		host_check(&host);
		if (i < 2)
			ok(host.decisions[0].quota_ns != MANAGE_UNLIMITED || !host.decisions[0].change,
			   "check %d of calm changes nothing yet", i + 1);
		host_apply(&host);
	}
	ok(host.vms[0].quota_ns == MANAGE_UNLIMITED, "after three calm checks the cap goes");
	host_free(&host);
}

/* 100 wants nothing of its 1500; 101 borrows; 100 comes back. */
static void test_given_back(void)
{
	static struct manage_rule rules[] = {
		{ .vm = "100", .guarantee_given = true, .guarantee_millicpus = 1500 },
		{ .vm = "101", .class = MANAGE_SERVICE, .guarantee_given = true,
		  .guarantee_millicpus = 200 },
	};
	static const uint32_t vcpus[] = { 2, 2, 2 };
	static const uint64_t away[] = { 0, 2000, 2000 }, back[] = { 2000, 2000, 2000 };
	uint64_t used[VMS], waited[VMS], borrowed;
	struct host host;
	int i;

	host_init(&host, 2, vcpus, 3);
	host.options.rules = rules;
	host.options.n_rules = 2;
	host_check(&host);
	for (i = 0; i < 12; i++) {
		flow(&host, away, used, waited);
		host_second(&host, used, waited);
		host_check(&host);
		host_apply(&host);
	}
	borrowed = used[2];
	ok(borrowed > 1500, "the batch VM has %llu of what nobody uses",
	   (unsigned long long)borrowed);
	flow(&host, back, used, waited);
	host_second(&host, used, waited);
	host_check(&host);
	ok(host.decisions[0].quota_ns == MANAGE_UNLIMITED && !host.decisions[0].left_alone,
	   "who comes back finds no cap");
	ok(host.decisions[0].weight >= 5 * host.decisions[1].weight &&
	   host.decisions[0].weight > 4 * host.decisions[2].weight,
	   "and weights as the guarantees: %u, %u, %u", host.decisions[0].weight,
	   host.decisions[1].weight, host.decisions[2].weight);
	ok(host.decisions[1].quota_ns * 1000 / host.decisions[1].period_ns <= 260,
	   "the heavy service VM is held at its guarantee");
	host_free(&host);
}

/* A job with a guarantee, two neighbours, and two VMs that sleep and then wait for their CPU. */
static void test_sleepers_go_first(void)
{
	static struct manage_rule rule = { .vm = "100", .class = MANAGE_BATCH, .guarantee_given = true,
					   .guarantee_millicpus = 1000 };
	static const uint32_t vcpus[] = { 2, 1, 1, 1, 1 };
	static const uint64_t used[] = { 800, 500, 500, 100, 100 };
	static const uint64_t waited[] = { 1200, 500, 500, 700, 700 };
	struct host host;
	int i;

	host_init(&host, 2, vcpus, 5);
	host.options.rules = &rule;
	host.options.n_rules = 1;
	host_check(&host);
	for (i = 0; i < 8; i++) {
		host_second(&host, used, waited);
		host_check(&host);
		host_apply(&host);
	}
	for (i = 3; i < 5; i++) {
		const struct manage_decision *decision = &host.decisions[i];

		ok(decision->weight >= 100, "who sleeps has no less weight than it was found with: %u",
		   decision->weight);
		ok(decision->weight > host.decisions[0].weight, "and goes before the job: %u",
		   host.decisions[0].weight);
	}
	ok(host.decisions[0].weight > 3 * host.decisions[1].weight, "the job before its neighbours: %u",
	   host.decisions[1].weight);
	host_free(&host);
}

/*
 * Shares by weight, thousandth by thousandth: the next goes to whom the least was
 * given for its weight.
 */
static void flow_by_weight(const struct host *host, const uint64_t *wants, uint64_t *used)
{
	uint64_t left = 1000ull * host->now.cpus;
	size_t i, n = host->now.n_vms;

	memset(used, 0, VMS * sizeof(*used));
	for (; left; left--) {
		size_t next = n;

		for (i = 0; i < n; i++) {
			if (used[i] < wants[i] &&
			    (next == n || used[i] * host->decisions[next].weight <
					  used[next] * host->decisions[i].weight))
				next = i;
		}
		if (next == n)
			break;
		used[next]++;
	}
}

static unsigned int starved_second(struct host *host, const uint64_t *wants)
{
	uint64_t used[VMS], waited[VMS];
	unsigned int starved = 0;
	size_t i;

	flow_by_weight(host, wants, used);
	for (i = 0; i < host->now.n_vms; i++)
		waited[i] = waiting(host->vms[i].vcpus, wants[i], used[i]);
	for (i = 0; i < 2; i++) {
		uint64_t guarantee = host->decisions[i].guarantee_millicpus;
		uint64_t due = wants[i] < guarantee ? wants[i] : guarantee;

		/* a hundredth is forgiven, and claims are measured in thousandths of vCPUs */
		starved += used[i] + used[i] / 50 + 5 < due;
	}
	host_second(host, used, waited);
	host_check(host);
	for (i = 0; i < host->now.n_vms; i++)
		host->decisions[i].weight += host->decisions[i].weight ? 0 : 100;
	return starved;
}

static struct manage_rule batch_rules[] = {
	{ .vm = "100", .class = MANAGE_BATCH, .guarantee_given = true },
	{ .vm = "101", .class = MANAGE_BATCH, .guarantee_given = true },
};

static void guaranteed_host(struct host *host, uint32_t cpus, const uint32_t *vcpus)
{
	size_t i;

	host_init(host, cpus, vcpus, VMS);
	host->options.rules = batch_rules;
	host->options.n_rules = 2;
	host_check(host);
	for (i = 0; i < VMS; i++)
		host->decisions[i].weight = 100;
}

/* Seconds in which a guarantee was not kept, of the last ones; has some VM more than the first? */
static unsigned int starved_load(bool close, bool *lifted)
{
	uint32_t cpus = 2 + (uint32_t)test_random_below(3), vcpus[VMS];
	unsigned int starved = 0, step;
	uint64_t wants[VMS];
	struct host host;
	size_t i;

	for (i = 0; i < VMS; i++) {
		vcpus[i] = 1 + (uint32_t)test_random_below(3);
		wants[i] = i < 2 ? 1000ull * vcpus[i] : 1 + test_random_below(650ull * vcpus[i]);
	}
	/* close to an equal part is where weights might as well stay as they are */
	for (i = 0; i < 2; i++)
		batch_rules[i].guarantee_millicpus =
			close ? cpus * (95 + test_random_below(20)) * 10 / VMS :
				100 + test_random_below(600);
	guaranteed_host(&host, cpus, vcpus);
	for (step = 0; step < 12; step++) {
		/* by then classes, contention and weights are settled */
		starved += starved_second(&host, wants) && step >= 6;
	}
	*lifted = host.decisions[2].weight > host.decisions[0].weight;
	host_free(&host);
	return starved;
}

static void test_guarantees_are_kept(void)
{
	unsigned int seed, run, starved, going_first = 0;
	bool lifted;

	for (seed = 1; seed <= 5; seed++) {
		test_random_from(seed);
		for (run = starved = 0; run < 120; run++) {
			starved += starved_load(run % 2, &lifted);
			going_first += lifted;
		}
		is_number(starved, 0, "no load of service VMs takes a guarantee from a batch VM, seed %u",
			  seed);
	}
	ok(going_first > 100, "although some go before them, on %u of 600 hosts", going_first);
}

/* All want as much as they get, so that all get what their weights give them. */
static const uint64_t greedy[VMS] = { 2000, 2000, 1200, 1200, 1200, 1200, 1200, 1200 };
static const uint32_t greedy_vcpus[VMS] = { 2, 2, 2, 2, 2, 2, 2, 2 };

static unsigned int greedy_seconds(struct host *host, unsigned int seconds)
{
	unsigned int starved = 0;

	while (seconds--)
		starved = starved_second(host, greedy);
	return starved;
}

/* A guarantee a little above what it would be in equal parts, and one that changes a little. */
static void test_guarantees_within_hysteresis(void)
{
	struct host host;
	uint32_t weight;

	batch_rules[0].guarantee_millicpus = 538;
	batch_rules[1].guarantee_millicpus = 500;
	guaranteed_host(&host, 4, greedy_vcpus);
	ok(!greedy_seconds(&host, 8), "weights are not as found where that takes a part of a guarantee");
	batch_rules[0].guarantee_millicpus = 600;
	greedy_seconds(&host, 2);
	weight = host.state.vms[0].weight;
	batch_rules[0].guarantee_millicpus = 605;
	greedy_seconds(&host, 1);
	is_number(host.state.vms[0].weight, weight, "a weight that is close stays");
	batch_rules[0].guarantee_millicpus = 650;
	ok(!greedy_seconds(&host, 2), "but not below a guarantee");
	batch_rules[0].guarantee_millicpus = 504;
	greedy_seconds(&host, 2);
	ok(host.state.vms[0].weight, "weights that are set do not go back for being close to each other");
	host_free(&host);

	guaranteed_host(&host, 4, greedy_vcpus);
	greedy_seconds(&host, 8);
	is_number(host.state.vms[0].weight, 0, "for less than a hundredth they stay as found");
	host_free(&host);
}

/* An eightieth of an equal part: its weight would be 1.25. */
static void test_small_guarantee(void)
{
	static const uint32_t vcpus[VMS] = { 1, 32, 32, 32, 32, 32, 32, 32 };
	static const uint64_t wants[VMS] = { 1000, 32000, 32000, 32000, 32000, 32000, 32000, 32000 };
	unsigned int starved = 0, i;
	struct host host;

	batch_rules[0].guarantee_millicpus = 100;
	batch_rules[1].guarantee_millicpus = 8000;
	guaranteed_host(&host, 64, vcpus);
	for (i = 0; i < 12; i++)
		starved += starved_second(&host, wants) && i >= 6;
	is_number(starved, 0, "a small guarantee is not lost in a whole number");
	host_free(&host);
}

static void test_rate_limit(void)
{
	unsigned int early = 0, changes = 0, step;
	bool capped = true;
	uint64_t last = 0;
	struct host host;

	heavy_host(&host);
	host.options.hysteresis_permille = 0;
	host.options.rate_limit_ns = 5 * SECOND;
	for (step = 0; step < 200; step++) {
		/* the VMM's use moves the quota at every check */
		host.vms[0].vmm_ns += (30 + step % 7 * 5) * MS;
		contended_second(&host);
		capped &= host.decisions[0].quota_ns != MANAGE_UNLIMITED;
		if (capped && host.decisions[0].change) {
			uint64_t quota = host.decisions[0].quota_ns * 1000 /
					 host.decisions[0].period_ns;
			uint64_t found = host.vms[0].quota_ns * 1000 / host.vms[0].period_ns;

			changes++;
			early += quota < found && host.now.time_ns - last < 5 * SECOND;
			last = host.now.time_ns;
		}
		host_apply(&host);
	}
	ok(capped, "the cap stays all the time");
	ok(changes > 10, "the quota moves");
	is_number(early, 0, "but is not lowered again within the rate limit");
	host_free(&host);
}

static void test_stall(void)
{
	struct host host;
	uint64_t quota, period;

	heavy_host(&host);
	quota = host.vms[0].quota_ns;
	period = host.vms[0].period_ns;
	/* two vCPUs burn the quota in half of its time */
	ok(period - quota / 2 <= host.options.stall_max_ns + 1000,
	   "the VMM's threads stand for %llu us at most",
	   (unsigned long long)(period - quota / 2) / 1000);
	ok(llabs((long long)host.decisions[0].vcpu_quota_ns - (long long)(period / 8)) < 100000,
	   "where vCPUs are limited one by one, the VMM's part is not theirs");
	host_free(&host);
}

static void test_refused(void)
{
	static const uint32_t vcpus[] = { 2, 2 };
	static const uint64_t used[] = { 100, 100 };
	struct manage_memory memory;
	struct host host;

	host_init(&host, 2, vcpus, 2);
	host_check(&host);
	host_second(&host, used, nobody);
	host_check(&host);
	memory = host.state.vms[0];
	host.now.time_ns -= 1;
	is_number((uint64_t)-host_check(&host), EINVAL, "time has to go forward");
	host_second(&host, used, nobody);
	host.vms[1].pid = host.vms[0].pid;
	is_number((uint64_t)-host_check(&host), EINVAL, "pids have to ascend");
	host.vms[1].pid = 101;
	host.vms[0].quota_ns = 5;
	is_number((uint64_t)-host_check(&host), EINVAL, "a quota has a period");
	host.vms[0].quota_ns = MANAGE_UNLIMITED;
	host.now.cpus = 0;
	is_number((uint64_t)-host_check(&host), EINVAL, "a host has CPUs");
	host.now.cpus = 65537;
	is_number((uint64_t)-host_check(&host), EINVAL, "but not without end");
	host.now.cpus = 2;
	host.now.n_vms = MANAGE_VMS_MAX + 1;
	is_number((uint64_t)-host_check(&host), EINVAL, "nor VMs");
	host.now.n_vms = 2;
	host.options.alpha_permille = 0;
	is_number((uint64_t)-host_check(&host), EINVAL, "options have to be in range");
	ok(!memcmp(&memory, &host.state.vms[0], sizeof(memory)), "what is refused changes nothing");
	host_free(&host);
}

static void test_defaults(void)
{
	struct manage_options options;
	struct manage_rule rules[] = { { .vm = "*" }, { .vm = "web" },
				       { .vm = "8d3f9C24-0000-0000-0000-000000000001" } };
	struct manage_vm vm = { .pid = 5, .name = "web" };

	manage_options_init(&options);
	ok(!manage_options_wrong(&options), "defaults are in range");
	options.rules = rules;
	options.n_rules = 3;
	ok(manage_rule_of(&options, &vm) == &rules[1], "a rule by name goes before that of all");
	vm.name = "db";
	ok(manage_rule_of(&options, &vm) == &rules[0], "which holds for the rest");
	vm.uuid = "8D3F9c24-0000-0000-0000-000000000001";
	ok(manage_rule_of(&options, &vm) == &rules[2], "UUIDs in any case of letters");
}

static void check_cpus(const struct host *host, size_t vm, uint32_t first, uint32_t cpus,
		       const char *what)
{
	const struct manage_decision *decision = &host->decisions[vm];

	ok(decision->cpus_first == first && decision->cpus == cpus, "%s: %u from %u", what,
	   decision->cpus, decision->cpus_first);
}

/* A job with two vCPUs, another with one, a service with a guarantee, a neighbour. */
static void test_cpus_of_their_own(void)
{
	static struct manage_rule rules[] = {
		{ .vm = "100", .class = MANAGE_BATCH, .guarantee_given = true, .guarantee_millicpus = 2000 },
		{ .vm = "101", .class = MANAGE_BATCH, .guarantee_given = true, .guarantee_millicpus = 1000 },
		{ .vm = "102", .class = MANAGE_SERVICE, .guarantee_given = true, .guarantee_millicpus = 500 },
	};
	static const uint32_t vcpus[] = { 2, 1, 1, 4 };
	static const uint64_t used[] = { 1500, 700, 100, 1700 }, waited[] = { 500, 300, 0, 2300 };
	static const uint64_t calm[] = { 100, 100, 100, 500 };
	struct host host;
	int i;

	host_init(&host, 4, vcpus, 4);
	host.options.rules = rules;
	host.options.n_rules = 3;
	host_check(&host);
	host_second(&host, used, waited);
	host_check(&host);
	check_cpus(&host, 0, 0, 0, "not unless the options want it");
	host.options.pin = true;
	host_second(&host, used, waited);
	host_check(&host);
	check_cpus(&host, 0, 2, 2, "the last CPUs are the first owner's");
	check_cpus(&host, 1, 1, 1, "then come the next's");
	check_cpus(&host, 2, 0, 1, "others have the rest");
	check_cpus(&host, 3, 0, 1, "all of them");
	ok(host.decisions[0].cpus_own && host.decisions[0].change && !host.decisions[3].cpus_own,
	   "which changes something");
	has_text(host.decisions[0].reason, "CPU of its own", "and is said");
	host_apply(&host);
	host_second(&host, used, waited);
	host_check(&host);
	ok(!host.decisions[0].change && host.decisions[0].cpus == 2, "and stays");

	rules[2].guarantee_millicpus = 1001;
	rules[0].guarantee_millicpus = 1900;
	host_second(&host, used, waited);
	host_check(&host);
	check_cpus(&host, 0, 0, 3, "less than a CPU for each vCPU is none of one's own");
	check_cpus(&host, 1, 3, 1, "who has them keeps them");
	rules[0].guarantee_millicpus = 1000;
	rules[2].guarantee_millicpus = 2001;
	host_second(&host, used, waited);
	host_check(&host);
	check_cpus(&host, 1, 0, 0, "what others were given is not taken");

	rules[0].guarantee_millicpus = 2000;
	rules[2].guarantee_millicpus = 500;
	host_second(&host, used, waited);
	host_check(&host);
	check_cpus(&host, 0, 2, 2, "and comes back");
	for (i = 0; i < 5; i++) {
		host_second(&host, calm, nobody);
		host_check(&host);
	}
	check_cpus(&host, 0, 0, 0, "without contention all are as found");
	check_cpus(&host, 3, 0, 0, "all of them");
	host_free(&host);
}

void test_manage(void)
{
	test_defaults();
	test_published_example();
	test_published_class_changes();
	test_hidden_demand();
	test_published_random();
	test_lending_holds();
	test_no_oscillation();
	test_no_contention();
	test_caps_go();
	test_given_back();
	test_sleepers_go_first();
	test_cpus_of_their_own();
	test_guarantees_are_kept();
	test_guarantees_within_hysteresis();
	test_small_guarantee();
	test_rate_limit();
	test_stall();
	test_refused();
}
