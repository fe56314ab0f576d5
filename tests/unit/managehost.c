// SPDX-License-Identifier: GPL-2.0
/* Samples as the policies are given them, made up. */
#include "managehost.h"

#include <stdlib.h>
#include <string.h>

void host_init(struct host *host, uint32_t cpus, const uint32_t *vcpus, size_t n)
{
	size_t i;

	memset(host, 0, sizeof(*host));
	manage_options_init(&host->options);
	manage_state_init(&host->state);
	host->now = (struct manage_sample){ .time_ns = SECOND, .cpus = cpus, .vms = host->vms,
					    .n_vms = n };
	for (i = 0; i < n; i++)
		host->vms[i] = (struct manage_vm){ .pid = 100 + (uint32_t)i, .start_time_ns = 7,
						   .vcpus = vcpus[i],
						   .quota_ns = MANAGE_UNLIMITED };
}

void host_free(struct host *host)
{
	free(host->decisions);
	manage_state_free(&host->state);
}

int host_check(struct host *host)
{
	size_t n;
	int ret;

	free(host->decisions);
	host->decisions = NULL;
	ret = manage_decide(&host->state, host->begun ? &host->before : NULL, &host->now,
			    &host->options, &host->decisions, &n);
	memcpy(host->old, host->vms, sizeof(host->old));
	host->before = host->now;
	host->before.vms = host->old;
	host->begun = true;
	return ret;
}

void host_apply(struct host *host)
{
	size_t i;

	for (i = 0; i < host->now.n_vms; i++) {
		if (!host->decisions[i].change)
			continue;
		host->vms[i].quota_ns = host->decisions[i].quota_ns;
		host->vms[i].period_ns = host->decisions[i].period_ns;
		host->vms[i].weight = host->decisions[i].weight;
		host->vms[i].cpus_first = host->decisions[i].cpus_first;
		host->vms[i].cpus = host->decisions[i].cpus;
	}
}

void host_second(struct host *host, const uint64_t *used, const uint64_t *waited)
{
	uint64_t idle = 1000ull * host->now.cpus;
	size_t i;

	for (i = 0; i < host->now.n_vms; i++) {
		host->vms[i].run_ns += used[i] * MS;
		host->vms[i].ready_ns += waited[i] * MS;
		idle -= used[i];
	}
	host->now.idle_ns += idle * MS;
	host->now.time_ns += SECOND;
}
