/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_ERROR_H
#define VMSHARE_ERROR_H

#include <stdbool.h>

/* The exit codes are part of the contract with scripts. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
	EXIT_NEED = 3,		/* the need cannot be met */
	EXIT_SUPPORT = 4,	/* module or kernel support missing */
	EXIT_PERMISSION = 5,
};

/* What went wrong: filled where it is known best, printed by main alone. */
struct error {
	enum exit_code code;
	char message[1024];
};

/* Always returns -1, so that a caller can return what it gets. */
int error_set(struct error *err, enum exit_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts text in front of the message: which file, which VM. */
int error_prefix(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

int error_no_memory(struct error *err);

/* As text on stderr, or as one JSON object on stdout. */
void error_print(const struct error *err, bool json, bool pretty);

#endif
