// SPDX-License-Identifier: GPL-2.0
/* Options of the manager, and the settings that follow. */
#include "options_manage.h"

#include <string.h>

#include "manageconf.h"

int set_config(struct options *options, const char *value, struct error *err)
{
	if (!*value)
		return error_set(err, EXIT_USAGE, "--config needs the name of a file");
	options->config = value;
	return 0;
}

int set_policy(struct options *options, const char *value, struct error *err)
{
	if (!manage_policy_parse(value, &options->policy))
		return error_set(err, EXIT_USAGE,
				 "there is no policy \"%s\"; there are lending and published", value);
	options->policy_given = true;
	return 0;
}

int set_families(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->families = true;
	return 0;
}

int set_output(struct options *options, const char *value, struct error *err)
{
	if (!*value)
		return error_set(err, EXIT_USAGE, "--output needs the name of a file");
	if (!strcmp(value, "-"))
		return error_set(err, EXIT_USAGE,
				 "--output - would mix the settings with the report; name a file, or /dev/stdout for both");
	options->output = value;
	return 0;
}

int options_manage(const struct options *options, struct manage_options *manage,
		   struct error *err)
{
	if (!options->config)
		manage_options_init(manage);
	else if (manageconf_load(options->config, manage, err))
		return -1;
	if (options->policy_given)
		manage->policy = options->policy;
	return 0;
}
