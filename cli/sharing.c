// SPDX-License-Identifier: GPL-2.0
/* The VM by VM table of frames that both map. */
#include "sharing.h"

#include <stdlib.h>

static void add(uint64_t *cell, uint64_t bytes)
{
	*cell = add_saturating(*cell, bytes);
}

static void add_pairs(struct sharing *sharing, const struct set *set, const size_t *index)
{
	size_t i, j;

	for (i = 0; i < set->n_pids; i++) {
		if (set->outside)
			add(&sharing->outside[index[i]], set->frames_bytes);
		for (j = 0; j < set->n_pids; j++) {
			if (i != j)
				add(&sharing->frames[index[i] * sharing->vms + index[j]],
				    set->frames_bytes);
		}
	}
	if (set->n_pids == 1 && !set->outside)
		add(&sharing->frames[index[0] * sharing->vms + index[0]], set->frames_bytes);
}

static void add_sets(struct sharing *sharing, const struct snapshot *snap, size_t *index)
{
	size_t i, j;

	for (i = 0; i < snap->n_sets; i++) {
		const struct set *set = &snap->sets[i];

		for (j = 0; j < set->n_pids; j++)
			index[j] = (size_t)(snapshot_vm(snap, set->pids[j]) - snap->vms);
		add_pairs(sharing, set, index);
	}
}

int sharing_init(struct sharing *sharing, const struct snapshot *snap)
{
	size_t *index = calloc(snap->n_vms + 1, sizeof(*index));

	sharing->vms = snap->n_vms;
	sharing->frames = calloc(snap->n_vms * snap->n_vms + 1, sizeof(*sharing->frames));
	sharing->outside = calloc(snap->n_vms + 1, sizeof(*sharing->outside));
	if (!index || !sharing->frames || !sharing->outside) {
		free(index);
		sharing_free(sharing);
		return -1;
	}
	add_sets(sharing, snap, index);
	free(index);
	return 0;
}

void sharing_free(struct sharing *sharing)
{
	free(sharing->frames);
	free(sharing->outside);
	sharing->frames = NULL;
	sharing->outside = NULL;
}

uint64_t sharing_between(const struct sharing *sharing, size_t a, size_t b)
{
	return sharing->frames[a * sharing->vms + b];
}
