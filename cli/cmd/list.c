// SPDX-License-Identifier: GPL-2.0
/* vmshare list: one line per VM, once. */
#include "cmd.h"

#include <linux/vmshare.h>
#include <stdlib.h>

#include "consistency.h"
#include "jsonout.h"
#include "options_cpu.h"
#include "selector.h"
#include "source.h"
#include "view.h"

#define DEFAULT "vm,pid,vcpus,anon,unique,self,inter,freed,shmem,swap,cpu,ready"

static const struct option options_list[] = {
	OPTION_WINDOW("CPU columns over so long from now, instead of since birth"),
	{ .name = NULL },
};

/* Leaves only the VMs that were named; without sets, which name others too. */
static int restrict_to(struct snapshot *snap, const struct words *words, struct error *err)
{
	bool *chosen = calloc(snap->n_vms + 1, sizeof(*chosen));
	int ret;

	if (!chosen)
		return error_no_memory(err);
	ret = selector_mark(snap, words, chosen, err);
	if (!ret && words->count)
		snapshot_keep(snap, chosen);
	free(chosen);
	return ret;
}

static void print_table(const struct view *view, const struct snapshot *snap,
			const struct columns *columns, const struct options *options)
{
	if (!options->no_header && columns_have_use(columns))
		view_print_period(snap);
	view_print(view, columns, options);
	if (!options->no_header)
		consistency_print(snap, NULL);
}

static int print(struct snapshot *snap, const struct columns *columns, const struct column *sort,
		 const struct options *options, struct error *err)
{
	struct view view;

	if (restrict_to(snap, &options->operands, err) || view_init(&view, snap, NULL, err))
		return -1;
	view_sort(&view, sort, false);
	if (options->json)
		jsonout_print(view_json(&view, snap), options->pretty);
	else
		print_table(&view, snap, columns, options);
	view_free(&view);
	return EXIT_OK;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	unsigned int needs = cmd->needs | (options->json ? NEED_VCPUS | NEED_CPU | NEED_OWNER : 0);
	const struct column *sort;
	struct columns columns;
	struct snapshot snap;
	int ret;

	if (columns_parse(options->columns ? options->columns : DEFAULT, &columns, err) ||
	    columns_parse_key(options->sort, &sort, err))
		return -1;
	needs |= columns_needs(&columns) | (sort ? sort->needs : 0);
	if (source_once_window(options, needs, VMSHARE_HOOK_SCHED, &snap, err))
		return -1;
	ret = print(&snap, &columns, sort, options, err);
	snapshot_free(&snap);
	return ret;
}

const struct cmd cmd_list = {
	.name = "list",
	.args = "[VM...]",
	.summary = "one line per VM, once",
	.columns = true,
	.sorts = true,
	.operands_max = SIZE_MAX,
	.options = options_list,
	.run = run,
};
