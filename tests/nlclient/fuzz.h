/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forged messages by the thousand: of right and wrong structure, and of random bytes.
 */
#ifndef NLCLIENT_FUZZ_H
#define NLCLIENT_FUZZ_H

struct fuzz_options {
	unsigned long long seed;
	unsigned long messages;	/* datagrams, of which some hold several */
	unsigned long first;	/* number of the first one: to begin where a run has died */
};

/*
 * Prints what was sent and what came back. Datagram N depends on the seed and N alone.
 * Return: 1 if the family ended, an honest client was not served, or an answer was malformed.
 */
int fuzz(const struct fuzz_options *options);

#endif
