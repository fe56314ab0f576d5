/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SELECTOR_H
#define VMSHARE_SELECTOR_H

#include "error.h"
#include "model.h"
#include "options.h"

/*
 * The VM that a word means: a pid, a UUID or a name, looked for in this order,
 * so that no VM can take another's pid as its name. Unknown and ambiguous words
 * are errors that say what there is.
 */
int selector_find(const struct snapshot *snap, const char *word, const struct vm **vm,
		  struct error *err);

/* The VM of VM=VALUE, and where the value begins: after the last =, as names may hold one. */
int selector_assigned(const struct snapshot *snap, const char *word, const struct vm **vm,
		      const char **value, struct error *err);

/* Marks the VMs of all words: chosen has one flag per VM of the snapshot. */
int selector_mark(const struct snapshot *snap, const struct words *words, bool *chosen,
		  struct error *err);

#endif
