/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_RESTORE_H
#define VMSHARE_RESTORE_H

#include <stddef.h>

#include "journal.h"

/* Putting limits back as they were found. */
enum restored {
	RESTORED,
	RESTORED_ALREADY,		/* they were so */
	RESTORED_GONE,			/* so is the VM's cgroup, unit or domain */
	RESTORED_NOT_OURS,		/* somebody else has set one since: that one stays */
	RESTORED_FAILED,
	RESTORED_UNANSWERED,		/* likewise: whoever is asked does not answer */
};

/* Is it still to be done? */
static inline bool restore_failed(enum restored result)
{
	return result == RESTORED_FAILED || result == RESTORED_UNANSWERED;
}

/* What is neither as found nor as vmshare would have set it is left alone. */
enum restored restore_entry(const struct journal_entry *entry, char *text, size_t size);

/*
 * All of a journal, files first and whoever may let us wait last: one that hangs keeps
 * none of the others. Who does not answer is not asked again. What failed stays in it. report() gets one sentence per VM.
 * Returns how many failed.
 */
size_t restore_journal(struct journal *journal,
		       void (*report)(enum restored result, const char *text, void *data),
		       void *data);

#endif
