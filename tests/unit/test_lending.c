// SPDX-License-Identifier: GPL-2.0
/* What the manager's decisions do when not all of them were carried out, and at thresholds. */
#include "test.h"

#include <string.h>

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

void test_lending(void)
{
	test_lost_decisions();
	test_unmanaged_and_back();
	test_policy_changes();
}
