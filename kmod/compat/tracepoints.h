/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_COMPAT_TRACEPOINTS_H
#define _VMSHARE_COMPAT_TRACEPOINTS_H

struct tracepoint;
struct module;

/* The kernel's own tracepoint of that name, or NULL. Sleeps. */
struct tracepoint *vmshare_kernel_tracepoint(const char *name);

/* That of a module, or NULL. */
struct tracepoint *vmshare_module_tracepoint(const struct module *module,
					     const char *name);

#endif
