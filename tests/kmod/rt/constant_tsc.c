// SPDX-License-Identifier: GPL-2.0
/*
 * For test machines only: KVM refuses to load on PREEMPT_RT kernels unless the
 * CPU's time-stamp counter runs at a constant rate. The emulated one does, but
 * the emulator cannot say so; here it is said in its place, before kvm.ko looks.
 */
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

static int __init constant_tsc_init(void)
{
	set_cpu_cap(&boot_cpu_data, X86_FEATURE_CONSTANT_TSC);
	return 0;
}
module_init(constant_tsc_init);

MODULE_DESCRIPTION("Says that the time-stamp counter is constant (tests only)");
MODULE_LICENSE("GPL");
