/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CPU_H
#define VMSHARE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"

/*
 * What VMs' threads did on the CPUs: up to one moment, or, as the difference of
 * two moments, in the time between them.
 */
#define CPU_BUCKETS 63
#define CPU_COMM 16
#define CPU_EXIT_NAME 32

enum cpu_field {
	CPU_TRACKED_NS,			/* these since the hooks were attached */
	CPU_CPUS,
	CPU_VMS_NS,
	CPU_HOST_NS,
	CPU_IDLE_NS,
	CPU_FIELDS
};

enum thread_kind {
	THREAD_VCPU,
	THREAD_VMM,			/* another thread of the VM's process */
	THREAD_KERNEL,			/* a kernel thread that works for the VM */
	THREAD_KINDS
};

enum thread_field {
	THREAD_RUN_NS,			/* these since birth */
	THREAD_READY_NS,
	THREAD_GUEST_NS,		/* as the kernel counts it, by ticks mostly */
	THREAD_VOLUNTARY_SWITCHES,
	THREAD_INVOLUNTARY_SWITCHES,
	THREAD_MIGRATIONS,
	THREAD_EXITS,
	THREAD_WAITS,			/* these since the hooks were attached */
	THREAD_WAKEUPS,
	THREAD_WAIT_NS,
	THREAD_ENTRIES,
	THREAD_IN_GUEST_NS,		/* between each entry and exit */
	THREAD_FIELDS
};

/* Waits by length: element i counts those of at least 2^i and less than 2^(i+1) ns. */
struct histogram {
	bool known;
	uint64_t count[CPU_BUCKETS];	/* the first also has the shorter ones */
};

struct exit_count {
	char name[CPU_EXIT_NAME];
	uint64_t count;
};

struct counters {
	struct facts facts;		/* enum thread_field */
	struct histogram waits;
	struct exit_count *exits;	/* by reason, ascending by name */
	size_t n_exits;
};

struct thread {
	uint32_t pid;			/* of its VM */
	uint32_t tid;			/* 0: the VM's threads that have ended, in one sum */
	enum thread_kind kind;
	bool in_process;		/* of its VM: its use will be in the sum */
	uint32_t vcpu_id;		/* of a vCPU */
	char comm[CPU_COMM];
	struct counters counters;
};

/* While threads of one VM were ready, somebody else ran. */
struct preemption {
	uint32_t victim;
	uint32_t by;			/* 0: no VM */
	uint64_t count, wait_ns;
	uint64_t idle_ns, unknown_ns;	/* of wait_ns, with by 0 */
	bool idle_known, unknown_known;
};

struct cpu {
	uint64_t taken_ns;		/* CLOCK_MONOTONIC; of a moment only */
	uint64_t window_ns;		/* of a difference only, then never 0 */
	uint32_t hooks;			/* VMSHARE_HOOK_*: attached */
	struct facts host;		/* enum cpu_field */
	struct thread *threads;		/* ascending by pid and tid once sorted */
	size_t n_threads;
	struct preemption *preemptions;	/* ascending by victim and by once sorted */
	size_t n_preemptions;
	bool preemptions_known;
};

extern const char *const cpu_field_key[CPU_FIELDS];
extern const char *const thread_field_key[THREAD_FIELDS];
const char *thread_kind_name(enum thread_kind kind);
bool thread_kind_parse(const char *name, enum thread_kind *kind);

void cpu_free(struct cpu *cpu);

/* Append a row; NULL for want of memory. What was returned before is no longer valid. */
struct thread *cpu_add_thread(struct cpu *cpu);
struct preemption *cpu_add_preemption(struct cpu *cpu);

/* Brings the rows into order; false if one is there twice. */
bool cpu_sort(struct cpu *cpu);

/* Drops the threads and preemptions of VMs that keep() does not want. */
void cpu_keep(struct cpu *cpu, bool (*keep)(uint32_t pid, const void *data), const void *data);

/* The first thread of that VM, and how many there are; NULL: none. */
const struct thread *cpu_threads_of(const struct cpu *cpu, uint32_t pid, size_t *count);
const struct thread *cpu_thread(const struct cpu *cpu, uint32_t pid, uint32_t tid);

/*
 * What happened between two moments of one host. A counter that went backwards
 * belongs to another thread of that number, or to hooks attached anew, and
 * began at 0 meanwhile, as did those of a thread that was not there before. What
 * threads did before they ended is in the row of their VM's ended threads. Who ran in
 * their place and has been forgotten meanwhile is no news of the window.
 * Returns -1 for want of memory.
 */
int cpu_difference(const struct cpu *now, const struct cpu *before, struct cpu *window);

void counters_free(struct counters *counters);
int counters_copy(struct counters *to, const struct counters *from);

/* Adds to sum; what only one of them knows counts. -1 for want of memory. */
int counters_add(struct counters *sum, const struct counters *more);
int counters_add_exit(struct counters *counters, const char *name, uint64_t count);

/*
 * The wait that a part (0 to 1) of all waits is not longer than, in ns; false
 * without any wait. Inside of a bucket waits are taken as spread evenly, so the
 * answer is off by less than a factor of 2.
 */
bool histogram_quantile(const struct histogram *histogram, double part, uint64_t *ns);

#endif
