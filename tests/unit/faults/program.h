/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_PROGRAM_H
#define VMSHARE_FAULTS_PROGRAM_H

#include <stdbool.h>

#include "peer.h"

/*
 * The program, whole, in a process of its own that is forked and not started: what is
 * to go wrong can be laid out before its main() begins.
 */
#define PROGRAM_SECONDS 20		/* one that runs longer hangs */

struct program {
	const char *words;		/* its command line, at blanks */
	const char *input;		/* standard input; NULL: empty */
	int out;			/* standard output: a descriptor, OUT_KEPT or OUT_CLOSED */
	void (*prepare)(void *data);	/* in its process; NULL: nothing goes wrong */
	void *data;
	bool live;			/* it looks at the test's host, */
	enum peer_fault peer;		/* whose module does this wrong */
};

#define OUT_KEPT (-1)			/* it is in the outcome */
#define OUT_CLOSED (-2)

struct outcome {
	int code;			/* 1000 + signal if one ended it */
	char *out, *err;
};

#define OUTCOME_HUNG (1000 + 14)	/* SIGALRM: it was still running */

void program_run(const struct program *program, struct outcome *outcome);
void outcome_free(struct outcome *outcome);

#endif
