/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SPINVM_H
#define VMSHARE_SPINVM_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/*
 * A CPU-bound job that counts what it does, in a process of its own: as an
 * ordinary program, or as the guest of a tiny VMM, with the same machine code.
 * About every millisecond it writes a page to a device: the program by a system
 * call, the guest by an exit that a thread of its VMM is woken for, as QEMU's
 * I/O threads are.
 */
struct spin_place {
	bool guest;
	cpu_set_t vcpu;			/* CPUs of the job itself */
	cpu_set_t vmm;			/* of the VMM's thread; guest only */
};

struct spin {
	pid_t pid;
	void *shared;
};

/* Returns when the job has begun to work; -1 with err filled if it could not. */
int spin_start(struct spin *spin, const struct spin_place *place, struct error *err);

/* Work done so far, in units of its own. */
uint64_t spin_work(const struct spin *spin);

/* Ends the job and waits until it is gone. */
void spin_stop(struct spin *spin);

#endif
