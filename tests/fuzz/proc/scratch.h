/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_SCRATCH_H
#define FUZZ_SCRATCH_H

#include <stddef.h>

/* A directory for readers that open files themselves; gone when the fuzzer ends. */
const char *scratch_dir(void);

/* A file in a directory of it, as "cpus/online". */
void scratch_put(const char *name, const char *text, size_t size);

#endif
