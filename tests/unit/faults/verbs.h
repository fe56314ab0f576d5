/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_VERBS_H
#define VMSHARE_FAULTS_VERBS_H

#include <stdbool.h>
#include <stddef.h>

/* Ways to call the program, at least one of each verb. */
struct verb {
	const char *words;
	const char *input;		/* standard input; NULL: none */
	int code;			/* how it ends if nothing goes wrong */
	bool tells;			/* what went wrong is among what it prints */
};

extern const struct verb verbs[];
extern const size_t n_verbs;

bool verb_is_json(const struct verb *verb);

#endif
