/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One operation, with one of its allocations failing: the kernel's fail-nth counts the
 * allocations that this thread asks for. Which kinds may fail is set in debugfs before.
 */
#ifndef NLCLIENT_FAULTS_H
#define NLCLIENT_FAULTS_H

#include <stdint.h>

#include "link.h"

struct faults_options {
	const char *operation;	/* "request", "event" or "load" */
	uint8_t command;	/* of a request */
	int flags;
	uint32_t held;		/* hooks that the asking socket has before, or 0 */
	unsigned long nth;	/* only this allocation; 0: each in turn */
	const char *marker;	/* a file that is told each number, or NULL */
	const char *module;	/* to load */
	void (*add_attrs)(struct nl_msg *message, const void *arg);
	const void *arg;
};

/*
 * Prints a line for each allocation that failed, with what the operation answered then and
 * what it answers right after without a fault; the last line counts them. Where hooks are
 * held, also with those that were attached when the request was over ("attached").
 * Return: 1 if something was not answered at all, or not well after the fault was over.
 */
int faults(const struct faults_options *options);

#endif
