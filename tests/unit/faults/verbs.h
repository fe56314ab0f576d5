/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_VERBS_H
#define VMSHARE_FAULTS_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"

/* Ways to call the program, at least one of each verb. */
struct verb {
	const char *words;
	const char *input;		/* standard input; NULL: none */
	int code;			/* how it ends if nothing goes wrong */
	bool live;			/* it looks at a host, not at a document */
	bool tells;			/* what went wrong is among what it prints */
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/* The program that is called so, of which nothing goes wrong yet. */
struct program verb_program(const struct verb *verb);

bool verb_is_json(const struct verb *verb);

#endif
