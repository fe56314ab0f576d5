/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_EVENTS_H
#define VMSHARE_EVENTS_H

#include <stdbool.h>

#include "error.h"

/* VMs that appear and go, told by the module as it happens. */
struct events;

int events_open(struct events **events, struct error *err);

/* Readable when something happened. */
int events_fd(const struct events *events);

/* Takes all that is waiting; true if a VM appeared or went, or some were missed. */
bool events_drain(struct events *events);

void events_close(struct events *events);

#endif
