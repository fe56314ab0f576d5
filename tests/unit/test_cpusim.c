// SPDX-License-Identifier: GPL-2.0
/*
 * The simulated host against what scheduling theory says, loads against what they
 * were made of, and learning against an exhaustive look at what it was given.
 */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/learn.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

static struct cpusim_burst jobs[][4] = {
	{ { 0, 4 * SECOND }, { 0, 4 * SECOND } },
	{ { 0, 4 * SECOND }, { 0, 4 * SECOND } },
	{ { 0, 1 * SECOND } },
};

static bool close_to(uint64_t got, uint64_t wanted, uint64_t permille)
{
	return got * 1000 >= wanted * (1000 - permille) && got * 1000 <= wanted * (1000 + permille);
}

static void test_shares(void)
{
	struct cpusim_vm vms[] = {
		{ .name = "a", .vcpus = 2, .bursts = jobs[0], .n_bursts = 2, .role = CPUSIM_BATCH },
		{ .name = "b", .vcpus = 2, .bursts = jobs[1], .n_bursts = 2, .role = CPUSIM_BATCH },
		{ .name = "c", .vcpus = 1, .bursts = jobs[2], .n_bursts = 1, .role = CPUSIM_BATCH },
	};
	struct cpusim_load load = { .cpus = 2, .duration_ns = 10 * SECOND, .vms = vms, .n_vms = 2 };
	struct cpusim_outcome outcomes[3];

	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, outcomes), 0, "it runs");
	ok(close_to(outcomes[0].finished_ns, 8 * SECOND, 10) &&
	   close_to(outcomes[1].finished_ns, 8 * SECOND, 10), "equals share: 16 s of work on 2 CPUs");
	is_number(outcomes[0].done_ns, 8 * SECOND, "work is neither lost nor made");
	cpusim_run(&load, NULL, 1, outcomes);
	is_number(outcomes[1].finished_ns, 4 * SECOND, "alone it takes its time");
	is_number(outcomes[1].involuntary_switches + outcomes[1].ready_ns, 0,
		  "and is never displaced");
	load.n_vms = 3;
	cpusim_run(&load, NULL, SIZE_MAX, outcomes);
	/* a third of the host each, of which one vCPU takes at most one CPU */
	ok(close_to(outcomes[2].finished_ns, 1500 * MS, 50), "a VM of one vCPU has the share of a VM: %llu",
	   (unsigned long long)outcomes[2].finished_ns);
}

/* The least guarantee of a heavy service VM, over which the manager has to put a cap. */
static void test_quota(void)
{
	struct manage_rule rule = { .vm = "b", .class = MANAGE_SERVICE, .guarantee_given = true,
				    .guarantee_millicpus = 200 };
	struct cpusim_burst job[] = { { 0, 20 * SECOND }, { 0, 20 * SECOND } };
	struct cpusim_burst other[] = { { 0, 100 * SECOND }, { 0, 100 * SECOND } };
	struct cpusim_vm vms[] = {
		{ .name = "a", .vcpus = 2, .bursts = job, .n_bursts = 2, .role = CPUSIM_BATCH },
		{ .name = "b", .vcpus = 2, .bursts = other, .n_bursts = 2,
		  .role = CPUSIM_BACKGROUND },
	};
	struct cpusim_load load = { .cpus = 2, .duration_ns = 45 * SECOND, .vms = vms, .n_vms = 2 };
	struct cpusim_outcome plain[2], managed[2];
	struct manage_options options;

	manage_options_init(&options);
	options.rules = &rule;
	options.n_rules = 1;
	cpusim_run(&load, NULL, SIZE_MAX, plain);
	is_number((uint64_t)-cpusim_run(&load, &options, SIZE_MAX, managed), 0, "it runs managed");
	ok(close_to(plain[0].finished_ns, 40 * SECOND, 10), "half of the host without the manager");
	/* a second at half speed until the first check, then 2 - 0.2 CPUs by weight */
	ok(close_to(managed[0].finished_ns, SECOND + (40 - 1) * SECOND * 1000 / 1800, 10),
	   "what the neighbour must leave is the batch VM's: %llu",
	   (unsigned long long)managed[0].finished_ns);
	ok(managed[0].involuntary_switches * 2 < plain[0].involuntary_switches,
	   "with less than half of the switches");
	ok(managed[1].checks_capped > 15, "the neighbour was capped");
	cpusim_run(&load, &options, SIZE_MAX, plain);
	ok(!memcmp(plain, managed, sizeof(plain)), "a second run is equal to the last digit");
}

static void test_families(void)
{
	struct cpuload load, again;
	unsigned int wrong = 0, differ = 0;
	int family;
	size_t i;

	for (family = 0; family < LOAD_FAMILIES; family++) {
		cpuload_make((enum cpuload_family)family, 3, &load);
		cpuload_make((enum cpuload_family)family, 3, &again);
		wrong += load.load.n_vms != again.load.n_vms || !load.load.n_vms;
		for (i = 0; i < load.load.n_vms && !wrong; i++)
			wrong += load.load.vms[i].n_bursts != again.load.vms[i].n_bursts ||
				 memcmp(load.load.vms[i].bursts, again.load.vms[i].bursts,
					again.load.vms[i].n_bursts * sizeof(struct cpusim_burst));
		cpuload_free(&again);
		cpuload_make((enum cpuload_family)family, 4, &again);
		differ += memcmp(load.load.vms[0].bursts, again.load.vms[0].bursts,
				 sizeof(struct cpusim_burst)) != 0;
		cpuload_free(&load);
		cpuload_free(&again);
	}
	is_number(wrong, 0, "a seed makes one load");
	is_number(differ, LOAD_FAMILIES, "another seed another");
}

/* No manager can make better what nobody waits for, and ours makes it no worse. */
static void test_quiet(void)
{
	struct manage_options options;
	struct learn_load prepared;
	struct learn_score score;
	unsigned int worse = 0, seed;
	struct cpuload load;

	manage_options_init(&options);
	for (seed = 1; seed < 6; seed++) {
		cpuload_make(LOAD_QUIET, seed, &load);
		learn_prepare(&load, &prepared);
		learn_score(&prepared, &options, &score);
		worse += fabs(score.score) > 1e-9;
		learn_free(&prepared);
		cpuload_free(&load);
	}
	is_number(worse, 0, "without contention nothing is lost, and nothing gained");
}

static unsigned int worsened(const struct learn_load *prepared)
{
	struct cpusim_outcome *managed = calloc(prepared->load->load.n_vms + 1, sizeof(*managed));
	struct manage_options options;
	unsigned int worse = 0;
	size_t i;

	manage_options_init(&options);
	options.rules = prepared->load->rules;
	options.n_rules = prepared->load->n_rules;
	cpusim_run(&prepared->load->load, &options, SIZE_MAX, managed);
	for (i = 0; i < prepared->load->load.n_vms; i++) {
		uint64_t plain = prepared->plain[i].response_p99_ns;

		if (prepared->load->load.vms[i].role == CPUSIM_SERVICE)
			worse += managed[i].response_p99_ns > plain + plain / 10 + CPUSIM_TICK_NS;
	}
	free(managed);
	return worse;
}

/* What the scheduler gives to service VMs they do not lose, whoever else has guarantees. */
static void test_latency(void)
{
	struct learn_load prepared;
	unsigned int seed, worse;
	struct cpuload load;
	int family;

	for (family = 0; family < LOAD_FAMILIES; family++) {
		worse = 0;
		for (seed = 1; seed < 5; seed++) {
			cpuload_make((enum cpuload_family)family, seed, &load);
			learn_prepare(&load, &prepared);
			worse += worsened(&prepared);
			learn_free(&prepared);
			cpuload_free(&load);
		}
		is_number(worse, 0, "%s: no service VM's P99 is a tenth above that without the manager",
			  cpuload_family_name((enum cpuload_family)family));
	}
}

#define GREEDY 6

/* Services that want 0.55 CPUs each, nearly twice what the job's guarantee leaves. */
static void test_greedy_services(void)
{
	struct manage_rule rule = { .vm = "job", .class = MANAGE_BATCH, .guarantee_given = true,
				    .guarantee_millicpus = 1000 };
	struct cpusim_burst job[] = { { 0, 10 * SECOND }, { 0, 10 * SECOND } };
	struct cpusim_vm vms[GREEDY + 1] = {
		{ .name = "job", .vcpus = 2, .bursts = job, .n_bursts = 2, .role = CPUSIM_BATCH },
	};
	struct cpusim_load load = { .cpus = 2, .duration_ns = 40 * SECOND, .vms = vms,
				    .n_vms = GREEDY + 1 };
	struct cpusim_outcome plain[GREEDY + 1], managed[GREEDY + 1];
	struct manage_options options;
	uint64_t at;
	size_t i;

	for (i = 1; i <= GREEDY; i++) {
		vms[i] = (struct cpusim_vm){ .name = "greedy", .vcpus = 1, .role = CPUSIM_SERVICE };
		for (at = i * 7 * MS; at < load.duration_ns; at += 100 * MS)
			cpusim_add_burst(&vms[i], at, 55 * MS);
	}
	manage_options_init(&options);
	options.rules = &rule;
	options.n_rules = 1;
	cpusim_run(&load, NULL, SIZE_MAX, plain);
	cpusim_run(&load, &options, SIZE_MAX, managed);
	ok(plain[0].finished_ns == 0 || plain[0].finished_ns > 25 * SECOND,
	   "the scheduler alone lets services take the job's part: %llu",
	   (unsigned long long)plain[0].finished_ns);
	ok(managed[0].finished_ns && managed[0].finished_ns < 22 * SECOND,
	   "20 s of work at a guarantee of one CPU are done in 22 s: %llu",
	   (unsigned long long)managed[0].finished_ns);
	for (i = 1; i <= GREEDY; i++)
		free(vms[i].bursts);
}

/* Ten samples of a job on both vCPUs that got half of its time, and of a server. */
static void make_samples(struct manage_sample *samples, struct manage_vm (*vms)[2])
{
	uint64_t i;

	for (i = 0; i < 10; i++) {
		vms[i][0] = (struct manage_vm){
			.pid = 5, .start_time_ns = 1, .name = "job", .vcpus = 2,
			.run_ns = i * SECOND, .ready_ns = i * SECOND, .quota_ns = MANAGE_UNLIMITED };
		vms[i][1] = (struct manage_vm){
			.pid = 6, .start_time_ns = 1, .vcpus = 1, .run_ns = i * 200 * MS,
			.voluntary_switches = i * 20, .quota_ns = MANAGE_UNLIMITED };
		samples[i] = (struct manage_sample){ .time_ns = 1 + i * SECOND, .cpus = 2,
						     .vms = vms[i], .n_vms = 2 };
	}
}

static void test_recall(void)
{
	struct manage_rule rule = { .vm = "6", .class = MANAGE_SERVICE, .weight = 70 };
	struct manage_options options = { .rules = &rule, .n_rules = 1 };
	struct manage_sample samples[10];
	struct manage_vm vms[10][2];
	struct cpuload load;
	size_t i;

	make_samples(samples, vms);
	is_number((uint64_t)-cpuload_from_samples(samples, 0, 10, &options, &load), 0,
		  "a load is made of samples");
	is_number(load.load.duration_ns, 9 * SECOND, "as long as they are");
	ok(load.load.vms[0].role == CPUSIM_BATCH && load.load.vms[0].n_bursts == 2 &&
	   load.load.vms[0].bursts[0].work_ns == 4500 * MS, "the job is one, with the work it did");
	ok(load.load.vms[1].role == CPUSIM_SERVICE && load.load.vms[1].n_bursts == 180 &&
	   load.load.vms[1].bursts[7].work_ns == 10 * MS, "the server did 20 times 10 ms a second");
	ok(load.n_rules == 1 && !strcmp(load.rules[0].vm, load.load.vms[1].name) &&
	   load.rules[0].weight == 70, "rules by pid find the VM in the simulation");
	cpuload_free(&load);
	is_number((uint64_t)-cpuload_from_samples(samples, 0, 1, &options, &load), 22,
		  "one sample is none");
	samples[9].time_ns = samples[0].time_ns + 864000000000001;
	is_number((uint64_t)-cpuload_from_samples(samples, 0, 10, &options, &load), 22,
		  "nor are more than ten days one");
	for (i = 0; i < 10; i++)
		samples[i].n_vms = 0;
	is_number((uint64_t)-cpuload_from_samples(samples, 0, 9, &options, &load), 22, "nor is a host without VMs");
}

/* What cannot be simulated is refused, however it came about. */
static void test_refused(void)
{
	struct cpusim_burst bursts[] = { { 5, 7 }, { 4, 7 } };
	struct cpusim_vm vm = { .vcpus = 1, .bursts = bursts, .n_bursts = 1 };
	struct cpusim_load load = { .cpus = 1, .duration_ns = SECOND, .vms = &vm, .n_vms = 1 };
	struct cpusim_outcome outcome;
	struct manage_options options;

	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), 0, "a load");
	vm.n_bursts = 2;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "work in no order");
	vm.n_bursts = 1;
	bursts[0].work_ns = 0;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "work that is none");
	bursts[0].work_ns = INT64_MAX;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "work without end");
	bursts[0].work_ns = 7;
	vm.vcpus = 0;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "a VM without vCPUs");
	vm.vcpus = 1;
	load.cpus = 0;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "a host without CPUs");
	load.cpus = 65537;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "or with too many");
	load.cpus = 1;
	load.duration_ns = INT64_MAX;
	is_number((uint64_t)-cpusim_run(&load, NULL, SIZE_MAX, &outcome), EINVAL, "more time than there is");
	load.duration_ns = SECOND;
	manage_options_init(&options);
	options.alpha_permille = 0;
	is_number((uint64_t)-cpusim_run(&load, &options, SIZE_MAX, &outcome), EINVAL, "settings out of range");
}

/* The one setting that matters here has few values: try them all. */
static void test_learning(void)
{
	static const uint32_t betas[] = { 1, 2, 3, 5, 8 };
	struct manage_options options, tried;
	struct learn_load prepared;
	struct learn_report report;
	struct learn_score score;
	struct cpuload load;
	double best = 1e9;
	size_t i;

	manage_options_init(&options);
	cpuload_make(LOAD_NEIGHBOURS, 9, &load);
	learn_prepare(&load, &prepared);
	for (i = 0; i < sizeof(betas) / sizeof(betas[0]); i++) {
		tried = options;
		tried.beta = betas[i];
		learn_score(&prepared, &tried, &score);
		best = score.score < best ? score.score : best;
	}
	is_number((uint64_t)-learn_options(&prepared, 1, &options, &report), 0, "it learns");
	ok(report.after.score <= best + 0.011, "as good as any beta: %.3f, %.3f",
	   report.after.score, best);
	learn_score(&prepared, &options, &score);
	ok(score.score == report.after.score, "what it says is what the settings do");
	ok(report.runs > 20 && !manage_options_wrong(&options), "within range");
	learn_free(&prepared);
	cpuload_free(&load);
}

void test_cpusim(void)
{
	test_shares();
	test_quota();
	test_families();
	test_quiet();
	test_latency();
	test_greedy_services();
	test_refused();
	test_recall();
	test_learning();
}
