/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CONSISTENCY_H
#define VMSHARE_CONSISTENCY_H

#include <jansson.h>

#include "model.h"

/*
 * Did memory change while it was looked at, or was a VM that is stuck passed by, so that
 * the numbers are not of one instant?
 */
#define CONSISTENCY_WORDS \
	"memory changed during the walk, or a VM could not be looked at; the numbers are not of one instant"

bool consistency_lacks(const struct snapshot *snap);

/* A line to stdout where it did; host is whose, NULL: there is but one. */
void consistency_print(const struct snapshot *snap, const char *host);

/* The member "consistent", where it is known. */
void consistency_put(json_t *object, const struct snapshot *snap);

#endif
