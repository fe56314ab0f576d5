// SPDX-License-Identifier: GPL-2.0
/*
 * Locks:
 *	hooks_lock	who wants what, and what is attached
 *	clients_lock	the list of clients, when it changes; a leaf, for those who
 *			close a socket and need only know whether it is one's
 *	refresh_lock	the map of threads; nests inside, and is all that the
 *			work takes that is started when a new thread runs; held
 *			from before a census until the map is made of it, else
 *			an older one could replace a newer
 *
 * Teardown: the probes go first; so no new thread is told of any more, and the
 * work that is under way is waited for (drop_counts()); then nobody reads the map.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>

#include <linux/vmshare.h>

#include "caps.h"
#include "compat/irqwork.h"
#include "guestmode.h"
#include "hooks.h"
#include "runners.h"
#include "sched.h"
#include "work.h"

/* How soon a new thread is looked for, and how long at most after in vain. */
#define REFRESH_MS	20
#define REFRESH_MAX_MS	10000
#define REST		20	/* times the CPU time that looking took */

struct client {
	struct list_head list;
	u32 portid;
	u32 hooks;
};

static DEFINE_MUTEX(hooks_lock);
static DEFINE_SPINLOCK(clients_lock);
static DEFINE_MUTEX(refresh_lock);
static LIST_HEAD(clients);
static u32 attached;

/* ---- new threads ---- */

static unsigned long next_refresh;	/* jiffies */
static unsigned int refresh_ms;

static void refresh_later(struct work_struct *work);
static DECLARE_WORK(refresh_work, refresh_later);

static bool ending;	/* no more work is started */

static void start_refresh(struct irq_work *work)
{
	if (!READ_ONCE(ending))
		queue_work(vmshare_workqueue, &refresh_work);
}

static VMSHARE_DEFINE_IRQ_WORK(refresh_irq_work, start_refresh);

static bool is_due(void)
{
	return time_after_eq(jiffies, READ_ONCE(next_refresh));
}

static void put_off(unsigned int ms)
{
	WRITE_ONCE(next_refresh, jiffies + msecs_to_jiffies(ms));
}

/* As the scheduler has last counted it: where we slept it is up to date. */
static u64 own_cpu_ns(void)
{
	return READ_ONCE(current->se.sum_exec_runtime);
}

/* Not so soon that looking takes more of a CPU than a part in REST. */
static void put_off_after(u64 cpu_ns)
{
	u64 rest_ms = div_u64(cpu_ns * REST, NSEC_PER_MSEC);

	put_off(clamp_t(u64, rest_ms, refresh_ms, REFRESH_MAX_MS));
}

/* Called with a run queue locked. */
static void new_thread_runs(void)
{
	if (is_due())
		irq_work_queue(&refresh_irq_work);
}

/* Likewise, and once for each size of a CPU's table. */
static void table_is_tight(void)
{
	irq_work_queue(&refresh_irq_work);
}

static int look(struct vmshare_census *census, struct vmshare_threads *threads)
{
	int err = vmshare_census_take(census);

	if (err)
		return err;
	err = vmshare_threads_list(threads, census);
	if (err)
		vmshare_census_release(census);
	return err;
}

static void look_away(struct vmshare_census *census,
		      struct vmshare_threads *threads)
{
	vmshare_threads_release(threads);
	vmshare_census_release(census);
}

static int refresh(const struct vmshare_census *census,
		   const struct vmshare_threads *threads)
{
	int err = vmshare_runners_refresh(census, threads, vmshare_sched_forget);

	if (err)
		return err;
	if (vmshare_runners_found_new()) {
		refresh_ms = REFRESH_MS;
		put_off(refresh_ms);
	}
	vmshare_sched_grow();
	return 0;
}

static int look_and_refresh(void)
{
	struct vmshare_threads threads;
	struct vmshare_census census;
	int err = look(&census, &threads);

	if (err)
		return err;
	err = refresh(&census, &threads);
	look_away(&census, &threads);
	return err;
}

/*
 * Some processes look like a VM's and are none, and each of their switches asks
 * for a refresh; so these get rarer as long as they find nothing. While one is
 * under way nobody need ask for another.
 */
static void refresh_later(struct work_struct *work)
{
	u64 before = own_cpu_ns();

	mutex_lock(&refresh_lock);
	if (is_due()) {
		put_off(REFRESH_MAX_MS);
		refresh_ms = min(2 * refresh_ms, REFRESH_MAX_MS);
		look_and_refresh();
		put_off_after(own_cpu_ns() - before);
	}
	vmshare_sched_grow();
	mutex_unlock(&refresh_lock);
}

/* ---- attached and detached ---- */

/*
 * With no probe attached. The work itself tells of tables that get tight, too; so it is not
 * enough to wait for the one and then for the other.
 */
static void drop_counts(void)
{
	smp_store_mb(ending, true);	/* before one is found not under way */
	irq_work_sync(&refresh_irq_work);	/* who has not seen it has started the work */
	cancel_work_sync(&refresh_work);
	irq_work_sync(&refresh_irq_work);	/* which may have told, and started nothing */
	WRITE_ONCE(ending, false);
	vmshare_sched_free();
	vmshare_runners_clear();
}

static int attach_sched(void)
{
	int err;

	if (mutex_lock_killable(&refresh_lock))
		return -EINTR;
	refresh_ms = REFRESH_MS;
	put_off(refresh_ms);
	err = look_and_refresh();
	mutex_unlock(&refresh_lock);
	if (!err)
		err = vmshare_sched_attach(new_thread_runs, table_is_tight,
					   vmshare_runners_nr_vms());
	if (err)
		drop_counts();
	else
		attached |= VMSHARE_HOOK_SCHED;
	return err;
}

static void detach_sched(void)
{
	vmshare_sched_detach();
	drop_counts();
	attached &= ~VMSHARE_HOOK_SCHED;
}

static int attach_kvm(void)
{
	int err;

	if (mutex_lock_killable(&refresh_lock))
		return -EINTR;
	vmshare_runners_begin_entries();
	mutex_unlock(&refresh_lock);
	err = vmshare_guestmode_attach();
	if (!err)
		attached |= VMSHARE_HOOK_KVM;
	return err;
}

/* KVM's hooks count for the thread that the scheduler's ones know. */
static int attach(u32 hooks)
{
	int err = 0;

	if (hooks && !(attached & VMSHARE_HOOK_SCHED))
		err = attach_sched();
	if (!err && hooks & ~attached & VMSHARE_HOOK_KVM)
		err = attach_kvm();
	return err;
}

static void detach(u32 hooks)
{
	if (attached & ~hooks & VMSHARE_HOOK_KVM) {
		vmshare_guestmode_detach();
		mutex_lock(&refresh_lock);
		vmshare_runners_end_entries();
		mutex_unlock(&refresh_lock);
		attached &= ~VMSHARE_HOOK_KVM;
	}
	if (!hooks && attached & VMSHARE_HOOK_SCHED)
		detach_sched();
}

static u32 wanted_by_all(void)
{
	const struct client *c;
	u32 hooks = 0;

	list_for_each_entry(c, &clients, list)
		hooks |= c->hooks;
	return hooks;
}

/* ---- clients ---- */

static struct client *find_client(u32 portid)
{
	struct client *c;

	list_for_each_entry(c, &clients, list)
		if (c->portid == portid)
			return c;
	return NULL;
}

static void drop_client(u32 portid)
{
	struct client *c = find_client(portid);

	if (!c)
		return;
	spin_lock(&clients_lock);
	list_del(&c->list);
	spin_unlock(&clients_lock);
	kfree(c);
	detach(wanted_by_all());
}

static int keep_client(u32 portid, u32 hooks)
{
	struct client *c = find_client(portid);
	u32 before = c ? c->hooks : 0;
	int err;

	if (!c) {
		c = kzalloc(sizeof(*c), GFP_KERNEL);
		if (!c)
			return -ENOMEM;
		c->portid = portid;
		spin_lock(&clients_lock);
		list_add(&c->list, &clients);
		spin_unlock(&clients_lock);
	}
	c->hooks = hooks;
	err = attach(wanted_by_all());
	if (err && !before) {
		drop_client(portid);
		return err;
	}
	if (err)
		c->hooks = before;
	detach(wanted_by_all());
	return err;
}

static bool has_all(u32 hooks)
{
	return (!(hooks & VMSHARE_HOOK_SCHED) ||
		vmshare_cap_has(VMSHARE_CAP_SCHED_HOOKS)) &&
	       (!(hooks & VMSHARE_HOOK_KVM) ||
		(vmshare_cap_has(VMSHARE_CAP_SCHED_HOOKS) &&
		 vmshare_cap_has(VMSHARE_CAP_KVM_HOOKS)));
}

int vmshare_hooks_want(u32 portid, u32 hooks)
{
	int err = 0;

	if (!has_all(hooks))
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&hooks_lock))
		return -EINTR;
	if (hooks)
		err = keep_client(portid, hooks);
	else
		drop_client(portid);
	mutex_unlock(&hooks_lock);
	return err;
}

/* A socket that is closed has no request under way, so it does not become one. */
static bool is_client(u32 portid)
{
	bool found;

	spin_lock(&clients_lock);
	found = find_client(portid);
	spin_unlock(&clients_lock);
	return found;
}

/*
 * Every netlink socket of the host that is closed comes by here, and only a
 * client's waits for reports. A number is one socket's only inside a network
 * namespace; clients are in the initial one, as the family is.
 */
static int on_socket(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC ||
	    !net_eq(notify->net, &init_net) || !is_client(notify->portid))
		return NOTIFY_DONE;
	mutex_lock(&hooks_lock);
	drop_client(notify->portid);
	mutex_unlock(&hooks_lock);
	return NOTIFY_DONE;
}

static struct notifier_block socket_notifier = { .notifier_call = on_socket };

/* ---- readers ---- */

int vmshare_hooks_hold(struct vmshare_census *census,
		       struct vmshare_threads *threads)
{
	int err;

	if (mutex_lock_killable(&hooks_lock))
		return -EINTR;
	err = mutex_lock_killable(&refresh_lock);
	if (err)
		goto out;
	err = look(census, threads);
	if (!err && attached) {
		err = refresh(census, threads);
		if (err)
			look_away(census, threads);
	}
	if (!err)
		return attached;
	mutex_unlock(&refresh_lock);
out:
	mutex_unlock(&hooks_lock);
	return err;
}

void vmshare_hooks_release(struct vmshare_census *census,
			   struct vmshare_threads *threads)
{
	mutex_unlock(&refresh_lock);
	mutex_unlock(&hooks_lock);
	look_away(census, threads);
}

void vmshare_hooks_init(void)
{
	netlink_register_notifier(&socket_notifier);
}

/* The family is gone: nobody asks any more, but sockets may still be open. */
void vmshare_hooks_exit(void)
{
	netlink_unregister_notifier(&socket_notifier);
	mutex_lock(&hooks_lock);
	while (!list_empty(&clients))
		drop_client(list_first_entry(&clients, struct client,
					     list)->portid);
	mutex_unlock(&hooks_lock);
}
