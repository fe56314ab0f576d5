// SPDX-License-Identifier: GPL-2.0
/*
 * VMs that come and go, told to who listens.
 *
 * KVM puts a notifier on a process's address space when a VM is created and
 * takes it away when it is destroyed, by two functions that the kernel exports
 * and that hardly anybody else calls. A probe on each says when a new census is
 * worth taking; the difference to the last census makes the events. While
 * nobody listens a probe only finds that out.
 *
 * Lock: known_lock protects the list of known VMs and orders the events.
 * Teardown: the probes go first, so only work queues more: the first look itself, and
 * either the later one. So the first is cancelled first. Requests under way still note
 * their census: the list is freed when the family is gone, and they with it.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include <linux/vmshare.h>

#include "large.h"
#include "netlink.h"
#include "watch.h"
#include "work.h"

/* The notifier is there a little before the VM's file, and goes before it. */
#define SETTLE_MS	50
#define SETTLED_MS	1000

/* Where VMs come and go without a pause, looks rest for so many times as long as they last, */
#define REST		20
/* but no longer. */
#define REST_MAX_MS	2000

struct known_vm {
	pid_t pid;
	u64 start_time_ns;
	char comm[TASK_COMM_LEN];
};

static DEFINE_MUTEX(known_lock);
static struct known_vm *known;
static u32 nr_known;
static u64 last_noted;		/* number of the census that they are from */

static void look_soon(struct work_struct *work);
static void look_later(struct work_struct *work);
static DECLARE_DELAYED_WORK(soon, look_soon);
static DECLARE_DELAYED_WORK(later, look_later);
static unsigned long rest_until;	/* in jiffies */
static bool another;		/* came while one was due already */

static bool is_same(const struct known_vm *a, const struct known_vm *b)
{
	return a->pid == b->pid && a->start_time_ns == b->start_time_ns;
}

/* Tell of all in @vms that are not in @others; both in the order of birth. */
static void tell_missing(const struct known_vm *vms, u32 nr,
			 const struct known_vm *others, u32 nr_others,
			 enum vmshare_cmd event)
{
	u32 i, tried, at = 0;

	for (i = 0; i < nr; i++) {
		for (tried = 0; tried < nr_others; tried++) {
			if (at >= nr_others)
				at = 0;
			if (is_same(&vms[i], &others[at++]))
				break;
		}
		if (tried == nr_others)
			vmshare_netlink_tell(event, vms[i].pid,
					     vms[i].start_time_ns, vms[i].comm);
	}
}

bool vmshare_watch_note(const struct vmshare_census *census)
{
	struct known_vm *now;
	u32 i;

	now = kvcalloc(census->nr_vms + 1, sizeof(*now), VMSHARE_GFP_LARGE);
	if (!now)
		return false;	/* the next census tells */
	for (i = 0; i < census->nr_vms; i++) {
		now[i].pid = census->vms[i].pid;
		now[i].start_time_ns = census->vms[i].start_time_ns;
		memcpy(now[i].comm, census->vms[i].comm, TASK_COMM_LEN);
	}
	mutex_lock(&known_lock);
	if (census->number > last_noted) {	/* else a newer one has told */
		tell_missing(known, nr_known, now, census->nr_vms,
			     VMSHARE_CMD_VM_GONE);
		tell_missing(now, census->nr_vms, known, nr_known,
			     VMSHARE_CMD_VM_APPEARED);
		swap(known, now);
		nr_known = census->nr_vms;
		last_noted = census->number;
	}
	mutex_unlock(&known_lock);
	kvfree(now);
	return true;
}

static int look(void)
{
	struct vmshare_census census;
	int err = vmshare_census_take(&census);

	if (err)
		return err;
	if (!vmshare_watch_note(&census))
		err = -ENOMEM;
	vmshare_census_release(&census);
	return err;
}

/* Who lacks memory looks later once more, as long as somebody listens. */
static void look_later(struct work_struct *work)
{
	if (look() == -ENOMEM && vmshare_netlink_is_heard())
		queue_delayed_work(vmshare_workqueue, &later,
				   msecs_to_jiffies(SETTLED_MS));
}

/*
 * A first look that is due is not put off by who comes meanwhile: that one's file may not
 * be there yet when it is made, so another follows.
 */
static void queue_soon(void)
{
	unsigned long settle = msecs_to_jiffies(SETTLE_MS), now = jiffies;
	unsigned long until = READ_ONCE(rest_until);

	if (time_before(until, now + settle))
		until = now + settle;
	if (!queue_delayed_work(vmshare_workqueue, &soon, until - now))
		WRITE_ONCE(another, true);
}

static void look_soon(struct work_struct *work)
{
	unsigned long began = jiffies;
	bool again = xchg(&another, false);

	look_later(work);
	WRITE_ONCE(rest_until, jiffies + min(REST * (jiffies - began),
					     msecs_to_jiffies(REST_MAX_MS)));
	if (again)
		queue_soon();
}

#ifdef CONFIG_KPROBES
static int notifier_changes(struct kprobe *p, struct pt_regs *regs)
{
	if (vmshare_netlink_is_heard()) {
		queue_soon();
		mod_delayed_work(vmshare_workqueue, &later,
				 msecs_to_jiffies(SETTLED_MS));
	}
	return 0;
}

static struct kprobe appears = {
	.symbol_name = "mmu_notifier_register",
	.pre_handler = notifier_changes,
};

static struct kprobe goes = {
	.symbol_name = "mmu_notifier_unregister",
	.pre_handler = notifier_changes,
};

static struct kprobe *probes[] = { &appears, &goes };

static int start_probes(void)
{
	return register_kprobes(probes, ARRAY_SIZE(probes));
}

static void stop_probes(void)
{
	unregister_kprobes(probes, ARRAY_SIZE(probes));
}
#else
static int start_probes(void)
{
	return -EOPNOTSUPP;
}

static void stop_probes(void)
{
}
#endif

static bool probing;

const char *vmshare_watch_init(void)
{
	/* Those that are there already. */
	rest_until = jiffies;
	queue_delayed_work(vmshare_workqueue, &soon, 0);
	probing = !start_probes();
	return probing ? NULL :
	       "no probe on mmu_notifier_register (CONFIG_KPROBES): VMs that come and go are noticed at the next request";
}

void vmshare_watch_exit(void)
{
	if (probing)
		stop_probes();
	cancel_delayed_work_sync(&soon);
	cancel_delayed_work_sync(&later);
}

void vmshare_watch_forget(void)
{
	kvfree(known);
	known = NULL;
	nr_known = 0;
}
