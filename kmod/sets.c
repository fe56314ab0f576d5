// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "large.h"
#include "sets.h"

#define FIRST_ROWS	64

int vmshare_sets_init(struct vmshare_sets *s, u32 nr_vms)
{
	*s = (struct vmshare_sets) { .nr_vms = nr_vms };
	s->ids = kvmalloc_array(nr_vms + 1, sizeof(*s->ids), VMSHARE_GFP_LARGE);
	s->mark = kvcalloc(nr_vms + 1, sizeof(*s->mark), VMSHARE_GFP_LARGE);
	s->salt = kvmalloc_array(nr_vms + 1, sizeof(*s->salt), VMSHARE_GFP_LARGE);
	if (!s->ids || !s->mark || !s->salt ||
	    vmshare_sets_reserve(s, FIRST_ROWS)) {
		vmshare_sets_free(s);
		return -ENOMEM;
	}
	get_random_bytes(s->salt, nr_vms * sizeof(*s->salt));
	return 0;
}

void vmshare_sets_free(struct vmshare_sets *s)
{
	kvfree(s->rows);
	kvfree(s->members);
	kvfree(s->index);
	kvfree(s->ids);
	kvfree(s->mark);
	kvfree(s->salt);
	*s = (struct vmshare_sets) {};
}

/* An array for @room elements that holds what @old did; @old is given back. */
static void *grown(void *old, size_t used, size_t room, size_t size)
{
	void *new = kvmalloc_array(room, size, VMSHARE_GFP_LARGE);

	if (!new)
		return NULL;
	if (used)
		memcpy(new, old, used * size);
	kvfree(old);
	return new;
}

static void index_row(struct vmshare_sets *s, u32 row)
{
	u32 at = s->rows[row].hash & s->index_mask;

	while (s->index[at])
		at = (at + 1) & s->index_mask;
	s->index[at] = row + 1;
}

/* The index stays at most half full. */
static int grow_index(struct vmshare_sets *s, u32 rows)
{
	u32 size = roundup_pow_of_two(2 * rows), row;
	u32 *new = kvcalloc(size, sizeof(*new), VMSHARE_GFP_LARGE);

	if (!new)
		return -ENOMEM;
	kvfree(s->index);
	s->index = new;
	s->index_mask = size - 1;
	for (row = 0; row < s->nr_rows; row++) {
		index_row(s, row);
		if (!(row % 1024))
			cond_resched();
	}
	return 0;
}

static int grow_rows(struct vmshare_sets *s, u32 need)
{
	u32 room = max(need, 2 * s->room_rows);
	void *rows;

	if (room > U32_MAX / 4)
		return -ENOMEM;
	if (grow_index(s, room))
		return -ENOMEM;
	rows = grown(s->rows, s->nr_rows, room, sizeof(*s->rows));
	if (!rows)
		return -ENOMEM;
	s->rows = rows;
	s->room_rows = room;
	return 0;
}

static int grow_members(struct vmshare_sets *s, u64 need)
{
	u64 room = max_t(u64, need, 2ULL * s->room_members);
	void *members;

	if (room > U32_MAX / 4)
		return -ENOMEM;
	members = grown(s->members, s->nr_members, room, sizeof(*s->members));
	if (!members)
		return -ENOMEM;
	s->members = members;
	s->room_members = room;
	return 0;
}

int vmshare_sets_reserve(struct vmshare_sets *s, u32 rows)
{
	u64 members = s->nr_members + (u64)rows * s->nr_vms;

	if (s->nr_rows + rows > s->room_rows && grow_rows(s, s->nr_rows + rows))
		return -ENOMEM;
	if (members > s->room_members && grow_members(s, members))
		return -ENOMEM;
	return 0;
}

static bool is_gathered(const struct vmshare_sets *s,
			const struct vmshare_set *set, u64 hash, bool outside)
{
	const u32 *members = s->members + set->first;
	u32 i;

	if (set->hash != hash || set->nr != s->nr_ids || set->outside != outside)
		return false;
	/* Mostly even in the same order. */
	if (!memcmp(members, s->ids, set->nr * sizeof(*members)))
		return true;
	for (i = 0; i < set->nr; i++)
		if (s->mark[members[i]] != s->stamp)
			return false;
	return true;
}

static u32 add_row(struct vmshare_sets *s, u64 hash, bool outside)
{
	u32 row = s->nr_rows;

	if (row == s->room_rows || s->nr_members + s->nr_ids > s->room_members)
		return VMSHARE_NO_ROW;
	s->rows[row] = (struct vmshare_set) {
		.hash = hash,
		.first = s->nr_members,
		.nr = s->nr_ids,
		.outside = outside,
		.next_vm = VMSHARE_NO_ROW,
	};
	memcpy(s->members + s->nr_members, s->ids, s->nr_ids * sizeof(*s->ids));
	s->nr_members += s->nr_ids;
	s->nr_rows++;
	return row;
}

u32 vmshare_sets_commit(struct vmshare_sets *s, bool outside)
{
	u64 hash = outside ? ~s->hash : s->hash;
	u32 at = hash & s->index_mask, row;

	for (; s->index[at]; at = (at + 1) & s->index_mask)
		if (is_gathered(s, &s->rows[s->index[at] - 1], hash, outside))
			return s->index[at] - 1;
	row = add_row(s, hash, outside);
	if (row != VMSHARE_NO_ROW)
		s->index[at] = row + 1;
	return row;
}

void vmshare_sets_add_row(struct vmshare_sets *s, u32 row)
{
	const struct vmshare_set *set = &s->rows[row];
	u32 i;

	for (i = 0; i < set->nr; i++)
		vmshare_sets_add(s, s->members[set->first + i]);
}
