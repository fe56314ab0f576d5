// SPDX-License-Identifier: GPL-2.0
/* Families of loads, each from a seed. */
#include "policy/cpuload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull
#define SECOND (1000 * MS)
#define DURATION (30 * SECOND)

static const char *const family_names[LOAD_FAMILIES] = {
	[LOAD_DESKTOP] = "desktop", [LOAD_WEB] = "web", [LOAD_BATCH] = "batch",
	[LOAD_NEIGHBOURS] = "neighbours", [LOAD_MIXED] = "mixed", [LOAD_CROWD] = "crowd",
	[LOAD_QUIET] = "quiet", [LOAD_GUARANTEED] = "guaranteed",
};

const char *cpuload_family_name(enum cpuload_family family)
{
	return family_names[family];
}

/* A load in the making; full is set for want of memory and ends everything. */
struct maker {
	struct cpuload *load;
	uint64_t random;
	bool full;
};

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static uint64_t draw(struct maker *maker)
{
	uint64_t z = maker->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t draw_between(struct maker *maker, uint64_t least, uint64_t most)
{
	return least + draw(maker) % (most - least + 1);
}

static struct cpusim_vm *add_vm(struct maker *maker, const char *kind, uint32_t vcpus,
				enum cpusim_role role)
{
	struct cpusim_load *load = &maker->load->load;
	struct cpusim_vm *vms = reallocarray(load->vms, load->n_vms + 1, sizeof(*vms)), *vm;

	if (!vms) {
		maker->full = true;
		return NULL;
	}
	load->vms = vms;
	vm = &vms[load->n_vms];
	*vm = (struct cpusim_vm){ .vcpus = vcpus, .role = role };
	if (asprintf(&vm->name, "%s%zu", kind, load->n_vms) < 0) {
		vm->name = NULL;
		maker->full = true;
		return NULL;
	}
	load->n_vms++;
	return vm;
}

static void add_burst(struct maker *maker, struct cpusim_vm *vm, uint64_t at_ns, uint64_t work_ns)
{
	maker->full |= cpusim_add_burst(vm, at_ns, work_ns) != 0;
}

/* One job: all of its vCPUs have the same to do. */
static void add_job(struct maker *maker, struct cpusim_vm *vm, uint64_t at_ns, uint64_t work_ns)
{
	uint32_t i;

	for (i = 0; i < vm->vcpus; i++)
		add_burst(maker, vm, at_ns, work_ns / vm->vcpus);
}

static void add_batch(struct maker *maker, uint32_t vcpus, uint64_t work_s)
{
	struct cpusim_vm *vm = add_vm(maker, "batch", vcpus, CPUSIM_BATCH);
	uint64_t work = work_s * SECOND * draw_between(maker, 80, 120) / 100;

	if (vm)
		add_job(maker, vm, draw_between(maker, 0, 2 * SECOND), work);
}

/* Thinks, and then does something; a tenth of what it does is four times as long. */
static void add_desktop(struct maker *maker)
{
	struct cpusim_vm *vm = add_vm(maker, "desktop", 2, CPUSIM_SERVICE);
	uint64_t at = 0;

	while (vm && !maker->full) {
		at += draw_between(maker, 100 * MS, 1500 * MS);
		if (at >= DURATION)
			break;
		add_burst(maker, vm, at, draw_between(maker, 5 * MS, 100 * MS) *
			  (draw(maker) % 10 ? 1 : 4));
	}
}

/* Requests whose rate goes up to tenfold and back twice in the time. */
static void add_web(struct maker *maker, uint64_t gap_ms)
{
	struct cpusim_vm *vm = add_vm(maker, "web", 2, CPUSIM_SERVICE);
	uint64_t at = 0;

	while (vm && !maker->full) {
		uint64_t phase = at % (DURATION / 2) * 18 / (DURATION / 2);
		uint64_t busy = 1 + (phase < 9 ? phase : 18 - phase);

		at += draw_between(maker, 1, 20 * gap_ms * MS / busy);
		if (at >= DURATION)
			break;
		add_burst(maker, vm, at, draw_between(maker, 1 * MS, 6 * MS) *
			  (draw(maker) % 10 ? 1 : 3));
	}
}

/* A small server of one vCPU. */
static void add_small(struct maker *maker)
{
	struct cpusim_vm *vm = add_vm(maker, "small", 1, CPUSIM_SERVICE);
	uint64_t at = 0, gap = draw_between(maker, 100, 400) * MS;

	while (vm && !maker->full) {
		at += draw_between(maker, gap / 4, 2 * gap);
		if (at >= DURATION)
			break;
		add_burst(maker, vm, at, draw_between(maker, 2 * MS, 15 * MS));
	}
}

/* Jobs with pauses between them. */
static void add_phases(struct maker *maker, uint32_t vcpus)
{
	struct cpusim_vm *vm = add_vm(maker, "jobs", vcpus, CPUSIM_BATCH);
	uint64_t at = draw_between(maker, 0, 4 * SECOND);

	while (vm && !maker->full && at < DURATION * 2 / 3) {
		add_job(maker, vm, at, draw_between(maker, 4, 10) * SECOND);
		at += draw_between(maker, 6, 12) * SECOND;
	}
}

static void add_rule(struct maker *maker, const struct manage_rule *rule, const char *vm)
{
	struct cpuload *load = maker->load;
	struct manage_rule *rules = reallocarray(load->rules, load->n_rules + 1, sizeof(*rules));

	if (!rules) {
		maker->full = true;
		return;
	}
	load->rules = rules;
	rules += load->n_rules;
	*rules = *rule;
	rules->vm = strdup(vm);
	maker->full |= !rules->vm;
	load->n_rules += rules->vm != NULL;
}

/* Works without end; its operator bought little for it. */
static void add_neighbour(struct maker *maker, uint32_t vcpus, uint64_t guarantee)
{
	struct manage_rule rule = { .class = MANAGE_SERVICE, .guarantee_given = true,
				    .guarantee_millicpus = guarantee };
	struct cpusim_vm *vm = add_vm(maker, "neighbour", vcpus, CPUSIM_BACKGROUND);

	if (!vm)
		return;
	add_job(maker, vm, 0, 2 * DURATION * vcpus);
	add_rule(maker, &rule, vm->name);
}

static void make_desktop(struct maker *maker)
{
	uint64_t i;

	maker->load->load.cpus = 4;
	for (i = draw_between(maker, 3, 6); i; i--)
		add_desktop(maker);
	add_batch(maker, 4, 30);
	add_batch(maker, 4, 25);
}

static void make_web(struct maker *maker)
{
	maker->load->load.cpus = 4;
	add_web(maker, draw_between(maker, 4, 10));
	add_web(maker, draw_between(maker, 4, 10));
	add_batch(maker, 4, 30);
	add_batch(maker, 2, 20);
}

static void make_batch(struct maker *maker)
{
	maker->load->load.cpus = 4;
	add_batch(maker, 4, 30);
	add_batch(maker, 4, 25);
	add_batch(maker, 2, 15);
}

static void make_neighbours(struct maker *maker)
{
	maker->load->load.cpus = 4;
	add_batch(maker, 4, 30);
	add_neighbour(maker, 2, draw_between(maker, 100, 500));
	add_neighbour(maker, 4, draw_between(maker, 100, 500));
	add_web(maker, 10);
}

static void make_mixed(struct maker *maker)
{
	maker->load->load.cpus = 8;
	add_desktop(maker);
	add_desktop(maker);
	add_web(maker, draw_between(maker, 4, 10));
	add_phases(maker, 4);
	add_phases(maker, 8);
	add_batch(maker, 8, 60);
}

static void make_crowd(struct maker *maker)
{
	uint64_t i;

	maker->load->load.cpus = 2;
	for (i = draw_between(maker, 12, 20); i; i--)
		add_small(maker);
	for (i = 4; i; i--)
		add_batch(maker, 1, 6);
}

static void make_quiet(struct maker *maker)
{
	maker->load->load.cpus = 8;
	add_desktop(maker);
	add_desktop(maker);
	add_web(maker, 10);
	add_batch(maker, 3, 20);
}

/* The operator has bought for the job, and said nothing of the VMs beside it. */
static void make_guaranteed(struct maker *maker)
{
	struct manage_rule rule = { .class = MANAGE_BATCH, .guarantee_given = true };
	struct cpusim_load *load = &maker->load->load;
	uint64_t i;

	load->cpus = 2;
	add_batch(maker, 2, 12);
	rule.guarantee_millicpus = draw_between(maker, 800, 1200);
	if (load->n_vms)
		add_rule(maker, &rule, load->vms[0].name);
	for (i = draw_between(maker, 2, 6); i; i--)
		add_batch(maker, 1, 60);
	for (i = draw_between(maker, 2, 5); i; i--)
		add_small(maker);
}

int cpuload_make(enum cpuload_family family, uint64_t seed, struct cpuload *load)
{
	static void (*const makers[LOAD_FAMILIES])(struct maker *maker) = {
		[LOAD_DESKTOP] = make_desktop, [LOAD_WEB] = make_web, [LOAD_BATCH] = make_batch,
		[LOAD_NEIGHBOURS] = make_neighbours, [LOAD_MIXED] = make_mixed,
		[LOAD_CROWD] = make_crowd, [LOAD_QUIET] = make_quiet,
		[LOAD_GUARANTEED] = make_guaranteed,
	};
	struct maker maker = { .load = load, .random = seed * LOAD_FAMILIES + family };

	memset(load, 0, sizeof(*load));
	load->load.duration_ns = DURATION;
	makers[family](&maker);
	if (!maker.full)
		return 0;
	cpuload_free(load);
	return -ENOMEM;
}

void cpuload_free(struct cpuload *load)
{
	struct manage_options options = { .rules = load->rules, .n_rules = load->n_rules };

	cpusim_load_free(&load->load);
	manage_options_free(&options);
	memset(load, 0, sizeof(*load));
}
