// SPDX-License-Identifier: GPL-2.0
/* Options that victim and place have in common. */
#include "options_move.h"

#include <stdio.h>
#include <string.h>

#include "units.h"

static int set_percent(struct options *options, const char *value, struct error *err)
{
	size_t length = strlen(value) - 1;
	char digits[8];
	uint64_t percent;

	snprintf(digits, sizeof(digits), "%.*s", (int)length, value);
	if (length > 2 || units_parse_whole(digits, &percent, err))
		return error_set(err, EXIT_USAGE,
				 "\"%s\" is not a whole number of percent from 0%% to 99%%",
				 value);
	options->margin = (struct margin){ .percent = true, .value = percent };
	return 0;
}

int set_margin(struct options *options, const char *value, struct error *err)
{
	size_t length = strlen(value);

	options->margin_given = true;
	if (length && value[length - 1] == '%')
		return set_percent(options, value, err);
	options->margin = (struct margin){ .percent = false };
	return units_parse_amount(value, &options->margin.value, err);
}

int set_commands(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->commands = true;
	return 0;
}

int set_format(struct options *options, const char *value, struct error *err)
{
	if (!command_format_parse(value, &options->format))
		return error_set(err, EXIT_USAGE,
				 "there is no format \"%s\"; there are virsh, openstack, proxmox, kubevirt and template",
				 value);
	options->commands = true;
	options->format_given = true;
	return 0;
}

int set_command_template(struct options *options, const char *value, struct error *err)
{
	if (command_check_template(value, err))
		return -1;
	options->commands = true;
	options->command_template = value;
	return 0;
}

int set_dry_run(struct options *options, const char *value, struct error *err)
{
	(void)options;
	(void)value;
	(void)err;
	return 0;
}

int set_work(struct options *options, const char *value, struct error *err)
{
	if (units_parse_whole(value, &options->work, err))
		return -1;
	return options->work ? 0 : error_set(err, EXIT_USAGE, "--work 0 leaves no step to do");
}

int options_check_move(const struct options *options, struct error *err)
{
	bool template = options->format == COMMAND_TEMPLATE;

	if (template && !options->command_template)
		return error_set(err, EXIT_USAGE,
				 "--format template needs --command-template TEXT, for instance 'move {name} {dest}'");
	if (options->command_template && options->format_given && !template)
		return error_set(err, EXIT_USAGE,
				 "--command-template does not go with another --format than template");
	return 0;
}
