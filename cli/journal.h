/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_JOURNAL_H
#define VMSHARE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actuator/actuator.h"
#include "error.h"

/*
 * What limits were found, on disk before they are changed: whoever comes after
 * a manager that was killed puts them back from here.
 */
struct journal_entry {
	uint32_t pid;
	uint64_t start_time_ns;
	char *name;			/* NULL: not known */
	const struct actuator *actuator;
	char *place;
	struct settings found;		/* before vmshare ever touched them */
	struct settings before, next;	/* each one set is as in one of these, or as found */
	bool unsaid;			/* not on disk: that it could not be put back */
};

struct journal {
	struct journal_entry *entries;
	size_t n;
};

void journal_free(struct journal *journal);

/* NULL for want of memory. Entries returned before are no longer valid. */
struct journal_entry *journal_add(struct journal *journal, uint32_t pid, uint64_t start_time_ns,
				  const char *name, const struct actuator *actuator,
				  const char *place);
struct journal_entry *journal_find(const struct journal *journal, uint32_t pid,
				   uint64_t start_time_ns);
void journal_drop(struct journal *journal, struct journal_entry *entry);

/*
 * Replaces the file as a whole, and returns only when it is there to stay. An
 * empty journal is no file.
 */
int journal_save(const struct journal *journal, const char *path, struct error *err);

/* No file is an empty journal. */
int journal_load(struct journal *journal, const char *path, struct error *err);

#endif
