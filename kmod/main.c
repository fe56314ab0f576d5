// SPDX-License-Identifier: GPL-2.0
/*
 * vmshare: which virtual machines share which memory. docs/design.md is the
 * map; this file is only the ladder.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <net/genetlink.h>

#include <linux/vmshare.h>

#include "caps.h"
#include "compat/ksm.h"
#include "guestmode.h"
#include "hooks.h"
#include "netlink.h"
#include "sched.h"
#include "snapshot.h"
#include "watch.h"
#include "work.h"

/* Ask what this kernel has; nothing of it is fatal. */
static void __init find_capabilities(void)
{
	const char *why = vmshare_ksm_init();

	if (why)
		vmshare_cap_deny(VMSHARE_CAP_TREE_ENGINE, why);
	if (!IS_ENABLED(CONFIG_KSM))
		vmshare_cap_deny(VMSHARE_CAP_PAGES_ENGINE, why);
	if (!IS_ENABLED(CONFIG_MMU_NOTIFIER))
		vmshare_cap_deny(VMSHARE_CAP_EVENTS,
				 "this kernel has no KVM (CONFIG_MMU_NOTIFIER)");
#ifndef VMSHARE_HAVE_ANON_VMA_CHILDREN
	vmshare_cap_deny(VMSHARE_CAP_CERTIFICATE,
			 "struct anon_vma does not tell forked memory (no num_children): every item is checked");
#endif
}

static int __init vmshare_init(void)
{
	const char *why;
	int err;

	err = vmshare_work_init();
	if (err)
		return err;
	find_capabilities();
	why = vmshare_sched_init();
	if (why)
		vmshare_cap_deny(VMSHARE_CAP_SCHED_HOOKS, why);
	why = vmshare_guestmode_init();
	if (why)
		vmshare_cap_deny(VMSHARE_CAP_KVM_HOOKS, why);
	vmshare_hooks_init();

	/* The door is opened last and closed first; events go out by it. */
	err = vmshare_netlink_init();
	if (err) {
		vmshare_hooks_exit();
		vmshare_guestmode_exit();
		vmshare_work_exit();
		return err;
	}
	why = vmshare_watch_init();
	if (why)
		vmshare_cap_deny(VMSHARE_CAP_EVENTS, why);

	pr_info("version %s, %s engine\n", VMSHARE_VERSION,
		vmshare_cap_has(VMSHARE_CAP_TREE_ENGINE) ? "tree" : "pages");
	return 0;
}

/*
 * A dump under way holds a reference on the module, so there is none here; a
 * request under way is waited for by unregistering the family. The watch goes
 * first, because it sends by the family; after both, nobody is left who could
 * take or name a snapshot, or ask for a hook. Clients that asked for hooks may
 * still have their sockets open; their hooks are detached here. Each of these waits for
 * the work that it has queued, so the workqueue is empty when it goes.
 */
static void __exit vmshare_exit(void)
{
	vmshare_watch_exit();
	vmshare_netlink_exit();
	vmshare_watch_forget();
	vmshare_hooks_exit();
	vmshare_guestmode_exit();
	vmshare_snapshot_exit();
	vmshare_work_exit();
}

module_init(vmshare_init);
module_exit(vmshare_exit);

MODULE_DESCRIPTION("Which virtual machines share which memory, and what their leaving frees");
MODULE_AUTHOR("The vmshare authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VMSHARE_VERSION);
/* No alias of the family: anybody could have the module loaded by asking for it. */
