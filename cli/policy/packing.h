/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_PACKING_H
#define VMSHARE_POLICY_PACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Items into bins of different sizes, so that all fit: bin packing as a
 * question with yes or no, by branch and bound, without anything about VMs.
 *
 * An item arrives with its whole size and then takes only its own part, plus
 * the groups it belongs to: a group's size counts once per bin that holds one
 * of its items or more. Without groups size and own part are the same, and the
 * answer is exact. With groups the items come one by one in the order given,
 * and an answer of PACKING_NONE is about this order.
 */
struct packing_group {
	size_t first, count;		/* its items in packing->members, ascending */
	uint64_t size;
};

struct packing {
	size_t items, bins;
	const uint64_t *size;		/* per item, on arrival */
	const uint64_t *own;		/* per item; NULL: its size */
	const uint64_t *room;		/* per bin */
	const bool *barred;		/* per item and bin: items * bins; NULL: none */
	/*
	 * Items that must not be together: each has an earlier one (SIZE_MAX: none),
	 * and all that are reached from there are barred from its bin. Twice, as items
	 * may be kept apart for two reasons.
	 */
	const size_t *apart[2];		/* per item; NULL: none */
	const struct packing_group *groups;
	size_t n_groups;
	const size_t *members;
	uint64_t work;			/* placements to try at most */

	/* the answer */
	size_t *bin_of;			/* per item, given by the caller */
	uint64_t *used;			/* per bin, in the end, given by the caller */
	uint64_t tried;
};

enum packing_answer {
	PACKING_FITS,			/* bin_of and used say how */
	PACKING_NONE,			/* proved that it does not */
	PACKING_OPEN,			/* the work ran out */
	PACKING_NO_MEMORY,
};

/* Of bins that take an item, that where it shares most comes first, then that with most room. */
enum packing_answer packing_solve(struct packing *packing);

#endif
