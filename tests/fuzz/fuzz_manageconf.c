// SPDX-License-Identifier: GPL-2.0
/* Configurations of the manager: what is read is in range, and written it is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manageconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manage_options options, again;
	char *first, *second;
	struct error err = {};

	if (manageconf_parse("c", (const char *)data, size, &options, &err)) {
		if (err.code != EXIT_USAGE || strncmp(err.message, "c:", 2))
			abort();
		return 0;
	}
	if (manage_options_wrong(&options))
		abort();
	first = manageconf_write(&options);
	if (manageconf_parse("c", first, strlen(first), &again, &err))
		abort();
	second = manageconf_write(&again);
	if (strcmp(first, second))
		abort();
	free(first);
	free(second);
	manage_options_free(&options);
	manage_options_free(&again);
	return 0;
}
