/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of VMs, interned: each distinct set is one row, and a row counts the
 * frames that exactly its members map. There are as many rows as sets that
 * really occur, never 2^n.
 *
 * A set is gathered VM by VM and then committed:
 *
 *	vmshare_sets_begin(s);
 *	vmshare_sets_add(s, vm);	// any order, any number of times
 *	row = vmshare_sets_commit(s, outside);
 *
 * Gathering and committing never allocate, so they may run under locks; room
 * is made before, by vmshare_sets_reserve().
 */
#ifndef _VMSHARE_SETS_H
#define _VMSHARE_SETS_H

#include <linux/types.h>

#define VMSHARE_NO_ROW	U32_MAX

struct vmshare_set {
	u64 hash;
	u64 frames;
	u64 mappings;		/* of the members, on these frames */
	u32 first, nr;		/* members: vmshare_sets.members[first..] */
	bool outside;		/* a process that is no VM maps them too */

	/* pages engine: the row of this set and VM number next_vm */
	u32 next_vm, next_row;
};

struct vmshare_sets {
	struct vmshare_set *rows;
	u32 nr_rows, room_rows;
	u32 *members;
	u32 nr_members, room_members;
	u32 *index;		/* open addressing: hash -> row + 1 */
	u32 index_mask;

	/* the set being gathered */
	u32 nr_vms;
	u32 *ids, nr_ids;
	u32 *mark, stamp;	/* mark[vm] == stamp: it is in */
	u64 *salt;		/* salt[vm]: random; a set's hash is their XOR */
	u64 hash;
};

int vmshare_sets_init(struct vmshare_sets *s, u32 nr_vms);
void vmshare_sets_free(struct vmshare_sets *s);

/* Make room for @rows more rows. Sleeps. Return: 0 or -ENOMEM. */
int vmshare_sets_reserve(struct vmshare_sets *s, u32 rows);

static inline bool vmshare_sets_have_room(const struct vmshare_sets *s, u32 rows)
{
	return s->nr_rows + rows <= s->room_rows &&
	       s->nr_members + (u64)rows * s->nr_vms <= s->room_members;
}

static inline void vmshare_sets_begin(struct vmshare_sets *s)
{
	s->nr_ids = 0;
	s->hash = 0;
	if (unlikely(!++s->stamp)) {
		memset(s->mark, 0, s->nr_vms * sizeof(*s->mark));
		s->stamp = 1;
	}
}

/* Return: true if @vm was not in before. */
static inline bool vmshare_sets_add(struct vmshare_sets *s, u32 vm)
{
	if (s->mark[vm] == s->stamp)
		return false;
	s->mark[vm] = s->stamp;
	s->ids[s->nr_ids++] = vm;
	s->hash ^= s->salt[vm];
	return true;
}

/* Return: the number of the row of the gathered set, made if it is new;
 * VMSHARE_NO_ROW where no room was reserved for it.
 */
u32 vmshare_sets_commit(struct vmshare_sets *s, bool outside);

/* Gather the members of an existing row. */
void vmshare_sets_add_row(struct vmshare_sets *s, u32 row);

#endif
