// SPDX-License-Identifier: GPL-2.0
/* Sizes, counts and times; what is printed exactly must be read back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

static void check_size(const char *text)
{
	char exact[UNITS_TEXT];
	uint64_t bytes, back;
	struct error err;

	if (units_parse_size(text, &bytes, &err)) {
		if (err.code != EXIT_USAGE)
			abort();
		return;
	}
	if (!bytes || bytes > INT64_MAX)
		abort();
	if (units_parse_size(units_exact(bytes, exact), &back, &err) || back != bytes)
		abort();
	units_bytes(bytes, exact);
	units_duration(bytes, exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);
	struct error err;
	uint64_t number;
	uint32_t small;

	memcpy(text, data, size);
	check_size(text);
	if (!units_parse_whole(text, &number, &err) && number > INT64_MAX)
		abort();
	if (!units_parse_count(text, 1000, &small, &err) && (!small || small > 1000))
		abort();
	if (!units_parse_seconds(text, &small, &err) && (small < 100 || small > 86400000))
		abort();
	free(text);
	return 0;
}
