/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many clients at once that do not behave: dumps left in the middle, receive
 * buffers that overflow, forged bytes.
 */
#ifndef NLCLIENT_STORM_H
#define NLCLIENT_STORM_H

struct storm_options {
	unsigned int seconds;
	unsigned int threads;
	unsigned int seed;
};

/* Prints the counts; 1 if a request got no answer or nothing was answered. */
int storm(const struct storm_options *options);

#endif
