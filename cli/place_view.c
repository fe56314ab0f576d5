// SPDX-License-Identifier: GPL-2.0
/* A placement as text, document and commands. */
#include "place_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consistency.h"
#include "gaps.h"
#include "jsonout.h"
#include "plan.h"
#include "table.h"
#include "text.h"

static const struct vm *moved(const struct placement *placement, size_t move)
{
	const struct place_move *at = &placement->plan->moves[move];

	return &placement->fleet->snaps[at->from].vms[at->vm];
}

/* Of VMs that move: the room for these is what is counted. */
static struct gaps gaps_of(const struct placement *placement)
{
	struct gaps gaps = {};
	size_t i;

	for (i = 0; i < placement->plan->n_moves; i++)
		gaps_add(&gaps, moved(placement, i));
	return gaps;
}

static void print_moves(const struct placement *placement)
{
	static const char *const titles[] = { "VM", "PID", "FROM", "TO", "SEND" };
	struct table *table = table_new(5);
	char text[UNITS_TEXT], name[PLAN_NAME], host[FLEET_NAME];
	size_t i;

	for (i = 0; i < 5; i++)
		table_title(table, i, titles[i], i == 1 || i == 4);
	for (i = 0; i < placement->plan->n_moves; i++) {
		const struct place_move *move = &placement->plan->moves[i];

		table_cell(table, plan_name(moved(placement, i), name));
		snprintf(text, sizeof(text), "%u", moved(placement, i)->pid);
		table_cell(table, text);
		table_cell(table, fleet_name(placement->fleet, move->from, host));
		table_cell(table, fleet_name(placement->fleet, move->to, host));
		table_cell(table, plan_size(placement->options, move->bytes, text));
	}
	table_print(table, stdout, !placement->options->no_header, placement->options->color);
	table_free(table);
}

#define STATE_SIZE (PLAN_NAME + 64)

static const char *state(const struct placement *placement, size_t host, char out[STATE_SIZE])
{
	const struct vm *obstacle = place_obstacle(placement->request, host);
	char name[PLAN_NAME];

	if (placement->plan->emptied[host])
		return "emptied";
	if (!placement->fleet->snaps[host].n_vms)
		return "empty, takes none";
	if (!obstacle)
		return "stays";
	snprintf(out, STATE_SIZE, "stays: %s is %s", plan_name(obstacle, name),
		 obstacle->pinned ? "pinned" : "on another host too");
	return out;
}

static void print_hosts(const struct placement *placement)
{
	static const char *const titles[] = {
		"HOST", "VMS", "AVAILABLE", "MARGIN", "ARRIVING", "SETTLED", "STATE",
	};
	struct table *table = table_new(7);
	char text[UNITS_TEXT], why[STATE_SIZE], host[FLEET_NAME];
	size_t i;

	for (i = 0; i < 7; i++)
		table_title(table, i, titles[i], i > 0 && i < 6);
	for (i = 0; i < placement->fleet->hosts; i++) {
		const struct destination *destination = &placement->fleet->destinations[i];

		table_cell(table, fleet_name(placement->fleet, i, host));
		snprintf(text, sizeof(text), "%zu", placement->fleet->snaps[i].n_vms);
		table_cell(table, text);
		table_cell(table, plan_size(placement->options, destination->available, text));
		table_cell(table, plan_size(placement->options, destination->margin, text));
		table_cell(table, plan_size(placement->options, placement->plan->arriving[i], text));
		table_cell(table, plan_size(placement->options, placement->plan->settled[i], text));
		table_cell(table, state(placement, i, why));
	}
	table_print(table, stdout, !placement->options->no_header, placement->options->color);
	table_free(table);
}

/* They would be in use then, and nothing gained. */
static void print_empty(const struct placement *placement)
{
	size_t empty = 0, i;

	for (i = 0; i < placement->fleet->hosts; i++)
		empty += !placement->fleet->snaps[i].n_vms;
	if (empty)
		printf("empty hosts (%zu) take no VMs: who empties one host into another has as many empty as before\n",
		       empty);
}

static void print_proof(const struct placement *placement)
{
	uint64_t tried = placement->plan->tried;

	if (!placement->plan->proved)
		printf("not proved: the search stopped after %" PRIu64
		       " step%s; more hosts may be possible, see --work\n", tried, text_plural(tried));
	else if (placement->request->unshared)
		printf("proved: no more hosts can be emptied whole without moving VMs of the others, or into empty ones (%"
		       PRIu64 " step%s)\n", tried, text_plural(tried));
	else
		printf("proved for moves in this order, the largest VM first (%" PRIu64 " step%s)\n",
		       tried, text_plural(tried));
}

void placement_print(const struct placement *placement)
{
	const struct place_plan *plan = placement->plan;
	struct gaps gaps = gaps_of(placement);
	char bytes[UNITS_TEXT], host[FLEET_NAME];
	size_t i;

	printf("%zu of %zu hosts can be emptied by %zu move%s of %s\n", plan->n_emptied,
	       placement->fleet->hosts, plan->n_moves, text_plural(plan->n_moves),
	       plan_size(placement->options, plan->bytes, bytes));
	if (plan->n_moves)
		print_moves(placement);
	printf("\n");
	print_hosts(placement);
	print_proof(placement);
	print_empty(placement);
	gaps_print(&gaps);
	for (i = 0; i < placement->fleet->hosts; i++)
		consistency_print(&placement->fleet->snaps[i],
				  fleet_name(placement->fleet, i, host));
	if (placement->request->unshared)
		printf("no sharing is counted on\n");
	else
		printf("sharing is counted only among VMs that are together now; what VMs of different hosts would share is not known.\n"
		       "Move them in this order, each when KSM has merged the one before; without KSM there see --unshared.\n");
	printf("memory alone is looked at, not CPUs; nothing is moved by this\n");
}

static json_t *moves_json(const struct placement *placement)
{
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < placement->plan->n_moves; i++) {
		const struct place_move *move = &placement->plan->moves[i];
		const struct vm *vm = moved(placement, i);

		object = json_object();
		json_object_set_new(object, "pid", jsonout_number(vm->pid));
		if (vm->name)
			json_object_set_new(object, "name", jsonout_text(vm->name));
		if (vm->uuid)
			json_object_set_new(object, "uuid", jsonout_text(vm->uuid));
		json_object_set_new(object, "from",
				    jsonout_text(placement->fleet->names[move->from]));
		json_object_set_new(object, "to", jsonout_text(placement->fleet->names[move->to]));
		json_object_set_new(object, "bytes", jsonout_number(move->bytes));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *host_json(const struct placement *placement, size_t host)
{
	const struct destination *destination = &placement->fleet->destinations[host];
	const struct vm *obstacle = place_obstacle(placement->request, host);
	json_t *object = json_object();

	json_object_set_new(object, "host", jsonout_text(placement->fleet->names[host]));
	json_object_set_new(object, "vms", json_integer((json_int_t)placement->fleet->snaps[host].n_vms));
	json_object_set_new(object, "emptied", json_boolean(placement->plan->emptied[host]));
	if (obstacle)
		json_object_set_new(object, "obstacle_pid", jsonout_number(obstacle->pid));
	json_object_set_new(object, "available_bytes", jsonout_number(destination->available));
	json_object_set_new(object, "margin_bytes", jsonout_number(destination->margin));
	json_object_set_new(object, "arriving_bytes",
			    jsonout_number(placement->plan->arriving[host]));
	json_object_set_new(object, "settled_bytes",
			    jsonout_number(placement->plan->settled[host]));
	consistency_put(object, &placement->fleet->snaps[host]);
	return object;
}

json_t *placement_json(const struct placement *placement)
{
	json_t *root = json_object(), *hosts = json_array();
	struct gaps gaps = gaps_of(placement);
	size_t i;

	for (i = 0; i < placement->fleet->hosts; i++)
		json_array_append_new(hosts, host_json(placement, i));
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "emptied",
			    json_integer((json_int_t)placement->plan->n_emptied));
	json_object_set_new(root, "optimal", json_boolean(placement->plan->proved));
	json_object_set_new(root, "sharing_counted", json_boolean(!placement->request->unshared));
	json_object_set_new(root, "bytes", jsonout_number(placement->plan->bytes));
	json_object_set_new(root, "hosts", hosts);
	json_object_set_new(root, "moves", moves_json(placement));
	gaps_put(root, &gaps);
	json_object_set_new(root, "steps", jsonout_number(placement->plan->tried));
	json_object_set_new(root, "dry_run", json_true());
	return root;
}

int placement_commands(const struct placement *placement, char ***commands, struct error *err)
{
	const struct options *options = placement->options;
	enum command_format format =
		options->command_template ? COMMAND_TEMPLATE : options->format;
	size_t i;

	*commands = calloc(placement->plan->n_moves + 1, sizeof(**commands));
	if (!*commands)
		return error_no_memory(err);
	for (i = 0; i < placement->plan->n_moves; i++) {
		struct command_move move = {
			.vm = moved(placement, i),
			.among = &placement->fleet->snaps[placement->plan->moves[i].from],
			.source = placement->fleet->names[placement->plan->moves[i].from],
			.dest = placement->fleet->names[placement->plan->moves[i].to],
		};

		(*commands)[i] = command_write(format, options->command_template, &move, err);
		if (!(*commands)[i]) {
			plan_commands_free(*commands, i);
			return -1;
		}
	}
	return 0;
}

void placement_print_commands(const struct placement *placement, char **commands)
{
	bool comments = !placement->options->command_template;
	char name[PLAN_NAME];
	size_t i;

	if (comments)
		printf("# vmshare changes nothing: read these commands before you run them.\n"
		       "# %zu of %zu hosts can be emptied by %zu move%s, in this order\n",
		       placement->plan->n_emptied, placement->fleet->hosts,
		       placement->plan->n_moves, text_plural(placement->plan->n_moves));
	for (i = 0; i < placement->plan->n_moves; i++) {
		if (comments)
			printf("# %s\n", plan_name(moved(placement, i), name));
		puts(commands[i]);
	}
}
