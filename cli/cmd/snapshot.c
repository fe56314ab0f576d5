// SPDX-License-Identifier: GPL-2.0
/* vmshare snapshot: everything as one JSON document. */
#include "cmd.h"

#include <linux/vmshare.h>

#include "jsonout.h"
#include "options_cpu.h"
#include "snapjson.h"
#include "source.h"

static const struct option options_snapshot[] = {
	OPTION_WINDOW("watch the scheduler for so long, and who ran in whose place"),
	{ .name = NULL },
};

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct snapshot snap;

	if (source_once_window(options, cmd->needs, VMSHARE_HOOK_SCHED, &snap, err))
		return -1;
	jsonout_print(snapjson_write(&snap), options->pretty);
	snapshot_free(&snap);
	return EXIT_OK;
}

const struct cmd cmd_snapshot = {
	.name = "snapshot",
	.args = "",
	.summary = "everything as one JSON document, for --from",
	.needs = NEED_VCPUS | NEED_SETS | NEED_PSS | NEED_CPU | NEED_OWNER,
	.options = options_snapshot,
	.run = run,
};
