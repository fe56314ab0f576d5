// SPDX-License-Identifier: GPL-2.0
/* Options of the verbs that look at CPUs for some time. */
#include "options_cpu.h"

#include <string.h>

#include "units.h"

int set_window(struct options *options, const char *value, struct error *err)
{
	options->window_given = true;
	options->window_ms = 0;
	if (!strcmp(value, "0"))
		return 0;
	if (!units_parse_seconds(value, &options->window_ms, err))
		return 0;
	return error_set(err, EXIT_USAGE,
			 "\"%s\" is not a number of seconds from 0.1 to 86400, or 0 for none",
			 value);
}
