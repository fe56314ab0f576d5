// SPDX-License-Identifier: GPL-2.0
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "displace.h"
#include "large.h"

#define FIRST_BITS	8
#define LAST_BITS	15	/* 24,576 pairs on one CPU */
#define MOVED_AT_ONCE	256	/* places of a table, with interrupts off */

static struct vmshare_displacement *new_table(u32 bits)
{
	return kvcalloc(1U << bits, sizeof(struct vmshare_displacement),
			VMSHARE_GFP_LARGE);
}

int vmshare_displace_init(struct vmshare_displace *d, u32 nr_vms,
			  void (*tell_tight)(void))
{
	*d = (struct vmshare_displace) {
		/* A quarter of it: each of them may wait for nobody knows whom. */
		.bits = clamp(order_base_2(nr_vms) + 2, FIRST_BITS, LAST_BITS),
		.tell_tight = tell_tight,
	};
	d->table = new_table(d->bits);
	return d->table ? 0 : -ENOMEM;
}

void vmshare_displace_free(struct vmshare_displace *d)
{
	kvfree(d->table);
	kvfree(d->other);
	*d = (struct vmshare_displace) {};
}

/* The pair's row or the empty one where it would be; NULL if all are taken. */
static struct vmshare_displacement *
place_of(struct vmshare_displacement *table, u32 bits, u32 victim, u32 by)
{
	u32 mask = (1U << bits) - 1;
	u32 i = hash_64((u64)victim << 32 | by, bits), tried;

	for (tried = 0; tried <= mask; tried++, i = (i + 1) & mask)
		if (!table[i].victim ||
		    (table[i].victim == victim && table[i].by == by))
			return &table[i];
	return NULL;
}

/* Rows that have yet to come from a smaller table have theirs for certain. */
static bool has_room(const struct vmshare_displace *d, u32 by)
{
	u32 size = vmshare_displace_size(d), taken = d->used + d->to_come;

	return by == VMSHARE_OWNER_UNKNOWN ? taken < size - 1 :
					     taken < size - size / 4;
}

static u32 half(const struct vmshare_displace *d)
{
	return vmshare_displace_size(d) / 2;
}

/* Readers go by: a row's name is there before its numbers. */
static void name_row(struct vmshare_displace *d,
		     struct vmshare_displacement *row, u32 victim, u32 by)
{
	row->by = by;
	smp_store_release(&row->victim, victim); /* read_row() */
	WRITE_ONCE(d->used, d->used + 1);
	if (d->used == half(d) + 1 && d->bits < LAST_BITS)
		d->tell_tight();
}

/* The pair's row in the old table, if that has yet to come; or NULL. */
static struct vmshare_displacement *
row_to_come(const struct vmshare_displace *d, u32 victim, u32 by)
{
	struct vmshare_displacement *row;

	if (!d->to_come)
		return NULL;
	row = place_of(d->other, d->other_bits, victim, by);
	return row && row->victim && row >= d->other + d->next_place ? row : NULL;
}

static bool add_row(struct vmshare_displace *d, u32 victim, u32 by, u32 count,
		    u64 ns)
{
	struct vmshare_displacement *row = row_to_come(d, victim, by);

	if (unlikely(row)) {
		vmshare_displacement_count(row, count, ns);
		return true;
	}
	row = place_of(d->table, d->bits, victim, by);
	if (!row)
		return false;
	if (!row->victim) {
		if (!has_room(d, by))
			return false;
		name_row(d, row, victim, by);
	}
	vmshare_displacement_count(row, count, ns);
	d->last = row;
	return true;
}

bool vmshare_displace_find_and_add(struct vmshare_displace *d, u32 victim,
				   u32 by, u32 count, u64 ns)
{
	return add_row(d, victim, by, count, ns) ||
	       add_row(d, victim, VMSHARE_OWNER_UNKNOWN, count, ns);
}

bool vmshare_displace_is_tight(const struct vmshare_displace *d)
{
	return READ_ONCE(d->used) > half(d) && d->bits < LAST_BITS;
}

void vmshare_displace_prepare(struct vmshare_displace *d)
{
	d->other_bits = d->bits + vmshare_displace_is_tight(d);
	d->other = new_table(d->other_bits);
	d->next_place = 0;
}

bool vmshare_displace_is_moving(const struct vmshare_displace *d)
{
	return d->other && !(d->next_place >> d->other_bits);
}

/* From now on pairs are added to the new table, to which the old ones come. */
static void exchange(struct vmshare_displace *d)
{
	swap(d->table, d->other);
	swap(d->bits, d->other_bits);
	d->to_come = d->used;
	d->used = 0;
	d->last = NULL;
}

/* There is a place: none was given away to a pair that was added meanwhile. */
static void move_row(struct vmshare_displace *d,
		     const struct vmshare_displacement *old, u32 by)
{
	struct vmshare_displacement *row =
		place_of(d->table, d->bits, old->victim, by);

	if (!row->victim)
		name_row(d, row, old->victim, by);
	row->count += old->count;
	row->ns += old->ns;
}

void vmshare_displace_move(struct vmshare_displace *d, bool (*keep)(u32 number),
			   bool (*has_number)(u32 number))
{
	u32 end;

	BUILD_BUG_ON(MOVED_AT_ONCE > 1 << FIRST_BITS);
	if (!d->next_place)
		exchange(d);
	end = d->next_place + MOVED_AT_ONCE;
	for (; d->next_place < end; d->next_place++) {
		const struct vmshare_displacement *old =
			&d->other[d->next_place];

		if (!old->victim)
			continue;
		d->to_come--;
		if (keep(old->victim))
			move_row(d, old, has_number(old->by) ?
						 old->by :
						 VMSHARE_OWNER_UNKNOWN);
	}
}

void vmshare_displace_finish(struct vmshare_displace *d)
{
	kvfree(d->other);
	d->other = NULL;
}
