/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OUTLET_H
#define VMSHARE_OUTLET_H

#include <stdbool.h>
#include <stdio.h>

/* What a line may have so that whoever has room takes all of it. */
#define OUTLET_LINE 4096

/*
 * Would a line be taken at once? Where limits are held, one that nobody reads is left
 * out: a pager that stands still must not keep them from being put back. The file must
 * have nothing in its buffer.
 */
bool outlet_has_room(FILE *file);

#endif
