/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests that a strict family must refuse, and how.
 */
#ifndef NLCLIENT_HOSTILE_H
#define NLCLIENT_HOSTILE_H

/* Sends the request named so ("all" for every one, "list" to name them) and
 * prints what came back. Returns the exit code: 1 when an answer was not the
 * expected one.
 */
int hostile(const char *name);

#endif
