/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table from pointers to what belongs to them: filled once, then only read,
 * also in places that may not sleep. Open addressing, at most a quarter full.
 */
#ifndef _VMSHARE_PTRMAP_H
#define _VMSHARE_PTRMAP_H

#include <linux/hash.h>
#include <linux/types.h>

struct vmshare_ptrmap {
	struct vmshare_ptrmap_entry {
		const void *key;	/* NULL: empty */
		void *value;
	} *entries;
	u32 bits, mask;
};

/* Room for @nr pointers. Sleeps. Return: 0 or -ENOMEM. */
int vmshare_ptrmap_init(struct vmshare_ptrmap *map, u32 nr);
void vmshare_ptrmap_free(struct vmshare_ptrmap *map);

static inline struct vmshare_ptrmap_entry *
vmshare_ptrmap_place(const struct vmshare_ptrmap *map, const void *key)
{
	u32 i = hash_ptr(key, map->bits);

	while (unlikely(map->entries[i].key && map->entries[i].key != key))
		i = (i + 1) & map->mask;
	return &map->entries[i];
}

/* Return: the value of @key, or NULL if it is not in. */
static inline void *vmshare_ptrmap_get(const struct vmshare_ptrmap *map,
				       const void *key)
{
	return vmshare_ptrmap_place(map, key)->value;
}

static inline void vmshare_ptrmap_put(struct vmshare_ptrmap *map,
				      const void *key, void *value)
{
	*vmshare_ptrmap_place(map, key) =
		(struct vmshare_ptrmap_entry) { key, value };
}

#endif
