// SPDX-License-Identifier: GPL-2.0
/*
 * One host of a family: what the rules that administrators go by choose on it,
 * and what vmshare chooses, as one JSON object; or, with --model, the host as plain
 * text for a library of mixed-integer programming.
 */
#include "families.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/freed.h"
#include "policy/victim.h"

struct outcome {
	const char *rule;
	bool meets;			/* where it stops by its own count */
	uint64_t cost;			/* where it really has freed the need */
	double seconds;
};

/* Processor time: the machine may be shared. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t vm_index(const struct snapshot *snap, uint32_t pid)
{
	return (size_t)(snapshot_vm(snap, pid) - snap->vms);
}

static void fill_resident(const struct snapshot *snap, double *key)
{
	size_t i;

	for (i = 0; i < snap->n_vms; i++)
		key[i] = (double)freed_resident(&snap->vms[i]);
}

static void fill_unique(const struct snapshot *snap, double *key)
{
	size_t i;

	for (i = 0; i < snap->n_vms; i++)
		key[i] = (double)freed_own(&snap->vms[i]);
}

/* Each frame in equal parts to all that map it. */
static void fill_proportional(const struct snapshot *snap, double *key)
{
	size_t i, j;

	fill_unique(snap, key);
	for (i = 0; i < snap->n_sets; i++) {
		const struct set *set = &snap->sets[i];

		for (j = 0; j < set->n_pids; j++)
			key[vm_index(snap, set->pids[j])] += (double)set->frames_bytes /
							     (double)(set->n_pids + set->outside);
	}
}

static size_t largest(const struct departure *departure, const double *key)
{
	size_t best = SIZE_MAX, i;

	for (i = 0; i < departure->snap->n_vms; i++) {
		if (!departure->gone[i] && (best == SIZE_MAX || key[i] > key[best]))
			best = i;
	}
	return best;
}

/* Largest first. The rule believes that each VM frees its key. */
static struct outcome by_size(const struct host *host, const char *rule,
			      void (*fill)(const struct snapshot *snap, double *key))
{
	double *key = calloc(host->snap.n_vms, sizeof(*key)), started = now(), believed = 0;
	struct outcome outcome = { .rule = rule };
	struct departure departure;
	size_t vm;

	if (!key || departure_init(&departure, &host->snap))
		exit(1);
	fill(&host->snap, key);
	while (departure.freed < host->need && (vm = largest(&departure, key)) != SIZE_MAX) {
		departure_leave(&departure, vm);
		outcome.cost += host->costs[vm];
		if (believed < (double)host->need && believed + key[vm] >= (double)host->need)
			outcome.meets = departure.freed >= host->need;
		believed += key[vm];
	}
	/* A rule that never believes to have enough stops only when it has. */
	if (believed < (double)host->need)
		outcome.meets = departure.freed >= host->need;
	outcome.seconds = now() - started;
	departure_free(&departure);
	free(key);
	return outcome;
}

/* Always the VM that now frees most for its cost. */
static struct outcome by_margin(const struct host *host)
{
	double *key = calloc(host->snap.n_vms, sizeof(*key)), started = now();
	struct outcome outcome = { .rule = "marginal greedy", .meets = true };
	struct departure departure;
	size_t vm, i;

	if (!key || departure_init(&departure, &host->snap))
		exit(1);
	while (departure.freed < host->need) {
		for (i = 0; i < host->snap.n_vms; i++)
			key[i] = (double)departure.gain[i] / (double)(host->costs[i] + 1);
		vm = largest(&departure, key);
		departure_leave(&departure, vm);
		outcome.cost += host->costs[vm];
	}
	outcome.seconds = now() - started;
	departure_free(&departure);
	free(key);
	return outcome;
}

static void print_outcome(const struct outcome *outcome)
{
	printf("\"%s\": {\"meets\": %s, \"cost\": %" PRIu64 ", \"seconds\": %.4f}, ", outcome->rule,
	       outcome->meets ? "true" : "false", outcome->cost, outcome->seconds);
}

static void print_rules(const struct host *host)
{
	struct outcome outcomes[] = {
		by_size(host, "resident size", fill_resident),
		by_size(host, "proportional share", fill_proportional),
		by_size(host, "unique size", fill_unique),
		by_margin(host),
	};
	size_t i;

	for (i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		print_outcome(&outcomes[i]);
}

static void print_ours(const struct host *host, uint64_t work)
{
	struct victim_request request = { .need = host->need, .costs = host->costs, .work = work };
	struct victim_plan plan;
	double started = now();

	if (victim_choose(&host->snap, &request, &plan))
		exit(1);
	printf("\"vmshare\": {\"meets\": %s, \"cost\": %" PRIu64 ", \"seconds\": %.4f, "
	       "\"proved\": %s, \"lower_bound\": %" PRIu64 ", \"nodes\": %" PRIu64 "}",
	       plan.feasible && plan.freed >= host->need ? "true" : "false", plan.cost,
	       now() - started, plan.proved ? "true" : "false", plan.lower_bound, plan.nodes);
	victim_plan_free(&plan);
}

/* Need and number of VMs; cost and own memory of each; frames and VMs of each set. */
static void print_model(const struct host *host)
{
	const struct snapshot *snap = &host->snap;
	size_t i, j;

	printf("%" PRIu64 " %zu\n", host->need, snap->n_vms);
	for (i = 0; i < snap->n_vms; i++)
		printf("%" PRIu64 " %" PRIu64 "\n", host->costs[i], freed_own(&snap->vms[i]));
	for (i = 0; i < snap->n_sets; i++) {
		if (snap->sets[i].outside)
			continue;
		printf("%" PRIu64, snap->sets[i].frames_bytes);
		for (j = 0; j < snap->sets[i].n_pids; j++)
			printf(" %zu", vm_index(snap, snap->sets[i].pids[j]));
		printf("\n");
	}
}

static unsigned int family_number(const char *name)
{
	unsigned int i;

	for (i = 0; i < families; i++) {
		if (!strcmp(name, family_names[i]))
			return i;
	}
	fprintf(stderr, "rules: no family %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	bool model = argc > 1 && !strcmp(argv[1], "--model");
	struct host host;

	argv += model;
	argc -= model;
	if (argc != 7) {
		fprintf(stderr, "usage: rules [--model] FAMILY VMS SETS NEED%% SEED WORK\n");
		return 2;
	}
	if (host_make(&host, family_number(argv[1]), (unsigned int)atoi(argv[2]),
		      (unsigned int)atoi(argv[3]), (unsigned int)atoi(argv[4]),
		      strtoull(argv[5], NULL, 10)))
		return 1;
	if (model) {
		print_model(&host);
	} else {
		printf("{\"family\": \"%s\", \"sets\": %zu, \"need\": %" PRIu64 ", ", host.family,
		       host.snap.n_sets, host.need);
		print_rules(&host);
		print_ours(&host, strtoull(argv[6], NULL, 10));
		printf("}\n");
	}
	host_free(&host);
	return 0;
}
