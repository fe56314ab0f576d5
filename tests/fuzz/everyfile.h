/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_EVERYFILE_H
#define FUZZ_EVERYFILE_H

#include <stddef.h>

/*
 * Stands in for cli/files.c: whatever the program reads through it has the same
 * text. Readers pass over lines that are not theirs, so one input can be the
 * files of many of them. The bytes are the caller's.
 */
void everyfile_has(const void *bytes, size_t size);

#endif
