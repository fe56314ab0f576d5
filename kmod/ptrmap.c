// SPDX-License-Identifier: GPL-2.0
#include <linux/log2.h>
#include <linux/mm.h>

#include "large.h"
#include "ptrmap.h"

/* A key that is not where it should be costs a look at its neighbours. */
#define SPARSE		4	/* so many places for each key at least, */
#define SIZE_MIN	64U	/* and for all together */

int vmshare_ptrmap_init(struct vmshare_ptrmap *map, u32 nr)
{
	u32 size = roundup_pow_of_two(max(SPARSE * (nr + 1), SIZE_MIN));

	map->bits = ilog2(size);
	map->mask = size - 1;
	map->entries = kvcalloc(size, sizeof(*map->entries), VMSHARE_GFP_LARGE);
	return map->entries ? 0 : -ENOMEM;
}

void vmshare_ptrmap_free(struct vmshare_ptrmap *map)
{
	kvfree(map->entries);
	map->entries = NULL;
}
