// SPDX-License-Identifier: GPL-2.0
/*
 * The module's reader of the kernel's type information (kmod/compat/btf.c, unchanged): what it
 * reads lies in memory of just that size. A member that is found is named in it.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compat/btf.h"
#include "compat/ksyms.h"

/* As the module asks, and one more type and member with short names. */
static const struct {
	const char *types, *member;
} questions[] = {
	{ "ksm_stable_node,stable_node", "hlist" },
	{ "ksm_stable_node,stable_node", "chain_prune_time" },
	{ "ksm_rmap_item,rmap_item", "address" },
	{ "s", "m" },
};

static uint8_t *section, *section_end;

void *vmshare_ksym_data(const char *name, bool check_name)
{
	(void)check_name;
	return strcmp(name, "__start_BTF") ? section_end : section;
}

static void ask(struct vmshare_btf *btf, const char *types, const char *member, size_t size)
{
	int offset = vmshare_btf_offset(btf, types, member);

	if (offset < -1 || (offset >= 0 && !memmem(section, size, member, strlen(member) + 1)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct vmshare_btf *btf;

	section = malloc(size ? size : 1);
	section_end = section + size;
	memcpy(section, data, size);
	btf = vmshare_btf_open(&why);
	if (!btf && !why)
		abort();
	for (size_t i = 0; btf && i < sizeof(questions) / sizeof(questions[0]); i++)
		ask(btf, questions[i].types, questions[i].member, size);
	vmshare_btf_close(btf);
	free(section);
	return 0;
}
