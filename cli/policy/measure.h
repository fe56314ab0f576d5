/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_MEASURE_H
#define VMSHARE_POLICY_MEASURE_H

#include "policy/manage.h"

/*
 * What two samples of a host say: rates in millicpus between them, and what
 * each VM is guaranteed. Pure functions.
 */
struct measure_vm {
	const struct manage_vm *vm;
	const struct manage_rule *rule;	/* or NULL */
	bool measured;			/* it was there before, with the same identity */
	bool left_alone;
	uint64_t vcpus;			/* millicpus that its vCPUs could use at most */
	uint64_t usage, vmm;		/* vmm is part of usage */
	uint64_t wait;			/* vCPUs held back */
	uint64_t demand;		/* usage and wait: an upper bound of what it wants */
	uint64_t guarantee;		/* never above vcpus */
	uint64_t found;			/* its quota as a rate; MANAGE_UNLIMITED: none */
	uint32_t weight;
};

struct measure {
	uint64_t elapsed_ns;		/* 0: there was no sample before */
	uint64_t cpus, idle;
	uint64_t capacity;		/* what is there for the VMs that are managed */
	bool overbooked;		/* the guarantees given are more than that, and were scaled */
	struct measure_vm *vms;		/* one per VM of the sample */
	size_t n_vms;
};

/* -EINVAL if the samples cannot follow each other, -ENOMEM; 0 otherwise. */
int measure_samples(const struct manage_sample *previous, const struct manage_sample *now,
		    const struct manage_options *options, struct measure *measure);
void measure_free(struct measure *measure);

/*
 * Shares total out by weight, nobody more than its limit, until all of it is
 * given or all limits are reached. share is filled; returns what was given.
 * Shares are rounded down, so a few thousandths may stay. -ENOMEM by false.
 */
struct fill {
	uint64_t limit, share;
	uint32_t weight;		/* not 0 */
};

bool fill_by_weight(uint64_t total, struct fill *fills, size_t n, uint64_t *given);

#endif
