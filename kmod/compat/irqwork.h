/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_COMPAT_IRQWORK_H
#define _VMSHARE_COMPAT_IRQWORK_H

#include <linux/irq_work.h>

/*
 * Done in the interrupt itself on PREEMPT_RT, too, where a thread would do it otherwise, and
 * touch it after it was waited for. (So does the interrupt, but a module is not given back
 * before all interrupts that were under way have ended.) Kernels before 5.11 have no
 * PREEMPT_RT of their own; what was added to 5.10 is not supported.
 */
#ifdef IRQ_WORK_INIT_HARD
#define VMSHARE_DEFINE_IRQ_WORK(name, func) \
	struct irq_work name = IRQ_WORK_INIT_HARD(func)
#else
#define VMSHARE_DEFINE_IRQ_WORK(name, func) DEFINE_IRQ_WORK(name, func)
#endif

#endif
