/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_MANAGE_H
#define VMSHARE_POLICY_MANAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What CPU each VM is given: from two samples of a host's counters to one
 * decision per VM. Pure functions: no input, no output, no clock.
 *
 * CPU time is in nanoseconds; a rate of CPU is in thousandths of one CPU
 * ("millicpus", 1000 is one CPU all the time); parts are in thousandths
 * ("permille"). Equal input gives equal output, on every machine.
 */
#define MANAGE_UNLIMITED UINT64_MAX
#define MANAGE_REASON 240
#define MANAGE_VMS_MAX 16000

/* What the kernel takes for cpu.max: a period of 1 ms to 1 s, a quota from 1 ms. */
#define MANAGE_PERIOD_MIN_NS 1000000ull
#define MANAGE_PERIOD_MAX_NS 1000000000ull
#define MANAGE_QUOTA_MIN_NS 1000000ull

/* No period is chosen shorter: each one costs. */
#define MANAGE_SHORTEST_NS 10000000ull

enum manage_class {
	MANAGE_AUTO,			/* in options only: by measurement */
	MANAGE_SERVICE,			/* light and in bursts: a desktop, a web server */
	MANAGE_BATCH,			/* long CPU-bound jobs; "scientific" in the study */
};

enum manage_policy {
	MANAGE_LENDING,			/* ours: guarantees, what they leave is lent */
	MANAGE_PUBLISHED,		/* the study's algorithm as printed */
};

/* Who may be given a quota. */
enum manage_cap {
	MANAGE_CAP_NONE,		/* nobody: weights only */
	MANAGE_CAP_HEAVY,		/* who is a service VM by configuration and works like batch */
	MANAGE_CAP_BATCH,		/* these, and batch VMs beside service VMs */
};

/* What the operator says of one VM. The strings belong to whoever made the options. */
struct manage_rule {
	char *vm;			/* its name, UUID or pid */
	enum manage_class class;	/* MANAGE_AUTO, or it stays in this one */
	bool guarantee_given;
	uint64_t guarantee_millicpus;	/* SLA: the least CPU it gets when it wants it */
	uint32_t weight;		/* its part of what is shared out; 1 to 10000, 0: 100 */
	bool unmanaged;			/* never touched; its use still counts */
};

/* manage_options_init() fills in the values in brackets. */
struct manage_options {
	enum manage_policy policy;	/* [MANAGE_LENDING] */
	uint32_t alpha_permille;	/* [700] usage from which a check counts as batch; 1..1000 */
	uint32_t beta;			/* [3] a count above this moves the VM; 0..1000 */
	uint64_t t_check_ns;		/* [1 s] time between checks; 100 ms..1 h */

	uint64_t period_ns;		/* [100 ms] of CFS bandwidth */

	/* the rest matters to MANAGE_LENDING alone */
	uint64_t floor_millicpus;	/* [50] no VM is ever capped below this */
	uint64_t vmm_floor_millicpus;	/* [50] added to every quota for the VMM's own threads */
	uint64_t stall_max_ns;		/* [80 ms] longest time a quota may stop a whole VM */
	uint32_t headroom_permille;	/* [0] of the CPUs: what capped batch VMs leave to bursts */
	uint32_t contention_permille;	/* [50] waiting beyond this part of the CPUs calls for caps */
	uint32_t calm_checks;		/* [3] checks without contention until caps go */
	uint32_t hysteresis_permille;	/* [100] a quota that differs by less stays */
	uint64_t rate_limit_ns;		/* [2 s] between two changes of one VM's quota */
	uint32_t burst_permille;	/* [0] of the quota; unused time kept for later */
	enum manage_cap cap;		/* [MANAGE_CAP_HEAVY] */
	bool pin;			/* [no] CPUs of their own, see pins.c */
	uint32_t service_boost;		/* [4] light service VMs have so many times the highest other weight */

	struct manage_rule *rules;	/* the first that names a VM holds */
	size_t n_rules;
};

/* One VM at one moment. Counters grow from the VM's birth. */
struct manage_vm {
	uint32_t pid;
	uint64_t start_time_ns;		/* with the pid: its identity */
	char *name, *uuid;		/* NULL: not known */
	uint32_t vcpus;
	uint64_t run_ns;		/* of all threads and of kernel threads working for it */
	uint64_t vmm_ns;		/* part of run_ns: what is no vCPU's */
	uint64_t guest_ns;		/* part of run_ns: in guest mode */
	uint64_t ready_ns;		/* its vCPUs runnable and not running, for whatever reason */
	uint64_t throttled_ns;		/* held back by its quota; 0 if not known */
	uint64_t voluntary_switches, involuntary_switches;	/* of all threads */

	/* limits as found now, those that vmshare has set too */
	uint64_t quota_ns;		/* per period; MANAGE_UNLIMITED: none */
	uint64_t period_ns;		/* 0 without a quota */
	bool foreign;			/* limits that somebody else has set: left alone */

	/* what vmshare has set besides, as it was decided; 0: as found. Not in traces. */
	uint32_t weight;
	uint32_t cpus_first, cpus;
};

struct manage_sample {
	uint64_t time_ns;		/* of a clock that only goes forward */
	uint32_t cpus;			/* online */
	uint64_t idle_ns;		/* of all CPUs together, since boot */
	struct manage_vm *vms;		/* ascending by pid, each pid once */
	size_t n_vms;
};

/* What is remembered of a VM from check to check. */
struct manage_memory {
	uint32_t pid;
	uint64_t start_time_ns;
	enum manage_class class;
	int32_t count;			/* the published algorithm's has no floor */
	bool pressed, heavy;		/* above alpha at the last check; so much so that it counts */
	uint64_t changed_ns;		/* when its quota was last changed; 0: never */
	uint64_t quota_ns, period_ns;	/* decided last */
	uint64_t burst_ns, vcpu_quota_ns;	/* likewise */
	uint32_t weight;		/* likewise; 0: as it was found */
	uint32_t cpus_first, cpus;	/* likewise */
};

/*
 * All that a decision depends on besides samples and options. Plain data: who
 * wants to keep it writes the members. VMs that are gone are forgotten.
 */
struct manage_state {
	struct manage_memory *vms;	/* ascending by pid */
	size_t n_vms;
	bool contended;			/* caps are on */
	uint32_t calm;			/* checks in a row without contention */
	uint32_t service_wants, batch_wants;	/* checks for which such VMs are taken to want CPU */
};

struct manage_decision {
	uint32_t pid;
	uint64_t start_time_ns;
	enum manage_class class, class_before;
	int32_t count;

	/* what was measured between the samples, and what follows */
	uint64_t usage_millicpus;	/* what it used */
	uint64_t demand_millicpus;	/* what it might use if nothing held it back */
	uint64_t guarantee_millicpus;
	uint64_t allowed_millicpus;	/* what it may use from now on; MANAGE_UNLIMITED: all */

	bool measured;			/* false: first seen, nothing is known yet */
	bool left_alone;		/* unmanaged, or limits of somebody else */
	bool change;			/* the limits below differ from those found: write them */
	uint64_t quota_ns;		/* of the whole VM per period; MANAGE_UNLIMITED: as it was found */
	uint64_t period_ns;		/* 0 without a quota */
	uint64_t burst_ns;
	/*
	 * The same for one vCPU thread, without the VMM's part: for a host that
	 * limits vCPUs one by one and leaves the VMM's threads free.
	 */
	uint64_t vcpu_quota_ns;
	uint32_t weight;		/* of cpu.weight, 1 to 10000; 0: as it was found */
	/* Where it may run, counted in an order that keeps cores together; cpus 0: as it was found. */
	uint32_t cpus_first, cpus;
	bool cpus_own;			/* nobody else of the managed VMs may run there */
	char reason[MANAGE_REASON];	/* one sentence */
};

void manage_options_init(struct manage_options *options);

/* Frees the rules. */
void manage_options_free(struct manage_options *options);

/* The rule for the VM, or NULL. */
const struct manage_rule *manage_rule_of(const struct manage_options *options,
					 const struct manage_vm *vm);

void manage_state_init(struct manage_state *state);
void manage_state_free(struct manage_state *state);
const struct manage_memory *manage_memory_of(const struct manage_state *state, uint32_t pid,
					     uint64_t start_time_ns);

/* Frees names and rows. */
void manage_sample_free(struct manage_sample *sample);

/*
 * One check. previous is the sample of the check before, or NULL at the first.
 * *out gets *n decisions, one per VM of now and in its order; the caller frees
 * it by free(). With n_vms 0 *out is NULL. Returns 0; -EINVAL if the samples
 * cannot follow each other (time or order of pids, no CPUs, too many VMs) or
 * the options are out of range: then nothing is changed; -ENOMEM, likewise.
 */
int manage_decide(struct manage_state *state, const struct manage_sample *previous,
		  const struct manage_sample *now, const struct manage_options *options,
		  struct manage_decision **out, size_t *n);

/* Why options are refused, or NULL; a sentence with the option's name in the config file. */
const char *manage_options_wrong(const struct manage_options *options);

/* The same, but for what only all of them together say: while they are read one by one. */
const char *manage_values_wrong(const struct manage_options *options);

/* "service", "batch"; "lending", "published"; "none", "heavy", "batch". */
const char *manage_class_name(enum manage_class class);
const char *manage_policy_name(enum manage_policy policy);
const char *manage_cap_name(enum manage_cap cap);
bool manage_policy_parse(const char *name, enum manage_policy *policy);

#endif
