// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>

#include "exits.h"

#ifdef CONFIG_X86
static const struct {
	const char *name;
	size_t offset;
} reasons[] = {
	{ "io", offsetof(struct kvm_vcpu_stat, io_exits) },
	{ "mmio", offsetof(struct kvm_vcpu_stat, mmio_exits) },
	{ "interrupt", offsetof(struct kvm_vcpu_stat, irq_exits) },
	{ "halt", offsetof(struct kvm_vcpu_stat, halt_exits) },
	{ "irq-window", offsetof(struct kvm_vcpu_stat, irq_window_exits) },
	{ "nmi-window", offsetof(struct kvm_vcpu_stat, nmi_window_exits) },
	{ "request-irq", offsetof(struct kvm_vcpu_stat, request_irq_exits) },
	{ "signal", offsetof(struct kvm_vcpu_stat, signal_exits) },
};

void vmshare_exits_read(const struct kvm_vcpu *vcpu, struct vmshare_exits *exits)
{
	const void *stat = &vcpu->stat;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(reasons) > VMSHARE_EXIT_REASONS);
	exits->all = READ_ONCE(vcpu->stat.exits);
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		exits->by_reason[i] =
			READ_ONCE(*(const u64 *)(stat + reasons[i].offset));
}

const char *vmshare_exit_reason(unsigned int i)
{
	return i < ARRAY_SIZE(reasons) ? reasons[i].name : NULL;
}
#else
void vmshare_exits_read(const struct kvm_vcpu *vcpu, struct vmshare_exits *exits)
{
	*exits = (struct vmshare_exits) { .all = vcpu->stat.exits };
}

const char *vmshare_exit_reason(unsigned int i)
{
	return NULL;
}
#endif
