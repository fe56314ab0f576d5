/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_THREADS_VIEW_H
#define VMSHARE_THREADS_VIEW_H

#include <stdio.h>

#include "model.h"
#include "options.h"

/*
 * One line for each thread of the VM: over the snapshot's window if it has one,
 * else averages over the VM's life. Nothing if no thread is known.
 */
void threads_view_print(FILE *out, const struct snapshot *snap, const struct vm *vm,
			const struct options *options);

#endif
