/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_BENCH_FAMILIES_H
#define VMSHARE_BENCH_FAMILIES_H

#include "model.h"

/*
 * Hosts made of a seed, for the benchmark and the tests of the choice of
 * victims: the same on every machine.
 */
struct host {
	const char *family;
	struct snapshot snap;
	uint64_t *costs;		/* per VM */
	uint64_t need;
};

/* Names in the order of their numbers; how many there are. */
extern const char *const family_names[];
extern const unsigned int families;

/*
 * A host of that family with so many VMs and, where the family has as many, so
 * many sharing sets; need_percent of what all VMs together would free. Returns
 * -1 for want of memory; the host is the caller's.
 */
int host_make(struct host *host, unsigned int family, unsigned int vms, unsigned int sets,
	      unsigned int need_percent, uint64_t seed);
void host_free(struct host *host);

#endif
