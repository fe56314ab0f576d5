/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_POLICY_DESTINATION_H
#define VMSHARE_POLICY_DESTINATION_H

#include "model.h"
#include "policy/packing.h"

/*
 * Where leaving VMs go. Pages arrive unshared, so a VM needs all of its memory
 * at the destination, whatever it shared here. Pure functions of snapshots.
 */

/* What a destination keeps free: a part of its memory or so many bytes. */
struct margin {
	bool percent;
	uint64_t value;
};

/*
 * MemAvailable is an estimate, page tables and the VMM of each VM come on top
 * of its memory, and what KSM has merged there may be written any time.
 */
#define MARGIN_DEFAULT ((struct margin){ .percent = true, .value = 5 })

struct destination {
	const char **names, **uuids;	/* of the VMs there, in order; the snapshot's own */
	size_t n_names, n_uuids;
	uint64_t available, margin, room;	/* bytes; room is what VMs may take */

	/* the answer of destination_assign() */
	size_t vms;
	uint64_t growth;
};

/*
 * Returns 0; -ENODATA if the snapshot does not say how much memory there is;
 * -ENOMEM. The snapshot has to stay as long as the destination.
 */
int destination_init(struct destination *destination, const struct snapshot *snap,
		     const struct margin *margin);
void destination_free(struct destination *destination);

/* Is a VM with that UUID or name there? VMMs and managers take none twice. */
bool destination_has(const struct destination *destination, const struct vm *vm);

/* Could the VM go there if it went alone? */
bool destination_takes(const struct destination *destination, const struct vm *vm);

/*
 * A destination for each of the VMs, which are indices in the snapshot, so that
 * all fit and no two of one name or UUID are together: exact, unless more placements than work are needed. host_of has one
 * entry per VM and is valid for PACKING_FITS.
 */
enum packing_answer destination_assign(const struct snapshot *snap, const size_t *vms,
				       size_t count, struct destination *destinations,
				       size_t hosts, uint64_t work, size_t *host_of);

#endif
