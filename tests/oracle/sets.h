/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames added up per distinct set of VMs that map them.
 */
#ifndef ORACLE_SETS_H
#define ORACLE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct set {
	uint32_t *members;	/* ascending */
	uint32_t nr_members;
	bool outside;
	uint64_t frames;
	uint64_t mappings;
};

struct sets {
	struct set *at;
	size_t nr;
	uint32_t *slots;	/* hash of members to index + 1 */
	size_t nr_slots;
};

void sets_add(struct sets *sets, const uint32_t *members, uint32_t nr_members,
	      bool outside, uint64_t mappings);
void sets_free(struct sets *sets);

#endif
