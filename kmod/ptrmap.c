// SPDX-License-Identifier: GPL-2.0
#include <linux/log2.h>
#include <linux/mm.h>

#include "ptrmap.h"

int vmshare_ptrmap_init(struct vmshare_ptrmap *map, u32 nr)
{
	u32 size = roundup_pow_of_two(2 * (nr + 1));

	map->bits = ilog2(size);
	map->mask = size - 1;
	map->entries = kvcalloc(size, sizeof(*map->entries), GFP_KERNEL);
	return map->entries ? 0 : -ENOMEM;
}

void vmshare_ptrmap_free(struct vmshare_ptrmap *map)
{
	kvfree(map->entries);
	map->entries = NULL;
}
