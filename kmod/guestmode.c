// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel books guest time by ticks. Between KVM's tracepoints of entry and
 * exit it is exact.
 *
 * Lock: points_lock protects which tracepoints there are and whether we are on
 * them. It nests in the module notifier's lock of the tracepoint code, and the
 * lock for registering a probe nests in it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/tracepoint.h>

#include "compat/tracepoints.h"
#include "guestmode.h"
#include "sched.h"

static DEFINE_MUTEX(points_lock);
static struct tracepoint *entry_tp, *exit_tp;
static bool wanted, attached;

/*
 * Entered is the thread, not the CPU: on some kernels the tracepoint of an exit
 * comes after preemption was enabled again. A thread that is switched away from
 * before it is booked by the scheduler's hook.
 */
static void on_entry(void *data)
{
	struct vmshare_runner *r;

	preempt_disable_notrace();
	r = vmshare_sched_current();
	if (r) {
		r->waits.entries++;
		r->entered = vmshare_sched_clock();
	}
	preempt_enable_notrace();
}

static void on_exit(void *data)
{
	struct vmshare_runner *r;

	preempt_disable_notrace();
	r = vmshare_sched_current();
	if (r)
		vmshare_sched_leave_guest(r);
	preempt_enable_notrace();
}

/* With points_lock held. Without KVM there is nothing to attach to yet. */
static int attach(void)
{
	int err;

	if (attached || !wanted || !entry_tp || !exit_tp)
		return 0;
	err = tracepoint_probe_register(exit_tp, on_exit, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(entry_tp, on_entry, NULL);
	if (err)
		tracepoint_probe_unregister(exit_tp, on_exit, NULL);
	else
		attached = true;
	return err;
}

static void detach(void)
{
	if (!attached)
		return;
	tracepoint_probe_unregister(entry_tp, on_entry, NULL);
	tracepoint_probe_unregister(exit_tp, on_exit, NULL);
	attached = false;
}

int vmshare_guestmode_attach(void)
{
	int err;

	mutex_lock(&points_lock);
	wanted = true;
	err = attach();
	if (err)
		wanted = false;
	mutex_unlock(&points_lock);
	if (err)	/* one probe may have been there for a moment */
		tracepoint_synchronize_unregister();
	return err;
}

void vmshare_guestmode_detach(void)
{
	mutex_lock(&points_lock);
	wanted = false;
	detach();
	mutex_unlock(&points_lock);
	tracepoint_synchronize_unregister();
}

#ifdef CONFIG_MODULES
/* KVM comes and goes; the kernel calls this for modules that are there already. */
static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct tp_module *tp_module = data;
	struct tracepoint *entry, *exit;

	entry = vmshare_module_tracepoint(tp_module->mod, "kvm_entry");
	exit = vmshare_module_tracepoint(tp_module->mod, "kvm_exit");
	if (!entry || !exit)
		return NOTIFY_OK;
	mutex_lock(&points_lock);
	if (event == MODULE_STATE_COMING) {
		entry_tp = entry;
		exit_tp = exit;
		if (attach())
			pr_warn("no memory for KVM's hooks: who measures guest time is to begin anew\n");
	} else if (event == MODULE_STATE_GOING) {
		detach();
		entry_tp = NULL;
		exit_tp = NULL;
	}
	mutex_unlock(&points_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = { .notifier_call = on_module };

static int follow_modules(void)
{
	return register_tracepoint_module_notifier(&module_notifier);
}

static void unfollow_modules(void)
{
	unregister_tracepoint_module_notifier(&module_notifier);
}
#else
static int follow_modules(void)
{
	return 0;
}

static void unfollow_modules(void)
{
}
#endif

const char *vmshare_guestmode_init(void)
{
	/* The probes take no arguments, where the tracepoints have some. */
	if (VMSHARE_CALLS_ARE_CHECKED)
		return "this kernel checks the types of calls (CONFIG_CFI)";
	entry_tp = vmshare_kernel_tracepoint("kvm_entry");
	exit_tp = vmshare_kernel_tracepoint("kvm_exit");
	if (follow_modules())
		return "modules that come with tracepoints cannot be followed";
	return NULL;
}

void vmshare_guestmode_exit(void)
{
	unfollow_modules();
}
