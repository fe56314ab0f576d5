/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_CHECK_H
#define VMSHARE_POLICY_CHECK_H

#include "policy/manage.h"
#include "policy/measure.h"

/*
 * One check of the manager under way: what was measured, and for each VM of the
 * sample what is remembered and what is decided, in the same order. The policies
 * work on the copies, so that a check that fails has changed nothing.
 */
struct check {
	const struct manage_options *options;
	uint64_t time_ns;
	struct measure measure;
	struct manage_memory *memory;
	struct manage_decision *decisions;
	size_t n;
	bool contended;
	uint32_t calm;
	uint32_t service_wants, batch_wants;
};

/* Both fill class, count, limits and reason of VMs that are not left alone. -ENOMEM or 0. */
int check_published(struct check *check);
int check_lending(struct check *check);

/* The rule of a VM keeps it in its class. */
bool check_class_given(const struct measure_vm *row);

/* Decisions about it are ours. */
bool check_manages(const struct check *check, size_t i);

/* Is its quota the one that was found? */
bool check_is_found(const struct manage_decision *decision, const struct manage_vm *found);

/* Apart by no more than that part of what is found. */
bool check_near(uint64_t found, uint64_t wanted, uint32_t permille);

/* A rate as quota per period, at least what the kernel takes. */
uint64_t check_quota(uint64_t millicpus, uint64_t period_ns);

void check_reason(struct manage_decision *decision, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Thousandths of a CPU as CPUs for a sentence: 1.50. */
#define CHECK_CPUS "%llu.%02llu"
#define CHECK_CPUS_OF(millicpus) (unsigned long long)((millicpus) / 1000), \
	(unsigned long long)((millicpus) % 1000 / 10)

#endif
