/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_READALL_H
#define VMSHARE_READALL_H

#include <stddef.h>

#include "error.h"

/*
 * The whole of a file, "-" is standard input, with a zero behind it; the caller
 * frees it. NULL with err filled if it cannot be read or is longer than limit;
 * what says what such a file would be, as in "no snapshot is".
 */
char *readall(const char *name, size_t limit, const char *what, size_t *len, struct error *err);

/* What such a file is called in messages. */
const char *readall_name(const char *name);

#endif
