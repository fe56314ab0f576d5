// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses of variables that the kernel does not export.
 *
 * A kprobe may not sit on data, so registering one by the name of a variable is
 * refused; but the name was looked up first, and the address stays in the
 * kprobe. Nothing is patched and nothing runs. As that is a side effect and not
 * a promise, the symbol table is asked back what it calls the address.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/ksyms.h"

static bool called_by_name(void *addr, const char *name)
{
	size_t len = strlen(name);
	bool same = false;
	char *text;

	text = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);
	if (!text)
		return false;
	sprint_symbol(text, (unsigned long)addr);
	same = !strncmp(text, name, len) && !strncmp(text + len, "+0x0/", 5);
	kfree(text);
	return same;
}

#ifdef CONFIG_KPROBES
void *vmshare_ksym_data(const char *name, bool check_name)
{
	struct kprobe probe = { .symbol_name = name };
	void *addr;

	if (!register_kprobe(&probe)) {
		unregister_kprobe(&probe);
		return NULL;	/* code, not data */
	}
	addr = probe.addr;
	if (addr && check_name && !called_by_name(addr, name))
		return NULL;
	return addr;
}
#else
void *vmshare_ksym_data(const char *name, bool check_name)
{
	return NULL;
}
#endif
