/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_GAPS_H
#define VMSHARE_GAPS_H

#include <jansson.h>
#include <stdbool.h>

#include "model.h"

/*
 * Sizes that are added up where they are known, although a document need not have
 * them: what is shown of such a sum has to say which were missing.
 */
struct gaps {
	bool missing[VM_FIELDS];
	bool any;
};

void gaps_add(struct gaps *gaps, const struct vm *vm);

/* As a note, and as counted_as_zero of a document; nothing if nothing was missing. */
void gaps_print(const struct gaps *gaps);
void gaps_put(json_t *root, const struct gaps *gaps);

#endif
