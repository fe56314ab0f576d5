// SPDX-License-Identifier: GPL-2.0
/* vmshare place: which hosts could be emptied because the others take their VMs. */
#include "cmd.h"

#include <stdint.h>

#include "jsonout.h"
#include "options_move.h"
#include "place_view.h"
#include "plan.h"

#define PLACE_WORK 20000000ull		/* members to look at, placements to try: some seconds */

static int set_unshared(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->unshared = true;
	return 0;
}

static const struct option options_place[] = {
	{ "unshared", 0, NULL, "count on no sharing: everything has to fit as it arrives",
	  set_unshared },
	OPTIONS_MOVE,
	{ .name = NULL },
};

static int check_vm(const struct vm *vm, const char *host, struct error *err)
{
	static const enum vm_field needed[] = { VM_ANON, VM_UNIQUE };
	uint64_t value;
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!facts_get(&vm->facts, needed[i], &value))
			return error_set(err, EXIT_RUNTIME,
					 "%s of the VM with pid %u on %s is missing, so where it fits is not known; take the document by vmshare snapshot",
					 vm_field_key[needed[i]], vm->pid, host);
	}
	return 0;
}

/* One VM cannot run on two hosts: then the same host was given twice. */
static int check_twice(const struct fleet *fleet, size_t host, struct error *err)
{
	const struct snapshot *snap = &fleet->snaps[host];
	size_t other, i;

	for (i = 0; i < snap->n_vms; i++) {
		struct vm uuid_only = { .uuid = snap->vms[i].uuid };

		for (other = 0; other < host; other++) {
			if (destination_has(&fleet->destinations[other], &uuid_only))
				return error_set(err, EXIT_RUNTIME,
						 "%s and %s both have the VM with UUID %s; are they one host, or snapshots from before and after it moved?",
						 fleet->names[other], fleet->names[host],
						 snap->vms[i].uuid);
		}
	}
	return 0;
}

static int check_fleet(const struct fleet *fleet, struct error *err)
{
	size_t host, i;

	for (host = 0; host < fleet->hosts; host++) {
		for (i = 0; i < fleet->snaps[host].n_vms; i++) {
			if (check_vm(&fleet->snaps[host].vms[i], fleet->names[host], err))
				return -1;
		}
		if (check_twice(fleet, host, err))
			return -1;
	}
	return 0;
}

static int report_commands(const struct placement *placement, struct error *err)
{
	json_t *root, *array;
	char **commands;
	size_t i;

	if (placement_commands(placement, &commands, err))
		return -1;
	if (placement->options->json) {
		root = placement_json(placement);
		array = json_array();
		for (i = 0; i < placement->plan->n_moves; i++)
			json_array_append_new(array, jsonout_text(commands[i]));
		json_object_set_new(root, "commands", array);
		jsonout_print(root, placement->options->pretty);
	} else {
		placement_print_commands(placement, commands);
	}
	plan_commands_free(commands, placement->plan->n_moves);
	return EXIT_OK;
}

static int report(const struct placement *placement, struct error *err)
{
	if (placement->options->commands)
		return report_commands(placement, err);
	if (placement->options->json)
		jsonout_print(placement_json(placement), placement->options->pretty);
	else
		placement_print(placement);
	return EXIT_OK;
}

static int place(const struct options *options, const struct fleet *fleet, struct error *err)
{
	struct place_request request = {
		.snaps = fleet->snaps,
		.destinations = fleet->destinations,
		.hosts = fleet->hosts,
		.unshared = options->unshared,
		.work = options->work ? options->work : PLACE_WORK,
	};
	struct place_plan plan;
	struct placement placement = { options, fleet, &request, &plan };
	int ret;

	if (check_fleet(fleet, err))
		return -1;
	if (place_choose(&request, &plan))
		return error_no_memory(err);
	ret = report(&placement, err);
	place_plan_free(&plan);
	return ret;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct fleet fleet;
	int ret;

	if (options_check_move(options, err) ||
	    fleet_check_input(&options->operands, NULL, err) ||
	    fleet_load(&fleet, &options->operands, &options->margin,
		       options->unshared ? 0 : cmd->needs, err))
		return -1;
	ret = place(options, &fleet, err);
	fleet_free(&fleet);
	return ret;
}

const struct cmd cmd_place = {
	.name = "place",
	.args = "[HOST=]FILE...",
	.summary = "which hosts could be emptied because others in use take their VMs",
	.needs = NEED_SETS,
	.no_document = "reads one snapshot per host: vmshare place a.json b.json",
	.operands_min = 2,
	.operands_max = SIZE_MAX,
	.options = options_place,
	.run = run,
};
