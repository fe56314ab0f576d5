/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FILES_H
#define VMSHARE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Small files of /proc and /sys. root stands in front of every path: "" on a
 * host, a directory of fixtures in tests.
 */

/*
 * The whole file with a zero behind it, at most limit bytes; NULL with errno. Does not
 * return for want of memory: what could not be read would be taken for what is not there.
 */
char *files_read(const char *root, const char *path, size_t limit, size_t *len);

/* The number that the file begins with. */
bool files_number(const char *root, const char *path, uint64_t *value);

#endif
