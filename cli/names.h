/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_NAMES_H
#define VMSHARE_NAMES_H

#include <stddef.h>

#include "model.h"

#define NAME_SIZE 512
#define UUID_SIZE 37

/* What a command line says; empty where it says nothing. */
struct identity {
	char name[NAME_SIZE];
	char uuid[UUID_SIZE];
};

/*
 * Looks for -name and -uuid among the words of /proc/PID/cmdline. These are
 * bytes of another user's making: the name comes out as valid UTF-8.
 */
void names_parse_cmdline(const char *bytes, size_t len, struct identity *identity);

/* Takes a UUID in its usual form, in lower case; false if it is none. */
bool names_parse_uuid(const char *text, size_t len, char uuid[UUID_SIZE]);

/* Names all VMs: by command line, then by libvirt's run-time files. */
void names_resolve(struct snapshot *snap, const char *root);

/*
 * Names VMs as they were named before: one that ended between the walk and the
 * look at its command line has none any more.
 */
void names_inherit(struct snapshot *snap, const struct snapshot *before);

#endif
