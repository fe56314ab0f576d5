/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_HEADER_H
#define VMSHARE_HEADER_H

#include <stdio.h>

#include "model.h"

#define HEADER_LINES 4

/*
 * The host in four lines: machine, memory, KSM, and the walk behind the
 * numbers. before may be NULL; now_ns is the time of day, for the age.
 */
void header_print(const struct snapshot *snap, const struct snapshot *before, uint64_t now_ns,
		  FILE *out);

#endif
