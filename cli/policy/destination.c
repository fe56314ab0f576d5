// SPDX-License-Identifier: GPL-2.0
/* Destinations: how much room they have, and who goes where. */
#include "policy/destination.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/freed.h"
#include "policy/rivals.h"

typedef unsigned __int128 wide;

/* Rounded up, as a margin is never less than was asked for. */
static uint64_t margin_bytes(const struct margin *margin, uint64_t total)
{
	if (!margin->percent)
		return margin->value;
	return (uint64_t)(((wide)total * margin->value + 99) / 100);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_uuids(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* The words by which VMs are known there, in order. */
static int index_words(struct destination *destination, const struct snapshot *snap)
{
	size_t i;

	destination->names = calloc(snap->n_vms + 1, sizeof(*destination->names));
	destination->uuids = calloc(snap->n_vms + 1, sizeof(*destination->uuids));
	if (!destination->names || !destination->uuids)
		return -ENOMEM;
	for (i = 0; i < snap->n_vms; i++) {
		if (snap->vms[i].name)
			destination->names[destination->n_names++] = snap->vms[i].name;
		if (snap->vms[i].uuid)
			destination->uuids[destination->n_uuids++] = snap->vms[i].uuid;
	}
	qsort(destination->names, destination->n_names, sizeof(*destination->names),
	      compare_words);
	qsort(destination->uuids, destination->n_uuids, sizeof(*destination->uuids),
	      compare_uuids);
	return 0;
}

int destination_init(struct destination *destination, const struct snapshot *snap,
		     const struct margin *margin)
{
	uint64_t total = 0, available;

	memset(destination, 0, sizeof(*destination));
	if (!facts_get(&snap->host, HOST_MEM_AVAILABLE, &available) ||
	    (margin->percent && !facts_get(&snap->host, HOST_MEM_TOTAL, &total)))
		return -ENODATA;
	destination->available = available;
	destination->margin = margin_bytes(margin, total);
	if (available > destination->margin)
		destination->room = available - destination->margin;
	return index_words(destination, snap);
}

void destination_free(struct destination *destination)
{
	free(destination->names);
	free(destination->uuids);
	memset(destination, 0, sizeof(*destination));
}

bool destination_has(const struct destination *destination, const struct vm *vm)
{
	return (vm->uuid && bsearch(&vm->uuid, destination->uuids, destination->n_uuids,
				    sizeof(*destination->uuids), compare_uuids)) ||
	       (vm->name && bsearch(&vm->name, destination->names, destination->n_names,
				    sizeof(*destination->names), compare_words));
}

bool destination_takes(const struct destination *destination, const struct vm *vm)
{
	return freed_growth(vm) <= destination->room && !destination_has(destination, vm);
}

/* The VMs to be packed, the largest first. */
struct parcel {
	size_t at;			/* in the caller's list */
	uint64_t growth;
};

static int compare_parcels(const void *a, const void *b)
{
	const struct parcel *left = a, *right = b;

	if (left->growth != right->growth)
		return left->growth > right->growth ? -1 : 1;
	return (left->at > right->at) - (left->at < right->at);
}

static void fill(const struct snapshot *snap, const size_t *vms, const struct parcel *parcels,
		 const struct destination *destinations, struct packing *packing, uint64_t *size,
		 uint64_t *room, bool *barred)
{
	size_t i, host;

	for (i = 0; i < packing->items; i++) {
		size[i] = parcels[i].growth;
		for (host = 0; host < packing->bins; host++) {
			if (!destination_has(&destinations[host], &snap->vms[vms[parcels[i].at]]))
				continue;
			barred[i * packing->bins + host] = true;
			packing->barred = barred;
		}
	}
	for (host = 0; host < packing->bins; host++)
		room[host] = destinations[host].room;
}

static void take_answer(const struct packing *packing, const struct parcel *parcels,
			struct destination *destinations, size_t *host_of)
{
	size_t i;

	for (i = 0; i < packing->bins; i++)
		destinations[i].vms = 0;
	for (i = 0; i < packing->items; i++) {
		host_of[parcels[i].at] = packing->bin_of[i];
		destinations[packing->bin_of[i]].vms++;
	}
	for (i = 0; i < packing->bins; i++)
		destinations[i].growth = packing->used[i];
}

/* Two of one name that leave together must not arrive together. */
static int keep_apart(const struct snapshot *snap, const size_t *vms,
		      const struct parcel *parcels, struct packing *packing,
		      struct rivals *rivals)
{
	const struct vm **list = calloc(packing->items + 1, sizeof(*list));
	int ret = -1;
	size_t i;

	for (i = 0; list && i < packing->items; i++)
		list[i] = &snap->vms[vms[parcels[i].at]];
	if (list)
		ret = rivals_find(rivals, list, packing->items);
	free(list);
	if (!ret && rivals->any) {
		packing->apart[0] = rivals->by_name;
		packing->apart[1] = rivals->by_uuid;
	}
	return ret;
}

enum packing_answer destination_assign(const struct snapshot *snap, const size_t *vms,
				       size_t count, struct destination *destinations,
				       size_t hosts, uint64_t work, size_t *host_of)
{
	struct rivals rivals = {};
	struct parcel *parcels = calloc(count + 1, sizeof(*parcels));
	uint64_t *size = calloc(count + 1, sizeof(*size));
	uint64_t *room = calloc(hosts + 1, sizeof(*room));
	bool *barred = calloc(count * hosts + 1, sizeof(*barred));
	struct packing packing = {
		.items = count, .bins = hosts, .size = size, .room = room,
		/* to place each of them once is no search yet */
		.work = work + count,
		.bin_of = calloc(count + 1, sizeof(size_t)),
		.used = calloc(hosts + 1, sizeof(uint64_t)),
	};
	enum packing_answer answer = PACKING_NO_MEMORY;
	size_t i;

	if (parcels && size && room && barred && packing.bin_of && packing.used) {
		for (i = 0; i < count; i++)
			parcels[i] = (struct parcel){ i, freed_growth(&snap->vms[vms[i]]) };
		qsort(parcels, count, sizeof(*parcels), compare_parcels);
		fill(snap, vms, parcels, destinations, &packing, size, room, barred);
		if (!keep_apart(snap, vms, parcels, &packing, &rivals))
			answer = packing_solve(&packing);
	}
	if (answer == PACKING_FITS)
		take_answer(&packing, parcels, destinations, host_of);
	rivals_free(&rivals);
	free(parcels);
	free(size);
	free(room);
	free(barred);
	free(packing.bin_of);
	free(packing.used);
	return answer;
}
