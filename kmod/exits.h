/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_EXITS_H
#define _VMSHARE_EXITS_H

#include <linux/types.h>

struct kvm_vcpu;

#define VMSHARE_EXIT_REASONS	8

/* KVM's own counters of why a vCPU left guest mode, since it was made. */
struct vmshare_exits {
	u64 all;
	u64 by_reason[VMSHARE_EXIT_REASONS];
};

/* For a vCPU that cannot go meanwhile. */
void vmshare_exits_read(const struct kvm_vcpu *vcpu, struct vmshare_exits *exits);

/* One word, or NULL if this architecture does not count so many. */
const char *vmshare_exit_reason(unsigned int i);

#endif
