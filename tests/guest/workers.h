/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TESTS_WORKERS_H
#define VMSHARE_TESTS_WORKERS_H

#define WORKERS_MAX 256

/*
 * Starts @count threads that are no virtual CPUs and pass one token around for
 * ever: each pass puts one to sleep and wakes the next. With one thread there is
 * nothing to pass, so it gives its CPU up and takes it again.
 */
void workers_start(unsigned int count);

/* Starts @count threads that end when each has had 50 ms of CPU time. */
void workers_start_passing(unsigned int count);

#endif
