/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_MANAGECONF_H
#define VMSHARE_MANAGECONF_H

#include <jansson.h>

#include "error.h"
#include "policy/manage.h"

/*
 * The configuration of vmshare manage: sections in brackets, Key=Value, lines
 * that begin with # or ; are comments, as in systemd's files.
 *
 *	[Manage]
 *	Policy=lending
 *	Alpha=70%
 *	CheckInterval=1s
 *
 *	[VM web1]
 *	Class=service
 *	Guarantee=150%
 *	Weight=200
 *
 * The section [VM *] holds for every VM that has none of its own.
 */
#define MANAGECONF_BYTES_MAX (4ul << 20)
#define MANAGECONF_PATH "/etc/vmshare/manage.conf"

/*
 * Reads text over the defaults, so that what is not said stays as it is there.
 * name is for messages, which begin with it and the line: name:LINE. Pure; the
 * options are the caller's. Returns -1 with err filled (EXIT_USAGE, or
 * EXIT_RUNTIME for want of memory); the options are then freed.
 */
int manageconf_parse(const char *name, const char *text, size_t len,
		     struct manage_options *options, struct error *err);

/* The same from a file; "-" is standard input. */
int manageconf_load(const char *name, struct manage_options *options, struct error *err);

/*
 * The text of a file that manageconf_parse() reads back to the same options, each
 * key with what it means; the caller frees it. NULL for want of memory.
 */
char *manageconf_write(const struct manage_options *options);

/* One line per setting and rule, as --check shows what holds. */
void manageconf_print(const struct manage_options *options);

/* The same as a document, keys and values as in a file; NULL for want of memory. */
json_t *manageconf_json(const struct manage_options *options);

#endif
