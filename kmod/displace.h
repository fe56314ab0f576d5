/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who ran while a VM's thread was ready: time and number of pieces per pair.
 *
 * Every CPU adds to a table of its own, with interrupts off, so there is no
 * lock. Tables are made larger, and freed of VMs that are gone, from outside.
 */
#ifndef _VMSHARE_DISPLACE_H
#define _VMSHARE_DISPLACE_H

#include <linux/types.h>

/* Whoever runs has a number; VMs have theirs from VMSHARE_OWNER_VM on. */
enum {
	VMSHARE_OWNER_HOST,	/* a thread that belongs to no VM */
	VMSHARE_OWNER_IDLE,	/* nobody */
	VMSHARE_OWNER_UNKNOWN,	/* not kept */
	VMSHARE_OWNER_VM,
};

struct vmshare_displacement {
	u32 victim;		/* a VM's number; 0: empty */
	u32 by;
	u64 count;
	u64 ns;
};

struct vmshare_displace {
	struct vmshare_displacement *table;	/* open addressing */
	u32 bits, used;
	struct vmshare_displacement *last;	/* added to; pairs come in runs */
	struct vmshare_displacement *other;	/* to be changed for; then the old one, */
	u32 other_bits, next_place;		/* whose rows from here on have yet to */
	u32 to_come;				/* come: so many */
	void (*tell_tight)(void);
};

/*
 * @nr_vms: room for pairs of so many to begin with
 * @tell_tight: called once for each size, where _add() may be, when it is better
 *	larger
 */
int vmshare_displace_init(struct vmshare_displace *d, u32 nr_vms,
			  void (*tell_tight)(void));
void vmshare_displace_free(struct vmshare_displace *d);

/* By the row's one writer, while others read it. */
static inline void vmshare_displacement_count(struct vmshare_displacement *row,
					      u32 count, u64 ns)
{
	WRITE_ONCE(row->count, row->count + count);
	WRITE_ONCE(row->ns, row->ns + ns);
}

/*
 * @victim was ready for @ns while @by ran, in @count pieces. On the table's own CPU with
 * interrupts off. Where there is no room for another pair, the victim's time
 * goes to VMSHARE_OWNER_UNKNOWN, for which a quarter of the table is kept.
 * Return: false if there is not even room for that; then nothing was counted.
 */
bool vmshare_displace_find_and_add(struct vmshare_displace *d, u32 victim,
				   u32 by, u32 count, u64 ns);

/* The same, and quick for the pair that was added last. */
static inline bool vmshare_displace_add(struct vmshare_displace *d, u32 victim,
					u32 by, u32 count, u64 ns)
{
	struct vmshare_displacement *last = d->last;

	if (!last || last->victim != victim || last->by != by)
		return vmshare_displace_find_and_add(d, victim, by, count, ns);
	vmshare_displacement_count(last, count, ns);
	return true;
}

/* Would it be better larger, and can it be? */
bool vmshare_displace_is_tight(const struct vmshare_displace *d);

/*
 * A larger table, or one without those who are gone, in steps, and nobody may read the
 * pairs meanwhile: _prepare() allocates it; without memory there is nothing to do. While
 * _is_moving(), _move() has to be called, on the table's own CPU with interrupts off: each
 * time it moves a part, which bounds how long that takes, of the rows of all victims that
 * @keep() wants; whoever ran and has a number that @has_number() does not know, nobody
 * knows any more. Pairs are added in between as ever, to their row where it is.
 * _finish() frees the old one.
 */
void vmshare_displace_prepare(struct vmshare_displace *d);
bool vmshare_displace_is_moving(const struct vmshare_displace *d);
void vmshare_displace_move(struct vmshare_displace *d,
			   bool (*keep)(u32 number),
			   bool (*has_number)(u32 number));
void vmshare_displace_finish(struct vmshare_displace *d);

static inline u32 vmshare_displace_size(const struct vmshare_displace *d)
{
	return 1U << d->bits;
}

#endif
