// SPDX-License-Identifier: GPL-2.0
/* What the manager's decisions do when not all of them were carried out, and at thresholds. */
#include "test.h"

#include <stdlib.h>

#include "managehost.h"

/* A job that is guaranteed its CPU, and neighbours that want as much as they can get. */
static struct manage_rule job_rule = { .vm = "100", .class = MANAGE_BATCH, .guarantee_given = true,
				       .guarantee_millicpus = 1000 };

static void job_host(struct host *host)
{
	static const uint32_t vcpus[] = { 1, 2, 2 };

	host_init(host, 2, vcpus, 3);
	host->options.rules = &job_rule;
	host->options.n_rules = 1;
	host->options.pin = true;
	host_check(host);
}

static void crowded_second(struct host *host)
{
	static const uint64_t used[] = { 500, 750, 750 }, waited[] = { 500, 1250, 1250 };

	host_second(host, used, waited);
	host_check(host);
}

/* The journal could not be written, or the VM was moved. */
static void test_lost_decisions(void)
{
	struct host host;

	job_host(&host);
	crowded_second(&host);
	ok(host.decisions[0].change && host.decisions[0].weight && host.decisions[0].cpus,
	   "a weight and CPUs are decided");
	crowded_second(&host);
	ok(host.decisions[0].change, "and again while they are not in place");
	host_apply(&host);
	crowded_second(&host);
	ok(!host.decisions[0].change, "but not once they are");
	host.vms[0].weight = host.vms[0].cpus_first = host.vms[0].cpus = 0;
	crowded_second(&host);
	ok(host.decisions[0].change && host.decisions[0].weight, "they were put back: again");
	host_free(&host);
}

static void test_unmanaged_and_back(void)
{
	struct host host;

	job_host(&host);
	crowded_second(&host);
	host_apply(&host);
	job_rule.unmanaged = true;
	crowded_second(&host);
	ok(!host.decisions[0].change, "nothing is decided of a VM that is not managed");
	host.vms[0].weight = host.vms[0].cpus_first = host.vms[0].cpus = 0;
	job_rule.unmanaged = false;
	crowded_second(&host);
	ok(host.decisions[0].change && host.decisions[0].cpus, "what it had before comes back");
	host_free(&host);
}

static void test_policy_changes(void)
{
	struct host host;

	job_host(&host);
	crowded_second(&host);
	host_apply(&host);
	host.options.policy = MANAGE_PUBLISHED;
	crowded_second(&host);
	ok(host.decisions[1].change && !host.decisions[1].weight && !host.decisions[1].cpus,
	   "the published algorithm has no weights and no CPUs: as found");
	host_apply(&host);
	crowded_second(&host);
	ok(host.decisions[0].quota_ns != MANAGE_UNLIMITED && !host.decisions[0].change,
	   "its quotas stay");
	host.vms[0].quota_ns = MANAGE_UNLIMITED;
	host.vms[0].period_ns = 0;
	crowded_second(&host);
	ok(host.decisions[0].change, "and are set again if they were lost");
	host_free(&host);
}

/* A service VM that works like batch, capped at its guarantee, beside a job. */
static struct manage_rule heavy_rule = { .vm = "100", .class = MANAGE_SERVICE,
					 .guarantee_given = true, .guarantee_millicpus = 250 };

static void capped_second(struct host *host, uint64_t vmm)
{
	static const uint64_t used[] = { 290, 1700 }, waited[] = { 1710, 300 };

	host->vms[0].vmm_ns += vmm * MS;
	host_second(host, used, waited);
	host_check(host);
	host_apply(host);
}

static void capped_host(struct host *host)
{
	static const uint32_t vcpus[] = { 2, 2 };
	int i;

	host_init(host, 2, vcpus, 2);
	host->options.rules = &heavy_rule;
	host->options.n_rules = 1;
	host->options.vmm_floor_millicpus = 20;
	host->options.burst_permille = 200;
	host_check(host);
	for (i = 0; i < 8; i++)
		capped_second(host, 0);
}

static uint64_t capped_at(const struct host *host)
{
	return (host->vms[0].quota_ns * 1000 + host->vms[0].period_ns / 2) / host->vms[0].period_ns;
}

/* The quota stays, and with it all that belongs to it. */
static void test_what_stays(void)
{
	struct host host;
	uint64_t quota, burst, vcpu_quota;

	capped_host(&host);
	is_number(capped_at(&host), 270, "a cap at the guarantee and the VMM's part");
	quota = host.decisions[0].quota_ns;
	burst = host.decisions[0].burst_ns;
	vcpu_quota = host.decisions[0].vcpu_quota_ns;
	is_number(burst, quota / 5 - quota / 5 % 1000, "with its burst");
	capped_second(&host, 15);
	is_number(host.decisions[0].quota_ns, quota, "the VMM uses a little more: it stays");
	is_number(host.decisions[0].burst_ns, burst, "and so does its burst");
	is_number(host.decisions[0].vcpu_quota_ns, vcpu_quota, "and what each vCPU has");
	host.options.burst_permille = 0;
	capped_second(&host, 15);
	is_number(host.decisions[0].burst_ns, burst, "until the quota changes");
	host_free(&host);
}

/* Whoever sets quotas is away while another is wanted, and back when it no longer is. */
static void test_stays_though_another_was_decided(void)
{
	static const uint64_t used[] = { 290, 1700 }, waited[] = { 1710, 300 };
	uint64_t quota, burst, vcpu_quota;
	struct host host;

	capped_host(&host);
	quota = host.vms[0].quota_ns;
	burst = host.decisions[0].burst_ns;
	vcpu_quota = host.decisions[0].vcpu_quota_ns;
	heavy_rule.guarantee_millicpus = 500;
	host_second(&host, used, waited);
	host_check(&host);
	ok(host.decisions[0].change && host.decisions[0].quota_ns > quota, "more is decided, and not set");
	heavy_rule.guarantee_millicpus = 250;
	host_second(&host, used, waited);
	host_check(&host);
	ok(!host.decisions[0].change, "what is in place is right again");
	is_number(host.decisions[0].quota_ns, quota, "the quota");
	is_number(host.decisions[0].burst_ns, burst, "its burst");
	ok(host.decisions[0].vcpu_quota_ns <= vcpu_quota && host.decisions[0].vcpu_quota_ns + 1000 >= vcpu_quota,
	   "and what each vCPU has, which is counted from it anew");
	host_free(&host);
}

/* Near enough to what is wanted, but the VMM uses what the vCPUs are guaranteed. */
static void test_vmm_within_guarantee(void)
{
	struct host host;

	capped_host(&host);
	capped_second(&host, 22);
	is_number(capped_at(&host), 294, "who has less than its guarantee left is given more at once");
	host_free(&host);
}

/* A large host: half of it is one VM's, the rest is divided among 300. */
static void test_many_weights(void)
{
	static struct manage_rule rules[] = {
		{ .vm = "*", .class = MANAGE_BATCH },
		{ .vm = "1", .class = MANAGE_BATCH, .guarantee_given = true,
		  .guarantee_millicpus = 32000 },
	};
	static struct manage_vm before[301], now[301];
	struct manage_sample first = { .time_ns = SECOND, .cpus = 64, .vms = before, .n_vms = 301 };
	struct manage_sample second = { .time_ns = 2 * SECOND, .cpus = 64, .vms = now, .n_vms = 301 };
	struct manage_decision *decisions;
	struct manage_options options;
	struct manage_state state;
	uint64_t sum = 0;
	size_t i, n;

	for (i = 0; i < 301; i++) {
		now[i] = before[i] = (struct manage_vm){ .pid = 1 + (uint32_t)i, .vcpus = i ? 1 : 32,
							 .quota_ns = MANAGE_UNLIMITED };
		now[i].run_ns = (i ? 120 : 28000) * MS;
		now[i].ready_ns = (i ? 880 : 4000) * MS;
	}
	manage_options_init(&options);
	manage_state_init(&state);
	options.rules = rules;
	options.n_rules = 2;
	manage_decide(&state, NULL, &first, &options, &decisions, &n);
	free(decisions);
	manage_decide(&state, &first, &second, &options, &decisions, &n);
	for (i = 0; i < n; i++)
		sum += decisions[i].weight;
	ok(decisions[0].weight <= 10000, "no weight is above what the kernel takes: %u",
	   decisions[0].weight);
	ok(64000 * decisions[0].weight / sum >= 31900, "and half of the host is half of the weights: %u "
	   "of %llu", decisions[0].weight, (unsigned long long)sum);
	free(decisions);
	manage_state_free(&state);
}

/* A service VM that is almost idle, a little more or less, beside capped batch VMs. */
static void test_almost_idle(void)
{
	static const uint32_t vcpus[] = { 1, 2, 2 };
	static const uint64_t used[][3] = { { 14, 990, 990 }, { 8, 990, 990 } };
	static const uint64_t waited[] = { 0, 1010, 1010 };
	unsigned int changes = 0, step;
	struct host host;

	host_init(&host, 2, vcpus, 3);
	host.options.cap = MANAGE_CAP_BATCH;
	host_check(&host);
	for (step = 0; step < 40; step++) {
		host_second(&host, used[step % 2], waited);
		host_check(&host);
		changes += step >= 20 && host.decisions[1].change;
		host_apply(&host);
	}
	is_number(changes, 0, "caps do not come and go with it");
	ok(host.vms[1].quota_ns != MANAGE_UNLIMITED, "they are there");
	for (step = 0; step < 5; step++) {
		host_second(&host, used[1], waited);
		host_check(&host);
		host_apply(&host);
	}
	ok(host.vms[1].quota_ns == MANAGE_UNLIMITED, "until it has been idle for a while");
	host_free(&host);
}

/* A service VM about as busy as alpha, beside a light one and batch VMs. */
static void test_weights_at_alpha(void)
{
	static const uint32_t vcpus[] = { 1, 1, 2, 2 };
	static const uint64_t below[] = { 207, 100, 800, 800 }, above[] = { 213, 100, 800, 800 };
	static const uint64_t batch[] = { 260, 100, 800, 800 };
	static const uint64_t waited[] = { 700, 100, 1200, 1200 };
	unsigned int changes = 0, step;
	uint32_t light;
	struct host host;

	host_init(&host, 2, vcpus, 4);
	host_check(&host);
	for (step = 0; step < 40; step++) {
		host_second(&host, step % 2 ? below : above, waited);
		host_check(&host);
		changes += step >= 20 && host.decisions[0].weight != host.vms[0].weight;
		host_apply(&host);
	}
	light = host.vms[0].weight;
	is_number(changes, 0, "its weight does not change with each check");
	ok(light > host.vms[2].weight, "it goes first: %u, %u", light, host.vms[2].weight);
	for (step = 0; step < 2; step++) {
		host_second(&host, above, waited);
		host_check(&host);
		host_apply(&host);
	}
	ok(host.vms[0].weight < light, "not above alpha twice in a row: %u", host.vms[0].weight);
	host_second(&host, below, waited);
	host_check(&host);
	host_apply(&host);
	ok(host.vms[0].weight > host.vms[2].weight, "below it again: %u", host.vms[0].weight);
	host_second(&host, batch, waited);
	host_check(&host);
	ok(host.decisions[0].weight < light, "nor clearly above it: %u", host.decisions[0].weight);
	host_free(&host);
}

/* Only a quota's changes are too many. */
static void test_when_quota_changed(void)
{
	const struct manage_memory *memory;
	struct host host;
	uint64_t changed;

	capped_host(&host);
	memory = manage_memory_of(&host.state, 100, 7);
	changed = memory->changed_ns;
	host.vms[0].weight = 1;
	host_second(&host, (const uint64_t[]){ 290, 1700 }, (const uint64_t[]){ 1710, 300 });
	host_check(&host);
	memory = manage_memory_of(&host.state, 100, 7);
	ok(host.decisions[0].change, "a weight is set again");
	is_number(memory->changed_ns, changed, "which is no change of the quota");
	host_free(&host);
}

void test_lending(void)
{
	test_weights_at_alpha();
	test_when_quota_changed();
	test_almost_idle();
	test_many_weights();
	test_what_stays();
	test_stays_though_another_was_decided();
	test_vmm_within_guarantee();
	test_lost_decisions();
	test_unmanaged_and_back();
	test_policy_changes();
}
