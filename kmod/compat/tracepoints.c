// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler's tracepoints are exported by no kernel, but every kernel
 * exports the way through all of them.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "tracepoints.h"

struct wanted {
	const char *name;
	struct tracepoint *found;
};

static void compare(struct tracepoint *tp, void *data)
{
	struct wanted *wanted = data;

	if (!strcmp(tp->name, wanted->name))
		wanted->found = tp;
}

struct tracepoint *vmshare_kernel_tracepoint(const char *name)
{
	struct wanted wanted = { .name = name };

	for_each_kernel_tracepoint(compare, &wanted);
	return wanted.found;
}

struct tracepoint *vmshare_module_tracepoint(const struct module *module,
					     const char *name)
{
#ifdef CONFIG_MODULES
	unsigned int i;

	for (i = 0; i < module->num_tracepoints; i++) {
		struct tracepoint *tp =
			tracepoint_ptr_deref(&module->tracepoints_ptrs[i]);

		if (!strcmp(tp->name, name))
			return tp;
	}
#endif
	return NULL;
}
