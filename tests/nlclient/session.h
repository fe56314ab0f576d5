/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One socket that stays open and does what its standard input says: hooks live
 * as long as the socket that asked for them.
 */
#ifndef NLCLIENT_SESSION_H
#define NLCLIENT_SESSION_H

#include <stdint.h>

#include "link.h"

/* "sched", "kvm", both with a comma, or a number; ends the program if it is none. */
uint32_t parse_hooks(const char *text);

/* Ask for hooks. */
void ask_hooks(struct link *link, uint32_t hooks, struct answer *answer);

/*
 * Obeys lines until the input ends: "hooks HOOKS" asks for these, "cpu [PID]" for
 * a dump. Each prints its messages and how its exchange ended.
 * Return: 1 if the kernel refused something or was silent, else 0.
 */
int obey_lines(struct link *link);

#endif
