// SPDX-License-Identifier: GPL-2.0
/*
 * KSM's mutex. ksmd and all who change KSM's settings wait for it, so it is
 * held for VMSHARE_HOLD_NS at a time, and nothing is allocated meanwhile.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "large.h"
#include "tree_walk.h"

/* Nodes in one hold at most: what room is made for before. */
#define NODES_PER_HOLD	1024
/* Of these, kept for reaching a place where a pause is possible. */
#define SPARE_NODES	64
/* The clock is read once in so many items. */
#define ITEMS_PER_LOOK	64
/* And in so many entries of a list that is being made. */
#define ENTRIES_PER_LOOK	1024
/* How long a hold may be stretched where no live page offers a place to pause. */
#define STRETCH_NS	(20 * NSEC_PER_MSEC)
#define OFFLINE_WAIT_MS	10
#define OFFLINE_WAITS	500

static int make_room(struct tree_walk *w)
{
	if (vmshare_sets_reserve(&w->tally->sets, NODES_PER_HOLD) ||
	    vmshare_frames_reserve(&w->left_over, NODES_PER_HOLD))
		return -ENOMEM;
	if (w->batch_wanted > w->batch_room) {
		kvfree(w->batch);
		w->batch = kvmalloc_array(w->batch_wanted, sizeof(*w->batch),
					  VMSHARE_GFP_LARGE);
		w->batch_room = w->batch ? w->batch_wanted : 0;
	}
	return w->batch ? 0 : -ENOMEM;
}

/*
 * While memory is off-lined, KSM's trees change without the mutex. A walk that has
 * begun does not wait: it holds a page, which may be what is to be off-lined.
 */
static int lock_trees(struct tree_walk *w)
{
	int waits;

	for (waits = 0; waits < OFFLINE_WAITS; waits++) {
		if (mutex_lock_killable(w->ksm->thread_mutex))
			return -EINTR;
		if (!(READ_ONCE(*w->ksm->run) & VMSHARE_KSM_OFFLINE))
			return 0;
		mutex_unlock(w->ksm->thread_mutex);
		if (w->key)
			return -EBUSY;
		schedule_timeout_killable(msecs_to_jiffies(OFFLINE_WAIT_MS));
	}
	return -EBUSY;
}

int tree_hold(struct tree_walk *w)
{
	int err = make_room(w);

	if (!err)
		err = lock_trees(w);
	if (err)
		return err;
	w->holding = true;
	w->since = ktime_get_mono_fast_ns();
	w->hold++;
	w->nodes_left = NODES_PER_HOLD;
	w->items_to_look = ITEMS_PER_LOOK;
	w->spent = false;
	tree_ahead_reset(w);
	if (w->hold > 1)
		tree_note_changes(w);
	return 0;
}

void tree_let_go(struct tree_walk *w)
{
	u64 held;

	w->shared = READ_ONCE(*w->ksm->pages_shared);
	w->sharing = READ_ONCE(*w->ksm->pages_sharing);
	tree_doubt_members(w);
	held = ktime_get_mono_fast_ns() - w->since;
	mutex_unlock(w->ksm->thread_mutex);
	w->holding = false;
	vmshare_tally_hold(w->tally, held);
	cond_resched();
}

void tree_note_changes(struct tree_walk *w)
{
	if (w->shared != READ_ONCE(*w->ksm->pages_shared) ||
	    w->sharing != READ_ONCE(*w->ksm->pages_sharing))
		w->tally->changed = true;
}

int tree_pause(struct tree_walk *w)
{
	tree_let_go(w);
	if (fatal_signal_pending(current))
		return -EINTR;
	return tree_hold(w);
}

void tree_count_work(struct tree_walk *w, u32 items)
{
	if (w->nodes_left <= SPARE_NODES)
		w->spent = true;
	w->items_to_look -= items;
	if (w->items_to_look > 0)
		return;
	w->items_to_look = ITEMS_PER_LOOK;
	if (ktime_get_mono_fast_ns() - w->since >= VMSHARE_HOLD_NS)
		w->spent = true;
}

static bool is_stretched(const struct tree_walk *w)
{
	return ktime_get_mono_fast_ns() - w->since > STRETCH_NS;
}

bool tree_overdue(const struct tree_walk *w)
{
	return !w->nodes_left || is_stretched(w);
}

bool tree_list_overdue(const struct tree_walk *w, u32 entries)
{
	return !(entries % ENTRIES_PER_LOOK) && is_stretched(w);
}
