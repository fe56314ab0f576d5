// SPDX-License-Identifier: GPL-2.0
#include "consistency.h"

#include <stdio.h>

bool consistency_lacks(const struct snapshot *snap)
{
	uint64_t consistent;

	return facts_get(&snap->host, HOST_CONSISTENT, &consistent) && !consistent;
}

void consistency_print(const struct snapshot *snap, const char *host)
{
	if (consistency_lacks(snap))
		printf("note: %s%s" CONSISTENCY_WORDS "\n", host ? host : "", host ? ": " : "");
}

void consistency_put(json_t *object, const struct snapshot *snap)
{
	uint64_t consistent;

	if (facts_get(&snap->host, HOST_CONSISTENT, &consistent))
		json_object_set_new(object, "consistent", json_boolean(consistent));
}
