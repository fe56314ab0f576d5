/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_NL_H
#define VMSHARE_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/*
 * Requests over generic netlink. It knows messages and errors, not what the
 * attributes mean.
 */

/* What carries the bytes. The tests put a kernel of their own here. */
struct nl_io {
	ssize_t (*send)(void *priv, const void *bytes, size_t len);
	ssize_t (*recv)(void *priv, void *bytes, size_t len);
	void *priv;
};

struct nl_attr {
	uint16_t type;
	uint16_t size;			/* 4 or 8; 0: a flag */
	uint64_t value;
};

struct nl_request {
	uint8_t cmd;
	bool dump;
	struct nl_attr attrs[4];
	unsigned int n_attrs;
};

/* Called for every message of an answer: its command and attributes; not 0 stops. */
typedef int (*nl_row_fn)(uint8_t cmd, const void *attrs, size_t len, void *data,
			 struct error *err);

struct nl;

/* Opens a socket, or uses io if given, and finds the family. */
int nl_open(struct nl **nl, const char *family, uint8_t version, const struct nl_io *io,
	    struct error *err);

/*
 * Sends a request and hands over the answer. Returns 0, or a negative error
 * number with err filled: -ESTALE and -EAGAIN (a dump was interrupted) are
 * worth another try by the caller.
 */
int nl_call(struct nl *nl, const struct nl_request *request, nl_row_fn row, void *data,
	    struct error *err);

void nl_close(struct nl *nl);

#endif
