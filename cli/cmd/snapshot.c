// SPDX-License-Identifier: GPL-2.0
/* vmshare snapshot: everything as one JSON document. */
#include "cmd.h"

#include "jsonout.h"
#include "snapjson.h"
#include "source.h"

/* Known by name so that who tries it is told, not sent to look for a typing error. */
static int set_window(struct options *options, const char *value, struct error *err)
{
	(void)options;
	return error_set(err, EXIT_USAGE,
			 "--window %s: this version does not watch the scheduler; leave --window out, the counters since each thread's birth are in the document",
			 value);
}

static const struct option options_snapshot[] = {
	{ "window", 0, "SEC", NULL, set_window },
	{ .name = NULL },
};

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct snapshot snap;

	if (source_once(options, cmd->needs, &snap, err))
		return -1;
	jsonout_print(snapjson_write(&snap), options->pretty);
	snapshot_free(&snap);
	return EXIT_OK;
}

const struct cmd cmd_snapshot = {
	.name = "snapshot",
	.args = "",
	.summary = "everything as one JSON document, for --from",
	.needs = NEED_VCPUS | NEED_SETS | NEED_PSS,
	.options = options_snapshot,
	.run = run,
};
