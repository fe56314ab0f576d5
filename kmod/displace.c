// SPDX-License-Identifier: GPL-2.0
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "displace.h"

#define FIRST_BITS	8
#define LAST_BITS	15	/* 24,576 pairs on one CPU; moved with interrupts off */

static struct vmshare_displacement *new_table(u32 bits)
{
	return kvcalloc(1U << bits, sizeof(struct vmshare_displacement),
			GFP_KERNEL);
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
	kvfree(d->next);
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

static bool has_room(const struct vmshare_displace *d, u32 by)
{
	u32 size = vmshare_displace_size(d);

	return by == VMSHARE_OWNER_UNKNOWN ? d->used < size - 1 :
					     d->used < size - size / 4;
}

static u32 half(const struct vmshare_displace *d)
{
	return vmshare_displace_size(d) / 2;
}

/* Readers go by: a row's name is there before its numbers. */
static bool add_row(struct vmshare_displace *d, u32 victim, u32 by, u32 count,
		    u64 ns)
{
	struct vmshare_displacement *row =
		place_of(d->table, d->bits, victim, by);

	if (!row)
		return false;
	if (!row->victim) {
		if (!has_room(d, by))
			return false;
		row->by = by;
		smp_store_release(&row->victim, victim); /* read_row() */
		WRITE_ONCE(d->used, d->used + 1);
		if (d->used == half(d) + 1 && d->bits < LAST_BITS)
			d->tell_tight();
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
	d->next_bits = d->bits + vmshare_displace_is_tight(d);
	d->next = new_table(d->next_bits);
}

void vmshare_displace_move(struct vmshare_displace *d, bool (*keep)(u32 number),
			   bool (*has_number)(u32 number))
{
	u32 i, used = 0;

	if (!d->next)
		return;
	for (i = 0; i < vmshare_displace_size(d); i++) {
		const struct vmshare_displacement *old = &d->table[i];
		struct vmshare_displacement *row;
		u32 by = has_number(old->by) ? old->by : VMSHARE_OWNER_UNKNOWN;

		if (!old->victim || !keep(old->victim))
			continue;
		row = place_of(d->next, d->next_bits, old->victim, by);
		used += !row->victim;
		row->victim = old->victim;
		row->by = by;
		row->count += old->count;
		row->ns += old->ns;
	}
	swap(d->table, d->next);
	swap(d->bits, d->next_bits);
	d->used = used;
	d->last = NULL;
}

void vmshare_displace_finish(struct vmshare_displace *d)
{
	kvfree(d->next);
	d->next = NULL;
}
