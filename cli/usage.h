/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_USAGE_H
#define VMSHARE_USAGE_H

#include "cpu.h"
#include "model.h"

/*
 * What one VM used of the CPUs in some time, by kind of thread. process is the
 * VMM's own threads, vCPUs among them; kernel are kernel threads that work for
 * it, on top, also those that newer kernels make part of the process.
 */
struct usage {
	uint64_t elapsed_ns;		/* 0: how long is not known, so no rates are */
	bool by_thread;			/* vcpus and kernel are known */
	unsigned int n_vcpus;
	struct counters process, vcpus, kernel;
};

/* From the threads of that VM; -1 for want of memory. */
int usage_of_threads(struct usage *usage, const struct cpu *cpu, uint32_t pid,
		     uint64_t elapsed_ns);

/* From the VM's own counters; before is NULL to count from its birth. */
void usage_of_vm(struct usage *usage, const struct vm *vm, const struct vm *before,
		 uint64_t elapsed_ns);

/*
 * The best that a snapshot knows: the time window it was taken over, else since
 * before (which may be NULL), else since the VM's birth.
 */
int usage_of(struct usage *usage, const struct snapshot *snap, const struct snapshot *before,
	     const struct vm *vm);

/* How long a VM was seen: over the time window, else since its birth; 0: not known. */
uint64_t usage_life_ns(const struct snapshot *snap, const struct vm *vm);

void usage_free(struct usage *usage);

/* One thread's counter per time, in hundredths of a percent; false if not known. */
bool usage_percent(uint64_t elapsed_ns, const struct counters *counters, enum thread_field field,
		   uint64_t *hundredths);

/* One counter per second, in hundredths. */
bool usage_rate(uint64_t elapsed_ns, const struct counters *counters, enum thread_field field,
		uint64_t *hundredths);

/* Time in guest mode: by the hooks if they were there, else as the kernel counts it. */
bool usage_guest_ns(const struct counters *vcpus, uint64_t *ns);

/* Run time of all but the vCPUs; false if not known, as without by_thread. */
bool usage_vmm_ns(const struct usage *usage, uint64_t *ns);

/* Involuntary switches among all, in hundredths of a percent. */
bool usage_involuntary(const struct counters *counters, uint64_t *hundredths);

#endif
