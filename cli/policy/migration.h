/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_MIGRATION_H
#define VMSHARE_POLICY_MIGRATION_H

#include "model.h"

/*
 * What moving one VM costs. A pure function of the VM and of the line: no
 * input, no output, no clock.
 *
 * bytes is the resident memory, sent once. time is bytes over bandwidth. The
 * downtime is that of pre-copy (Clark et al., "Live Migration of Virtual
 * Machines", NSDI 2005): while one round is sent, the guest dirties what the
 * next one has to send,
 *     rest(0) = bytes, rest(k + 1) = min(bytes, dirty rate * rest(k) / bandwidth),
 * until the rest can be sent within QEMU's default downtime limit or no longer
 * shrinks; the rest of that moment is sent while the guest stands still.
 */

/* Bytes per second that QEMU sends if nobody tells it otherwise (max-bandwidth). */
#define MIGRATION_BANDWIDTH (128ull << 20)

/* QEMU's downtime-limit. */
#define MIGRATION_DOWNTIME_LIMIT_NS 300000000ull

struct migration {
	uint64_t bytes;
	uint64_t time_ns;		/* rounded up */
	bool downtime_known;		/* not without a dirty rate */
	uint64_t downtime_ns;		/* rounded up */
	bool converges;			/* false: the rest never fits the limit */
};

/* bandwidth is in bytes per second and not 0. Results too large stay at UINT64_MAX. */
struct migration migration_estimate(const struct vm *vm, uint64_t bandwidth);

/* What the choice of victims keeps low. */
enum cost_model { COST_BYTES, COST_TIME, COST_DOWNTIME, COST_COUNT, COST_WEIGHT };

/* "bytes", and the unit that goes with it in a document: "bytes", "ns", "VMs", "weight". */
const char *cost_model_name(enum cost_model model);
const char *cost_model_unit(enum cost_model model);
bool cost_model_parse(const char *name, enum cost_model *model);

/*
 * One VM's cost. COST_WEIGHT is 1 here: weights are given, not computed.
 * Returns false if the VM's dirty rate would have to be known and is not.
 */
bool migration_cost(const struct vm *vm, enum cost_model model, uint64_t bandwidth,
		    uint64_t *cost);

#endif
