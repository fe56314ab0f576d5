/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_HEADER_H
#define VMSHARE_HEADER_H

#include <stdbool.h>
#include <stdio.h>

#include "model.h"

/*
 * The host in some lines: machine, memory, KSM, the walk behind the numbers, and
 * the time that CPU columns are about. before may be NULL; now_ns is the time of
 * day, for the age; exact: all digits, instead of rounded.
 */
void header_print(const struct snapshot *snap, const struct snapshot *before, uint64_t now_ns,
		  bool exact, FILE *out);

/* The part of all CPUs' time since the snapshot before that was idle, 0 to 100. */
bool header_idle_percent(const struct snapshot *snap, const struct snapshot *before,
			 double *percent);

#endif
