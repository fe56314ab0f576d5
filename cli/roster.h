/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_ROSTER_H
#define VMSHARE_ROSTER_H

#include "actuator/actuator.h"
#include "cgroup.h"
#include "cpu.h"
#include "error.h"
#include "gauge.h"
#include "policy/manage.h"

/* The VMs that the manager follows: who they are, and whose their limits are. */
struct managed {
	uint32_t pid;
	uint64_t start_time_ns;
	char *name, *uuid;		/* NULL: not known */
	int pidfd;			/* readable when the process has ended */
	struct manage_vm totals;	/* counters up to the last round, which only grow; no strings */
	struct manage_vm sums;		/* of the threads that were there in it, and of its cgroup */
	struct cgroup cgroup;
	struct gauge gauge;
	struct gauge_reading reading;
	const struct actuator *actuator;	/* NULL: cannot be limited, see why */
	char *place;
	char why[ACTUATOR_WHY];		/* left alone because of this; empty: it is not */
	bool company;			/* that is another process in its cgroup, or what cannot be told */

	unsigned int checks;		/* since it is followed */

	/* what vmshare has set and seen in place; UINT64_MAX: nothing */
	bool limited;			/* the limiter's journal has it */
	const char *unpinned;		/* why its CPUs stay as they are, which was said; NULL: they do not */
	bool troubled;			/* the last try was in vain: either of two limits is in place */
	uint64_t quota_ns, period_ns;
	uint32_t weight, cpus_first, cpus;	/* 0: nothing */
	bool looked;			/* all of it was seen in place in this check */
	bool settled;			/* the reading below is of what was set */
	struct gauge_reading in_place;
};

struct roster {
	const char *root;		/* see files.h */
	struct cgroups cgroups;
	struct managed *vms;		/* ascending by pid */
	size_t n;
};

int roster_init(struct roster *roster, const char *root, struct error *err);
void roster_free(struct roster *roster);

struct managed *roster_find(const struct roster *roster, uint32_t pid);

/*
 * Takes over the counters of one moment. VMs that are new are looked at once:
 * name, cgroup, whose it is. gone() gets each VM that is there no more, before
 * it is forgotten; born() each new one. Returns -1 with err filled.
 */
struct roster_events {
	void (*born)(struct managed *vm, void *data);
	void (*gone)(struct managed *vm, void *data);
	void *data;
};

int roster_update(struct roster *roster, const struct cpu *cpu, const struct roster_events *events,
		  struct error *err);
void roster_forget(struct roster *roster, struct managed *vm, const struct roster_events *events);

/* Looks at the cgroup again, after its process was moved. */
void roster_place(const struct roster *roster, struct managed *vm);

/*
 * Is it where it was, and in no new company? If not, its cgroup was looked at again, and
 * limits that were meant for it are of a cgroup that is others' now.
 */
bool roster_is_in_place(const struct roster *roster, struct managed *vm);

/* What the policies are given; the names in it are copies. */
int roster_sample(const struct roster *roster, uint64_t time_ns, struct manage_sample *sample,
		  struct error *err);

const char *managed_label(const struct managed *vm, char *buffer, size_t size);

#endif
