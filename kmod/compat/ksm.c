// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>

#include "compat/btf.h"
#include "compat/ksm.h"
#include "compat/ksyms.h"

static struct vmshare_ksm ksm;
static bool found;
static char missing[96];

#define NODE "ksm_stable_node,stable_node"
#define ITEM "ksm_rmap_item,rmap_item"

static const struct {
	const char *name;
	void **addr;
	bool required;
} symbols[] = {
	{ "ksm_thread_mutex", (void **)&ksm.thread_mutex, true },
	{ "root_stable_tree", (void **)&ksm.stable_trees, true },
	{ "migrate_nodes", (void **)&ksm.migrate_nodes, true },
	{ "ksm_run", (void **)&ksm.run, true },
	{ "ksm_nr_node_ids", (void **)&ksm.nr_trees, IS_ENABLED(CONFIG_NUMA) },
	{ "ksm_pages_shared", (void **)&ksm.pages_shared, true },
	{ "ksm_pages_sharing", (void **)&ksm.pages_sharing, true },
};

static const struct {
	const char *types, *member;
	int *offset;
} members[] = {
	{ NODE, "node", &ksm.node_rb },
	{ NODE, "hlist_dup", &ksm.node_hlist_dup },
	{ NODE, "list", &ksm.node_list },
	{ NODE, "hlist", &ksm.node_hlist },
	{ NODE, "kpfn", &ksm.node_kpfn },
	{ NODE, "rmap_hlist_len", &ksm.node_len },
	{ ITEM, "mm", &ksm.item_mm },
	{ ITEM, "anon_vma", &ksm.item_anon_vma },
	{ ITEM, "address", &ksm.item_address },
	{ ITEM, "hlist", &ksm.item_hlist },
};

/* All that there are, whichever is missing: some are of use alone. */
static const char *find_symbols(void)
{
	const char *first = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		*symbols[i].addr = vmshare_ksym_data(symbols[i].name, true);
		if (!*symbols[i].addr && symbols[i].required && !first)
			first = symbols[i].name;
	}
	if (!first)
		return NULL;
	snprintf(missing, sizeof(missing),
		 "kernel variable %s was not found (CONFIG_KALLSYMS_ALL, CONFIG_KPROBES)",
		 first);
	return missing;
}

static const char *find_members(void)
{
	struct vmshare_btf *btf;
	const char *why = NULL;
	size_t i;

	btf = vmshare_btf_open(&why);
	if (!btf)
		return why;
	for (i = 0; i < ARRAY_SIZE(members) && !why; i++) {
		*members[i].offset = vmshare_btf_offset(btf, members[i].types,
							members[i].member);
		if (*members[i].offset >= 0)
			continue;
		snprintf(missing, sizeof(missing),
			 "member %s of structure %s was not found in BTF",
			 members[i].member, members[i].types);
		why = missing;
	}
	vmshare_btf_close(btf);
	return why;
}

const char *vmshare_ksm_init(void)
{
	const char *why;

	if (!IS_ENABLED(CONFIG_KSM))
		return "this kernel has no KSM (CONFIG_KSM)";
	why = find_symbols();
	if (!why)
		why = find_members();
	found = !why;
	return why;
}

const struct vmshare_ksm *vmshare_ksm(void)
{
	return found ? &ksm : NULL;
}

struct vmshare_ksm_counts vmshare_ksm_counts(void)
{
	return (struct vmshare_ksm_counts) {
		.shared = ksm.pages_shared ? READ_ONCE(*ksm.pages_shared) : 0,
		.sharing = ksm.pages_sharing ? READ_ONCE(*ksm.pages_sharing) : 0,
	};
}
