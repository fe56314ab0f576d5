// SPDX-License-Identifier: GPL-2.0
/*
 * Locks:
 *	walk_lock	one walk at a time; held over all of it, so that who
 *			comes meanwhile can share its result
 *	kept_lock	the list of snapshots that can be named; nests inside
 *
 * References: the list holds one for each snapshot on it, dropped when the
 * snapshot is too old or one too many; a reader holds one from _get() or
 * _find() to its _put().
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include <linux/vmshare.h>

#include "build.h"
#include "caps.h"
#include "large.h"
#include "pages.h"
#include "snapshot.h"
#include "tree.h"
#include "watch.h"
#include "work.h"

/* A VM that ends in the middle of a walk spoils it; so many are made at most. */
#define WALKS		3

static DEFINE_MUTEX(walk_lock);
static DEFINE_SPINLOCK(kept_lock);
static LIST_HEAD(kept);		/* newest first */
static u32 nr_kept;
static u64 last_generation;	/* walk_lock */

static void drop_old(struct work_struct *work);
static DECLARE_DELAYED_WORK(drop_old_work, drop_old);

static void free_snapshot(struct kref *ref)
{
	struct vmshare_snapshot *snap =
		container_of(ref, struct vmshare_snapshot, ref);

	kvfree(snap->vms);
	kvfree(snap->vcpus);
	kvfree(snap->sets);
	kvfree(snap->members);
	kfree(snap);
}

void vmshare_snapshot_put(struct vmshare_snapshot *snap)
{
	if (snap)
		kref_put(&snap->ref, free_snapshot);
}

/* ---- those that can be named ---- */

/* Take the oldest off the list if it may go. Return: it, with its reference. */
static struct vmshare_snapshot *pop_oldest(bool all)
{
	struct vmshare_snapshot *old = NULL;
	ktime_t limit = ktime_sub_ms(ktime_get(), VMSHARE_KEEP_MS);

	spin_lock(&kept_lock);
	if (!list_empty(&kept))
		old = list_last_entry(&kept, struct vmshare_snapshot, kept);
	if (old && (all || nr_kept > VMSHARE_KEEP ||
		    ktime_before(old->kept_since, limit))) {
		list_del_init(&old->kept);
		nr_kept--;
	} else {
		old = NULL;
	}
	spin_unlock(&kept_lock);
	return old;
}

static void drop_kept(bool all)
{
	struct vmshare_snapshot *old;

	while ((old = pop_oldest(all)))
		vmshare_snapshot_put(old);
}

/* Runs only while snapshots are kept. */
static void drop_old(struct work_struct *work)
{
	drop_kept(false);
	if (READ_ONCE(nr_kept))
		queue_delayed_work(vmshare_workqueue, &drop_old_work,
				   msecs_to_jiffies(VMSHARE_KEEP_MS));
}

static void keep(struct vmshare_snapshot *snap)
{
	kref_get(&snap->ref);
	snap->kept_since = ktime_get();
	spin_lock(&kept_lock);
	list_add(&snap->kept, &kept);
	nr_kept++;
	spin_unlock(&kept_lock);
	drop_kept(false);
	queue_delayed_work(vmshare_workqueue, &drop_old_work, msecs_to_jiffies(VMSHARE_KEEP_MS));
}

struct vmshare_snapshot *vmshare_snapshot_find(u64 generation)
{
	struct vmshare_snapshot *snap, *found = NULL;

	spin_lock(&kept_lock);
	list_for_each_entry(snap, &kept, kept) {
		if (snap->generation == generation) {
			kref_get(&snap->ref);
			found = snap;
			break;
		}
	}
	spin_unlock(&kept_lock);
	return found;
}

static struct vmshare_snapshot *find_fresh(u32 engine, ktime_t oldest)
{
	struct vmshare_snapshot *snap, *found = NULL;

	spin_lock(&kept_lock);
	list_for_each_entry(snap, &kept, kept) {
		if (snap->engine == engine && !ktime_before(snap->began, oldest)) {
			kref_get(&snap->ref);
			found = snap;
			break;
		}
	}
	spin_unlock(&kept_lock);
	return found;
}

/* ---- a walk ---- */

static int init_tally(struct vmshare_tally *tally,
		      const struct vmshare_census *census, u32 engine)
{
	u32 nr = census->nr_vms + 1;

	*tally = (struct vmshare_tally) { .census = census };
	tally->ksm_mappings = kvcalloc(nr, sizeof(u64), VMSHARE_GFP_LARGE);
	if (engine == VMSHARE_ENGINE_PAGES)
		tally->anon_pages = kvcalloc(nr, sizeof(u64), VMSHARE_GFP_LARGE);
	if (!tally->ksm_mappings ||
	    (engine == VMSHARE_ENGINE_PAGES && !tally->anon_pages))
		return -ENOMEM;
	return vmshare_sets_init(&tally->sets, census->nr_vms);
}

static void free_tally(struct vmshare_tally *tally)
{
	vmshare_sets_free(&tally->sets);
	kvfree(tally->ksm_mappings);
	kvfree(tally->anon_pages);
}

static struct vmshare_snapshot *new_snapshot(u32 engine)
{
	struct vmshare_snapshot *snap = kzalloc(sizeof(*snap), GFP_KERNEL);

	if (!snap)
		return NULL;
	kref_init(&snap->ref);
	INIT_LIST_HEAD(&snap->kept);
	snap->engine = engine;
	snap->began = ktime_get();
	snap->time_ns = ktime_get_real_ns();
	return snap;
}

static void note_walk(struct vmshare_snapshot *snap,
		      const struct vmshare_tally *tally)
{
	snap->walk_ns = ktime_to_ns(ktime_sub(ktime_get(), snap->began));
	snap->items = tally->items;
	snap->nodes = tally->nodes;
	snap->checked_nodes = tally->checked_nodes;
	snap->stale_items = tally->stale_items;
	snap->merged_frames = tally->merged_frames;
	snap->merged_mappings = tally->merged_mappings;
	snap->longest_hold_ns = tally->longest_hold_ns;
	snap->consistent = !tally->changed;
}

static int walk_census(struct vmshare_snapshot *snap,
		       const struct vmshare_census *census, u32 *gone)
{
	struct vmshare_tally tally;
	int err = init_tally(&tally, census, snap->engine);

	if (!err)
		err = snap->engine == VMSHARE_ENGINE_TREE ?
		      vmshare_tree_walk(&tally) :
		      vmshare_pages_walk(&tally, NULL);
	if (!err) {
		note_walk(snap, &tally);
		err = vmshare_build(snap, &tally, gone);
	}
	free_tally(&tally);
	return err;
}

/* The mappings of a VM that has just ended are nobody's until they are gone, too. */
static bool any_is_dying(const struct vmshare_census *census)
{
	u32 i;

	for (i = 0; i < census->nr_vms; i++)
		if (vmshare_is_dying(census->vms[i].mm))
			return true;
	return false;
}

/* @gone: VMs that ended meanwhile; @dying: whether one of them is still mapped */
static int walk_once(u32 engine, struct vmshare_snapshot **ret, u32 *gone,
		     bool *dying)
{
	struct vmshare_snapshot *snap = new_snapshot(engine);
	struct vmshare_census census;
	int err;

	if (!snap)
		return -ENOMEM;
	err = vmshare_census_take(&census);
	if (err)
		goto err_snapshot;
	vmshare_watch_note(&census);
	err = walk_census(snap, &census, gone);
	*dying = any_is_dying(&census);
	vmshare_census_release(&census);
	if (err)
		goto err_snapshot;
	*ret = snap;
	return 0;

err_snapshot:
	vmshare_snapshot_put(snap);
	return err;
}

static int walk(u32 engine, struct vmshare_snapshot **ret)
{
	bool was_dying = false, dying;
	int walks = 1, err;
	u32 gone;

	while (!(err = walk_once(engine, ret, &gone, &dying)) && gone &&
	       walks < WALKS) {
		vmshare_snapshot_put(*ret);
		*ret = NULL;	/* the next walk may fail */
		was_dying |= dying;
		walks++;
	}
	if (err)
		return err;
	if (gone || was_dying)
		(*ret)->consistent = false;
	(*ret)->generation = ++last_generation;
	keep(*ret);
	return 0;
}

u32 vmshare_snapshot_default_engine(void)
{
	return vmshare_cap_has(VMSHARE_CAP_TREE_ENGINE) ?
	       VMSHARE_ENGINE_TREE : VMSHARE_ENGINE_PAGES;
}

static int get_by_engine(u32 engine, ktime_t oldest,
			 struct vmshare_snapshot **ret)
{
	int err = 0;

	*ret = find_fresh(engine, oldest);
	if (*ret)
		return 0;
	if (mutex_lock_killable(&walk_lock))
		return -EINTR;
	*ret = find_fresh(engine, oldest);
	if (!*ret)
		err = walk(engine, ret);
	mutex_unlock(&walk_lock);
	return err;
}

int vmshare_snapshot_get(u32 engine, u32 max_age_ms,
			 struct vmshare_snapshot **ret)
{
	ktime_t oldest = ktime_sub_ms(ktime_get(), max_age_ms);
	bool any = engine == VMSHARE_ENGINE_AUTO;
	int err;

	if (any)
		engine = vmshare_snapshot_default_engine();
	if (engine == VMSHARE_ENGINE_TREE &&
	    !vmshare_cap_has(VMSHARE_CAP_TREE_ENGINE))
		return -EOPNOTSUPP;
	err = get_by_engine(engine, oldest, ret);
	if (any && engine == VMSHARE_ENGINE_TREE &&
	    (err == -EBUSY || err == -EXFULL))
		err = get_by_engine(VMSHARE_ENGINE_PAGES, oldest, ret);
	return err;
}

void vmshare_snapshot_exit(void)
{
	cancel_delayed_work_sync(&drop_old_work);
	drop_kept(true);
}
