// SPDX-License-Identifier: GPL-2.0
#include "gaps.h"

#include <stdio.h>

static const enum vm_field counted[] = { VM_SHMEM, VM_HUGETLB, VM_SWAP, VM_PAGE_TABLES };

#define COUNTED (sizeof(counted) / sizeof(counted[0]))

void gaps_add(struct gaps *gaps, const struct vm *vm)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < COUNTED; i++) {
		if (facts_get(&vm->facts, counted[i], &bytes))
			continue;
		gaps->missing[counted[i]] = true;
		gaps->any = true;
	}
}

void gaps_print(const struct gaps *gaps)
{
	const char *before = "note: ";
	size_t i;

	if (!gaps->any)
		return;
	for (i = 0; i < COUNTED; i++) {
		if (!gaps->missing[counted[i]])
			continue;
		printf("%s%s", before, vm_field_key[counted[i]]);
		before = ", ";
	}
	printf(": not known of every VM, and counted as 0 where it is not\n");
}

void gaps_put(json_t *root, const struct gaps *gaps)
{
	json_t *keys;
	size_t i;

	if (!gaps->any)
		return;
	keys = json_array();
	for (i = 0; i < COUNTED; i++) {
		if (gaps->missing[counted[i]])
			json_array_append_new(keys, json_string(vm_field_key[counted[i]]));
	}
	json_object_set_new(root, "counted_as_zero", keys);
}
