/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_COMPAT_TRACEPOINTS_H
#define _VMSHARE_COMPAT_TRACEPOINTS_H

#include <linux/kconfig.h>

struct tracepoint;
struct module;

/*
 * May a probe have fewer arguments than its tracepoint? Not where the kernel
 * checks the types of indirect calls; the option lost its suffix in v6.18.
 */
#define VMSHARE_CALLS_ARE_CHECKED \
	(IS_ENABLED(CONFIG_CFI) || IS_ENABLED(CONFIG_CFI_CLANG))

/* The kernel's own tracepoint of that name, or NULL. Sleeps. */
struct tracepoint *vmshare_kernel_tracepoint(const char *name);

/* That of a module, or NULL. */
struct tracepoint *vmshare_module_tracepoint(const struct module *module,
					     const char *name);

#endif
