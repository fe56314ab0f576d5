/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_ALLOCATIONS_H
#define VMSHARE_FAULTS_ALLOCATIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory that there is not. Whatever this process and its libraries allocate is counted;
 * one allocation fails, or all from one on. Children do not fail.
 */
#define ALLOCATIONS_MAX 65536

enum shortage { SHORT_NEVER, SHORT_ONCE, SHORT_FROM_THEN_ON };

/* From here on, in this process; which is the first to fail, from 1. */
void allocations_fail(enum shortage shortage, unsigned int which);

/* How many there were in the process for which they were last to fail. */
unsigned int allocations_seen(void);

/*
 * Which calls led to it, as a number, of a process where none was to fail: all of them,
 * or the nearest alone.
 */
struct chain {
	uint64_t all, near;
};

struct chain allocations_chain(unsigned int which);

/* What led to the first one that failed, a line for each caller, into a descriptor. */
void allocations_trace(int fd);

#endif
