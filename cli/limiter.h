/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_LIMITER_H
#define VMSHARE_LIMITER_H

#include "cpuorder.h"
#include "journal.h"
#include "policy/manage.h"
#include "roster.h"

/*
 * Carries decisions out, so that whatever happens the limits that were found can
 * be put back: nothing is changed before the journal says so on disk.
 */
struct limiter {
	const char *path;		/* of the journal; the caller's */
	struct journal journal;
	struct cpuorder *cpus;		/* as of this check; NULL: not asked for yet */
	const struct actuator *away;	/* it did not answer in this check; NULL: all that were asked did */
	bool dirty;			/* the file has entries that are no more needed */
	size_t retry;			/* the entry that is put back first, of those that could not be */
	void (*say)(const char *text);	/* what an operator should know, a sentence each */
};

/* Puts back what a manager before left behind. -1 with err if its journal cannot be read. */
int limiter_open(struct limiter *limiter, const char *path, void (*say)(const char *text),
		 struct error *err);

/*
 * Lets go of VMs whose limits are no longer as they were set: somebody else has been
 * there. Tries again to put back what could not be.
 */
void limiter_check(struct limiter *limiter, struct roster *roster);

/*
 * Writes what the decisions change. Where whoever is asked is away or busy it is tried
 * again with the next decisions; what is refused is put back, and that VM left alone
 * from then on. -1 with err if the journal cannot be written:
 * then nothing was changed.
 */
int limiter_apply(struct limiter *limiter, struct roster *roster,
		  const struct manage_decision *decisions, size_t n, struct error *err);

/* Puts one VM's limits back, as it is let go. */
void limiter_release(struct limiter *limiter, struct managed *vm);

/* The same as its process has ended: what fails at first need not be said yet. */
void limiter_gone(struct limiter *limiter, struct managed *vm);

/* All of them, at the end. Returns how many could not be; they stay in the journal. */
size_t limiter_close(struct limiter *limiter);

/* Frees it and leaves everything as it is. Returns how many are in the journal's file. */
size_t limiter_leave(struct limiter *limiter);

#endif
