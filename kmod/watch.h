/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_WATCH_H
#define _VMSHARE_WATCH_H

#include "census.h"

/**
 * vmshare_watch_init() - begin to notice VMs that come and go
 *
 * Return: NULL, or a sentence why only requests will notice them.
 */
const char *vmshare_watch_init(void);
void vmshare_watch_exit(void);

/* Forget the VMs that were noted. No request may be under way. */
void vmshare_watch_forget(void);

/*
 * A census was taken: tell the listeners what changed since the last one.
 * Return: false if there was no memory to; the next one tells then.
 */
bool vmshare_watch_note(const struct vmshare_census *census);

#endif
