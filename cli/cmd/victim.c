// SPDX-License-Identifier: GPL-2.0
/* vmshare victim: the cheapest set of VMs whose leaving really frees SIZE. */
#include "cmd.h"
#include "policy/freed.h"
#include "policy/sweep.h"
#include "policy/victim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonout.h"
#include "options_move.h"
#include "plan.h"
#include "selector.h"
#include "source.h"
#include "text.h"
#include "units.h"

#define POINTS 16			/* of a sweep */
#define ASSIGN_WORK 10000000ull		/* placements to try in one search */

static int set_need(struct options *options, const char *value, struct error *err)
{
	return units_parse_size(value, &options->need_bytes, err);
}

static int set_keep(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->keep, value, err);
}

static int set_with(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->with, value, err);
}

static int set_max_vms(struct options *options, const char *value, struct error *err)
{
	return units_parse_count(value, INT32_MAX, &options->max_vms, err);
}

static int set_cost(struct options *options, const char *value, struct error *err)
{
	if (!cost_model_parse(value, &options->cost))
		return error_set(err, EXIT_USAGE,
				 "there is no cost \"%s\"; there are bytes (to be sent), time (to send them), downtime, count (of VMs) and weight (as given)",
				 value);
	options->cost_given = true;
	return 0;
}

static int set_bandwidth(struct options *options, const char *value, struct error *err)
{
	return units_parse_size(value, &options->bandwidth, err);
}

static int set_weight(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->weights, value, err);
}

static int set_dirty_rate(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->dirty_rates, value, err);
}

static int set_dest(struct options *options, const char *value, struct error *err)
{
	return words_add(&options->dests, value, err);
}

static int set_explain(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->explain = true;
	return 0;
}

static int set_sweep(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->sweep = true;
	return 0;
}

static int set_points(struct options *options, const char *value, struct error *err)
{
	if (!units_parse_count(value, 1000, &options->points, err) && options->points > 1)
		return 0;
	return error_set(err, EXIT_USAGE, "\"%s\" is not a whole number from 2 to 1000", value);
}

static const struct option options_victim[] = {
	{ "need", 0, "SIZE", "how much has to come free (K M G T are 1024, KB.. 1000)", set_need },
	{ "keep", 0, "VM", "this VM stays; may be repeated", set_keep },
	{ "with", 0, "VM", "this VM leaves in any case; may be repeated", set_with },
	{ "max-vms", 0, "N", "at most N VMs leave", set_max_vms },
	{ "cost", 0, "MODEL", "keep low: bytes (default), time, downtime, count, weight", set_cost },
	{ "bandwidth", 0, "SIZE", "of the line, per second; 128M by default, as QEMU's",
	  set_bandwidth },
	{ "weight", 0, "VM=N", "cost of this VM, for --cost weight; may be repeated", set_weight },
	{ "dirty-rate", 0, "VM=SIZE", "memory this VM dirties per second, for --cost downtime",
	  set_dirty_rate },
	{ "dest", 0, "[HOST=]FILE", "snapshot of a destination, which has to have room; repeatable",
	  set_dest },
	{ "explain", 0, NULL, "why this set, and not the largest VMs", set_explain },
	{ "sweep", 0, NULL, "the whole trade-off: the cheapest cost of every need", set_sweep },
	{ "points", 0, "N", "at most N points of the sweep; 16 by default", set_points },
	OPTIONS_MOVE,
	{ .name = NULL },
};

/* Everything that one run makes. */
struct job {
	const struct options *options;
	struct snapshot snap;
	struct fleet fleet;
	bool *keep, *with;
	size_t without_host;
	struct victim_hosts hosts;
	struct victim_request request;
	struct costs costs;
	struct victim_plan choice;
	size_t *host_of;
	struct explanation explanation;
};

static struct plan plan_of(const struct job *job)
{
	return (struct plan){
		.options = job->options, .snap = &job->snap, .request = &job->request,
		.choice = &job->choice, .costs = &job->costs, .fleet = &job->fleet,
		.host_of = job->host_of, .without_host = job->without_host,
		.explanation = job->options->explain && job->choice.feasible ?
				       &job->explanation : NULL,
	};
}

static void explain_infeasible(const struct job *job, struct error *err)
{
	const struct victim_plan *choice = &job->choice;
	char need[UNITS_TEXT], all[UNITS_TEXT], limit[64] = "", hosts[160] = "";
	size_t staying = job->snap.n_vms - choice->movable - job->without_host;

	if (job->request.max_vms)
		snprintf(limit, sizeof(limit), " by at most %zu VM%s", job->request.max_vms,
			 text_plural(job->request.max_vms));
	if (job->without_host)
		snprintf(hosts, sizeof(hosts), "; " PLAN_WITHOUT_HOST " (see --margin)",
			 job->without_host, text_plural(job->without_host));
	error_set(err, EXIT_NEED,
		  "%s cannot be freed%s: all %zu movable VMs together would free %s (%" PRIu64
		  " bytes); %zu VMs are pinned or kept%s",
		  units_exact(job->request.need, need), limit, choice->movable,
		  units_bytes(choice->freed_all, all), choice->freed_all, staying, hosts);
}

/* A need that cannot be met: in JSON the plan's object carries the error too. */
static int report_error(const struct job *job, struct error *err)
{
	struct plan plan = plan_of(job);
	json_t *root, *inner;

	if (!job->options->json)
		return -1;
	root = plan_json(&plan);
	inner = json_object();
	json_object_set_new(inner, "code", json_integer(err->code));
	json_object_set_new(inner, "message", jsonout_text(err->message));
	json_object_set_new(root, "error", inner);
	jsonout_print(root, job->options->pretty);
	return err->code;
}

static int refuse_infeasible(const struct job *job, struct error *err)
{
	if (job->choice.proved) {
		explain_infeasible(job, err);
		return report_error(job, err);
	}
	return error_set(err, EXIT_RUNTIME,
			 "the search stopped after %" PRIu64
			 " steps without a set of at most %zu VMs and without a proof that there is none; raise --work or --max-vms",
			 job->choice.nodes, job->request.max_vms);
}

static int print_commands(const struct plan *plan, struct error *err)
{
	char **commands;
	json_t *root, *array;
	size_t i;

	if (plan_commands(plan, &commands, err))
		return -1;
	if (plan->options->json) {
		root = plan_json(plan);
		array = json_array();
		for (i = 0; i < plan->choice->count; i++)
			json_array_append_new(array, jsonout_text(commands[i]));
		json_object_set_new(root, "commands", array);
		jsonout_print(root, plan->options->pretty);
	} else {
		plan_print_commands(plan, commands);
	}
	plan_commands_free(commands, plan->choice->count);
	return EXIT_OK;
}

static int report(const struct job *job, struct error *err)
{
	struct plan plan = plan_of(job);

	if (job->options->commands)
		return print_commands(&plan, err);
	if (job->options->json)
		jsonout_print(plan_json(&plan), job->options->pretty);
	else
		plan_print(&plan);
	return EXIT_OK;
}

/* No set fits: how much the cheapest needs, how much there is, and what would help. */
static int refuse_hosts(const struct job *job, struct error *err)
{
	char growth[UNITS_TEXT], room[UNITS_TEXT];
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < job->fleet.hosts; i++)
		sum = add_saturating(sum, job->fleet.destinations[i].room);
	error_set(err, EXIT_NEED,
		  "%s: its %zu VMs need %s, unshared and no two of one name or UUID on one host, and the %zu destinations have %s beyond their margin; %s; name another --dest or lower --margin",
		  job->choice.proved ? "the cheapest set does not fit" :
		  "the cheapest set that was found is not known to fit",
		  job->choice.count, units_bytes(job->choice.growth, growth), job->fleet.hosts,
		  units_bytes(sum, room),
		  job->choice.proved ? "nor does any other set that frees the need" :
		  "no other set was found that does, which is no proof (more --work may find one)");
	return report_error(job, err);
}

/* The plan's set is known to fit; this says again how. */
static int assign(struct job *job, struct error *err)
{
	size_t *vms = calloc(job->choice.count + 1, sizeof(*vms)), i;
	enum packing_answer answer = PACKING_NO_MEMORY;

	job->host_of = calloc(job->choice.count + 1, sizeof(*job->host_of));
	for (i = 0; vms && i < job->choice.count; i++)
		vms[i] = job->choice.victims[i].vm;
	if (vms && job->host_of)
		answer = destination_assign(&job->snap, vms, job->choice.count,
					    job->hosts.destinations, job->hosts.count,
					    job->hosts.work, job->host_of);
	free(vms);
	return answer == PACKING_FITS ? 0 : error_no_memory(err);
}

static int choose(struct job *job, struct error *err)
{
	if (victim_choose(&job->snap, &job->request, &job->choice))
		return error_no_memory(err);
	if (job->choice.no_host)
		return refuse_hosts(job, err);
	if (!job->choice.feasible)
		return refuse_infeasible(job, err);
	if (job->fleet.hosts && assign(job, err))
		return -1;
	if (job->options->explain &&
	    explain_plan(&job->snap, &job->request, &job->choice, &job->explanation))
		return error_no_memory(err);
	return report(job, err);
}

static int show_sweep(struct job *job, struct error *err)
{
	uint32_t points = job->options->points ? job->options->points : POINTS;
	struct plan plan = plan_of(job);
	struct sweep sweep;

	if (sweep_make(&job->snap, &job->request, points, &sweep))
		return error_no_memory(err);
	if (job->options->json)
		jsonout_print(sweep_json(&plan, &sweep), job->options->pretty);
	else
		sweep_print(&plan, &sweep);
	sweep_free(&sweep);
	return EXIT_OK;
}

static int check_contradictions(const struct job *job, struct error *err)
{
	size_t leaving = 0, i;

	for (i = 0; i < job->snap.n_vms; i++) {
		const struct vm *vm = &job->snap.vms[i];

		if (!job->with[i])
			continue;
		leaving++;
		if (job->keep[i])
			return error_set(err, EXIT_USAGE,
					 "the VM with pid %u cannot both leave (--with) and stay (--keep)",
					 vm->pid);
		if (vm->pinned)
			return error_set(err, EXIT_USAGE,
					 "the VM with pid %u is pinned; --with cannot make it leave",
					 vm->pid);
	}
	if (job->options->max_vms && leaving > job->options->max_vms)
		return error_set(err, EXIT_USAGE,
				 "--with makes %zu VMs leave, and --max-vms lets no more than %u",
				 leaving, job->options->max_vms);
	return 0;
}

static bool has_host(const struct job *job, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < job->fleet.hosts; i++) {
		if (destination_takes(&job->fleet.destinations[i], vm))
			return true;
	}
	return false;
}

/* A VM that no destination takes cannot be among the victims, whatever it frees. */
static int keep_without_host(struct job *job, struct error *err)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < job->snap.n_vms && job->fleet.hosts; i++) {
		const struct vm *vm = &job->snap.vms[i];

		if (!victim_movable(&job->snap, &job->request, i))
			continue;
		if (!facts_get(&vm->facts, VM_ANON, &bytes))
			return error_set(err, EXIT_RUNTIME,
					 "anon_bytes of the VM with pid %u is missing, so where it fits is not known; leave it out by --keep %u",
					 vm->pid, vm->pid);
		if (has_host(job, vm))
			continue;
		if (job->with[i])
			return error_set(err, EXIT_NEED,
					 "the VM with pid %u has to leave (--with), but no destination takes it: it is too large for each, or its name or UUID is there already",
					 vm->pid);
		job->keep[i] = true;
		job->without_host++;
	}
	return 0;
}

static int prepare(struct job *job, struct error *err)
{
	const struct options *options = job->options;

	job->keep = calloc(job->snap.n_vms + 1, sizeof(*job->keep));
	job->with = calloc(job->snap.n_vms + 1, sizeof(*job->with));
	if (!job->keep || !job->with)
		return error_no_memory(err);
	if (selector_mark(&job->snap, &options->keep, job->keep, err) ||
	    selector_mark(&job->snap, &options->with, job->with, err) ||
	    check_contradictions(job, err) ||
	    costs_set_dirty_rates(&job->snap, options, err))
		return -1;
	job->hosts = (struct victim_hosts){
		.destinations = job->fleet.destinations,
		.count = job->fleet.hosts,
		.work = options->work ? options->work : ASSIGN_WORK,
	};
	job->request = (struct victim_request){
		.hosts = job->fleet.hosts ? &job->hosts : NULL,
		.need = options->need_bytes,
		.keep = job->keep,
		.with = job->with,
		.max_vms = options->max_vms,
		.work = options->work,
	};
	if (keep_without_host(job, err) ||
	    costs_make(&job->costs, &job->snap, options, &job->request, err))
		return -1;
	job->request.costs = job->costs.cost;
	return 0;
}

static void job_free(struct job *job)
{
	free(job->keep);
	free(job->with);
	free(job->host_of);
	costs_free(&job->costs);
	victim_plan_free(&job->choice);
	explanation_free(&job->explanation);
	fleet_free(&job->fleet);
	snapshot_free(&job->snap);
}

static int check_options(const struct options *options, struct error *err)
{
	if (!options->need_bytes && !options->sweep)
		return error_set(err, EXIT_USAGE,
				 "victim has to know how much: --need SIZE, for instance --need 4G; or --sweep for every need");
	if (options->sweep && (options->need_bytes || options->commands || options->explain ||
			       options->dests.count))
		return error_set(err, EXIT_USAGE,
				 "--sweep shows all needs at once; --need, --dest, --explain and --commands are about one");
	if (options->points && !options->sweep)
		return error_set(err, EXIT_USAGE, "--points is how many a --sweep has; give that too");
	if (options->margin_given && !options->dests.count)
		return error_set(err, EXIT_USAGE,
				 "--margin is what a destination keeps; name one by --dest");
	if (options->weights.count && options->cost_given && options->cost != COST_WEIGHT)
		return error_set(err, EXIT_USAGE, "--weight goes with --cost weight, not with %s",
				 cost_model_name(options->cost));
	return fleet_check_input(&options->dests, options->from, err) ? -1 :
	       options_check_move(options, err);
}

static int run(const struct cmd *cmd, const struct options *given, struct error *err)
{
	struct options options = *given;
	struct job job = { .options = &options };
	int ret;

	if (check_options(&options, err))
		return -1;
	if (options.weights.count)
		options.cost = COST_WEIGHT;
	if (fleet_load(&job.fleet, &options.dests, &options.margin, 0, err))
		return -1;
	ret = source_once(&options, cmd->needs, &job.snap, err);
	if (!ret)
		ret = prepare(&job, err);
	if (!ret)
		ret = options.sweep ? show_sweep(&job, err) : choose(&job, err);
	job_free(&job);
	return ret;
}

const struct cmd cmd_victim = {
	.name = "victim",
	.args = "--need SIZE|--sweep",
	.summary = "the cheapest set of VMs whose leaving really frees SIZE",
	.needs = NEED_SETS,
	.options = options_victim,
	.run = run,
};
