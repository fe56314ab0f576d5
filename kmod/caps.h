/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this kernel lets the module do, and why not where it does not. Written
 * once while the module loads, read by everyone after that.
 */
#ifndef _VMSHARE_CAPS_H
#define _VMSHARE_CAPS_H

#include <linux/types.h>

enum vmshare_cap {
	VMSHARE_CAP_TREE_ENGINE,
	VMSHARE_CAP_PAGES_ENGINE,
	VMSHARE_CAP_CERTIFICATE,
	VMSHARE_CAP_EVENTS,
	VMSHARE_CAP_SCHED_HOOKS,
	VMSHARE_CAP_KVM_HOOKS,
	VMSHARE_CAPS
};

const char *vmshare_cap_name(enum vmshare_cap cap);

/* Record that @cap is missing. @why is kept by reference: a static sentence. */
void vmshare_cap_deny(enum vmshare_cap cap, const char *why);

bool vmshare_cap_has(enum vmshare_cap cap);

/* NULL if the capability is there. */
const char *vmshare_cap_reason(enum vmshare_cap cap);

#endif
