// SPDX-License-Identifier: GPL-2.0
/* vmshare manage: what it is to do, one thing at a time, and with what. */
#include "options_daemon.h"

#include "options_manage.h"
#include "units.h"

static int set_mode(struct options *options, enum manage_mode mode, const char *name,
		    struct error *err)
{
	if (options->manage != MANAGE_RUN && options->manage != mode)
		return error_set(err, EXIT_USAGE,
				 "--%s does not go with another of --check, --once, --replay, --restore and --status",
				 name);
	options->manage = mode;
	return 0;
}

static int set_apply(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->apply = true;
	return 0;
}

static int set_check(struct options *options, const char *value, struct error *err)
{
	(void)value;
	return set_mode(options, MANAGE_CHECK, "check", err);
}

static int set_once(struct options *options, const char *value, struct error *err)
{
	(void)value;
	return set_mode(options, MANAGE_ONCE, "once", err);
}

static int set_status(struct options *options, const char *value, struct error *err)
{
	(void)value;
	return set_mode(options, MANAGE_STATUS, "status", err);
}

static int set_restore(struct options *options, const char *value, struct error *err)
{
	(void)value;
	return set_mode(options, MANAGE_RESTORE, "restore", err);
}

static int set_replay(struct options *options, const char *value, struct error *err)
{
	if (!*value)
		return error_set(err, EXIT_USAGE, "--replay needs the name of a trace, or - for standard input");
	options->trace = value;
	return set_mode(options, MANAGE_REPLAY, "replay", err);
}

static int set_record(struct options *options, const char *value, struct error *err)
{
	if (!*value)
		return error_set(err, EXIT_USAGE, "--record needs the name of a file");
	options->record = value;
	return 0;
}

static int set_dir(struct options *options, const char *value, struct error *err)
{
	if (*value != '/')
		return error_set(err, EXIT_USAGE, "--dir needs the whole name of a directory, from /");
	options->dir = value;
	return 0;
}

static int set_interval(struct options *options, const char *value, struct error *err)
{
	if (!units_parse_seconds(value, &options->interval_ms, err) &&
	    options->interval_ms >= 100 && options->interval_ms <= 3600000)
		return 0;
	return error_set(err, EXIT_USAGE,
			 "\"%s\" is not a number of seconds from 0.1 to 3600", value);
}

const struct option options_daemon[] = {
	{ "apply", 0, NULL, "set limits; without it nothing is changed", set_apply },
	{ "config", 0, "FILE", "read this configuration, not /etc/vmshare/manage.conf", set_config },
	{ "policy", 0, "NAME", "lending or published, not the configuration's", set_policy },
	{ "interval", 0, "SEC", "time between checks, 0.1 to 3600, not the configuration's",
	  set_interval },
	{ "check", 0, NULL, "say whether the configuration is right, and what holds; then end",
	  set_check },
	{ "once", 0, NULL, "measure for one interval, say what would be done, and end", set_once },
	{ "status", 0, NULL, "ask the manager that runs", set_status },
	{ "restore", 0, NULL, "put back the limits that a killed manager has left", set_restore },
	{ "record", 0, "TRACE", "write every sample into this file", set_record },
	{ "replay", 0, "TRACE", "say what would be decided on a recorded trace", set_replay },
	{ "dir", 0, "DIR", "lock, journal and socket are here, not in /run/vmshare", set_dir },
	{ .name = NULL },
};

int options_check_daemon(const struct options *options, struct error *err)
{
	if (options->apply && options->manage != MANAGE_RUN)
		return error_set(err, EXIT_USAGE, "--apply is for a manager that goes on running: not with --check, --once, --replay, --restore or --status");
	if (options->record && options->manage != MANAGE_RUN && options->manage != MANAGE_ONCE)
		return error_set(err, EXIT_USAGE, "--record needs a manager that measures");
	return 0;
}
