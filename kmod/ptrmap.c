// SPDX-License-Identifier: GPL-2.0
#include <linux/log2.h>
#include <linux/mm.h>

#include "ptrmap.h"

int vmshare_ptrmap_init(struct vmshare_ptrmap *map, u32 nr)
{
	map->bits = ilog2(roundup_pow_of_two(2 * (nr + 1)));
	map->entries = kvcalloc(1U << map->bits, sizeof(*map->entries),
				GFP_KERNEL);
	return map->entries ? 0 : -ENOMEM;
}

void vmshare_ptrmap_free(struct vmshare_ptrmap *map)
{
	kvfree(map->entries);
	map->entries = NULL;
}
