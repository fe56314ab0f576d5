/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_NOTIFY_H
#define VMSHARE_NOTIFY_H

#include <stdint.h>

/*
 * Tells the service manager how we are: sd_notify(3)'s protocol, lines of
 * KEY=VALUE to the socket that it has named. Nothing happens without one.
 */
void notify(const char *lines);

/* How often WATCHDOG=1 is expected, in us; 0: not at all. */
uint64_t notify_watchdog_us(void);

#endif
