/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_ENTRY_H
#define VMSHARE_ENTRY_H

#include "journal.h"

/*
 * The settings of a journal's entry where they are: those of its way, and the CPUs of the
 * VM's threads if the entry has these: else nobody looks at the threads. Results as in
 * actuator.h.
 */

/*
 * -ENOENT: the place is gone; now has what is left all the same, which is the CPUs of a VM
 * that was moved.
 */
int entry_read(const struct journal_entry *entry, struct settings *now, struct error *err);

/* What is refused keeps none of the others. */
int entry_write(const struct journal_entry *entry, const struct settings *wanted,
		struct error *err);

/*
 * Takes the CPUs of its threads into the entry, so that they can have those of the list.
 * NULL, or why they are to stay as they are.
 */
const char *entry_take_cpus(struct journal_entry *entry, const char *list);

#endif
