// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>

#include "caps.h"

static const char *const names[VMSHARE_CAPS] = {
	[VMSHARE_CAP_TREE_ENGINE] = "tree-engine",
	[VMSHARE_CAP_PAGES_ENGINE] = "pages-engine",
	[VMSHARE_CAP_CERTIFICATE] = "certificate",
	[VMSHARE_CAP_EVENTS] = "events",
	[VMSHARE_CAP_SCHED_HOOKS] = "scheduler-hooks",
	[VMSHARE_CAP_KVM_HOOKS] = "kvm-hooks",
};

static const char *reasons[VMSHARE_CAPS];

const char *vmshare_cap_name(enum vmshare_cap cap)
{
	return names[cap];
}

void vmshare_cap_deny(enum vmshare_cap cap, const char *why)
{
	reasons[cap] = why;
	pr_info("without %s: %s\n", names[cap], why);
}

bool vmshare_cap_has(enum vmshare_cap cap)
{
	return !reasons[cap];
}

const char *vmshare_cap_reason(enum vmshare_cap cap)
{
	return reasons[cap];
}
