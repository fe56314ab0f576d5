// SPDX-License-Identifier: GPL-2.0
/* Proportional shares with bandwidth limits, millisecond by millisecond. */
#include "policy/cpusim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_TICKS 3
#define WAKE_CREDIT_NS 3000000		/* half of a latency of 6 ms */
#define WAKE_GRANULE_NS 1000000
#define SWITCH_COST_NS 20000
#define VMM_PART 50
#define WEIGHT_DEFAULT 100
#define VCPUS_MAX 1024

struct vcpu_run {
	uint32_t vm;
	uint64_t left_ns;		/* of its burst; 0: nothing to do */
	uint64_t at_ns;			/* when the burst arrived */
	int64_t virtual_ns;
	uint32_t slice;			/* ticks of the slice that are used */
	bool running, chosen, woken, displaced;
};

struct vm_run {
	const struct cpusim_vm *vm;
	struct cpusim_outcome *outcome;
	struct vcpu_run *vcpus;
	size_t next;			/* burst that has not been begun */
	size_t ended;
	uint64_t *responses;
	uint32_t busy;			/* vCPUs with something to do */
	uint32_t weight;
	uint32_t weight_set, cpus_first, cpus;	/* as decided last; CPUs have no effect here */
	uint64_t quota_ns, period_ns, burst_ns;
	uint64_t refill_at_ns;
	int64_t bank_ns;		/* what is left of the quota */
	bool throttled;
};

struct sim {
	const struct cpusim_load *load;
	const struct manage_options *options;
	struct vm_run *vms;
	size_t n_vms;
	struct vcpu_run *vcpus;
	size_t n_vcpus;
	uint64_t now_ns, idle_ns, next_check_ns;
	int64_t least_virtual_ns;
	uint32_t running;
	struct manage_state state;
	struct manage_sample samples[2];	/* the check before, and this one */
	unsigned int checks;
};

static bool is_waiting(const struct sim *sim, const struct vcpu_run *vcpu)
{
	return vcpu->left_ns && !vcpu->chosen && !sim->vms[vcpu->vm].throttled;
}

static bool has_work(const struct sim *sim, const struct vm_run *vm)
{
	return vm->next < vm->vm->n_bursts && vm->vm->bursts[vm->next].at_ns <= sim->now_ns;
}

/* Idle vCPUs take what has arrived. */
static void wake(struct sim *sim, struct vm_run *vm)
{
	int64_t earliest = sim->least_virtual_ns - WAKE_CREDIT_NS;
	uint32_t i;

	for (i = 0; i < vm->vm->vcpus && has_work(sim, vm); i++) {
		struct vcpu_run *vcpu = &vm->vcpus[i];
		const struct cpusim_burst *burst;

		if (vcpu->left_ns)
			continue;
		burst = &vm->vm->bursts[vm->next++];
		vcpu->left_ns = burst->work_ns;
		vcpu->at_ns = burst->at_ns;
		vm->busy++;
		if (vcpu->running)
			continue;
		vcpu->woken = true;
		if (vcpu->virtual_ns < earliest)
			vcpu->virtual_ns = earliest;
	}
}

static void refill(struct sim *sim, struct vm_run *vm)
{
	int64_t most;

	if (vm->quota_ns == MANAGE_UNLIMITED || sim->now_ns < vm->refill_at_ns)
		return;
	most = (int64_t)(vm->quota_ns + vm->burst_ns);
	while (sim->now_ns >= vm->refill_at_ns)
		vm->refill_at_ns += vm->period_ns;
	vm->bank_ns += (int64_t)vm->quota_ns;
	if (vm->bank_ns > most)
		vm->bank_ns = most;
	vm->throttled = vm->bank_ns <= 0;
}

/* Who runs goes on running while its slice lasts. */
static void keep_running(struct sim *sim)
{
	size_t i;

	sim->running = 0;
	for (i = 0; i < sim->n_vcpus; i++) {
		struct vcpu_run *vcpu = &sim->vcpus[i];

		vcpu->chosen = vcpu->running && vcpu->left_ns && vcpu->slice < SLICE_TICKS &&
			       !sim->vms[vcpu->vm].throttled;
		sim->running += vcpu->chosen;
	}
}

static struct vcpu_run *first_waiting(struct sim *sim)
{
	struct vcpu_run *first = NULL;
	size_t i;

	for (i = 0; i < sim->n_vcpus; i++) {
		struct vcpu_run *vcpu = &sim->vcpus[i];

		if (is_waiting(sim, vcpu) && (!first || vcpu->virtual_ns < first->virtual_ns))
			first = vcpu;
	}
	return first;
}

static struct vcpu_run *last_running(struct sim *sim)
{
	struct vcpu_run *last = NULL;
	size_t i;

	for (i = 0; i < sim->n_vcpus; i++) {
		struct vcpu_run *vcpu = &sim->vcpus[i];

		if (vcpu->chosen && (!last || vcpu->virtual_ns > last->virtual_ns))
			last = vcpu;
	}
	return last;
}

static void choose(struct vcpu_run *vcpu)
{
	vcpu->chosen = true;
	vcpu->slice = 0;
}

static void fill_cpus(struct sim *sim)
{
	struct vcpu_run *vcpu;

	while (sim->running < sim->load->cpus && (vcpu = first_waiting(sim))) {
		choose(vcpu);
		sim->running++;
	}
}

static void preempt(struct sim *sim)
{
	size_t i;

	for (i = 0; i < sim->n_vcpus; i++) {
		struct vcpu_run *vcpu = &sim->vcpus[i], *last;

		if (!vcpu->woken || !is_waiting(sim, vcpu))
			continue;
		last = last_running(sim);
		if (!last || last->virtual_ns - vcpu->virtual_ns <= WAKE_GRANULE_NS)
			continue;
		last->chosen = false;
		choose(vcpu);
	}
}

static void end_burst(struct sim *sim, struct vm_run *vm, struct vcpu_run *vcpu)
{
	uint64_t end = sim->now_ns + CPUSIM_TICK_NS;

	vm->busy--;
	vm->responses[vm->ended++] = end - vcpu->at_ns;
	if (vm->ended == vm->vm->n_bursts)
		vm->outcome->finished_ns = end;
	vm->outcome->voluntary_switches++;
}

static void run_vcpu(struct sim *sim, struct vcpu_run *vcpu)
{
	struct vm_run *vm = &sim->vms[vcpu->vm];
	uint64_t lost = vcpu->displaced ? SWITCH_COST_NS : 0;
	uint64_t work = CPUSIM_TICK_NS - lost, used;

	if (work > vcpu->left_ns)
		work = vcpu->left_ns;
	used = work + lost;
	vcpu->displaced = false;
	vcpu->running = true;
	vcpu->woken = false;
	vcpu->slice++;
	vcpu->left_ns -= work;
	/* a VM's weight is divided among those of its vCPUs that want to run */
	vcpu->virtual_ns += (int64_t)(used * WEIGHT_DEFAULT * vm->busy / vm->weight);
	vm->outcome->done_ns += work;
	vm->outcome->run_ns += used;
	vm->bank_ns -= (int64_t)used;
	sim->idle_ns -= used;
	if (!vcpu->left_ns)
		end_burst(sim, vm, vcpu);
}

static void stop_vcpu(struct sim *sim, struct vcpu_run *vcpu)
{
	struct vm_run *vm = &sim->vms[vcpu->vm];

	if (vcpu->left_ns) {
		vm->outcome->ready_ns += CPUSIM_TICK_NS;
		vm->outcome->throttled_ns += vm->throttled ? CPUSIM_TICK_NS : 0;
		if (vcpu->running) {
			vm->outcome->involuntary_switches++;
			vcpu->displaced = true;
		}
	}
	vcpu->running = false;
}

static void run_tick(struct sim *sim)
{
	int64_t least = INT64_MAX;
	size_t i;

	sim->idle_ns += sim->load->cpus * CPUSIM_TICK_NS;
	for (i = 0; i < sim->n_vcpus; i++) {
		struct vcpu_run *vcpu = &sim->vcpus[i];

		if (vcpu->left_ns && vcpu->virtual_ns < least)
			least = vcpu->virtual_ns;
		if (vcpu->chosen)
			run_vcpu(sim, vcpu);
		else
			stop_vcpu(sim, vcpu);
	}
	if (least != INT64_MAX && least > sim->least_virtual_ns)
		sim->least_virtual_ns = least;
	for (i = 0; i < sim->n_vms; i++) {
		struct vm_run *vm = &sim->vms[i];

		if (vm->quota_ns != MANAGE_UNLIMITED)
			vm->throttled = vm->bank_ns <= 0;
	}
}

static void take_sample(struct sim *sim, struct manage_sample *sample)
{
	size_t i;

	sample->time_ns = sim->now_ns + 1;
	sample->cpus = sim->load->cpus;
	sample->idle_ns = sim->idle_ns;
	sample->n_vms = sim->n_vms;
	for (i = 0; i < sim->n_vms; i++) {
		const struct vm_run *vm = &sim->vms[i];

		sample->vms[i] = (struct manage_vm){
			.pid = (uint32_t)i + 1, .start_time_ns = 1, .name = vm->vm->name,
			.vcpus = vm->vm->vcpus,
			.run_ns = vm->outcome->run_ns, .vmm_ns = vm->outcome->run_ns / VMM_PART,
			.ready_ns = vm->outcome->ready_ns,
			.throttled_ns = vm->outcome->throttled_ns,
			.voluntary_switches = vm->outcome->voluntary_switches,
			.involuntary_switches = vm->outcome->involuntary_switches,
			.quota_ns = vm->quota_ns, .period_ns = vm->period_ns,
			.weight = vm->weight_set, .cpus_first = vm->cpus_first, .cpus = vm->cpus,
		};
	}
}

static void apply(struct sim *sim, struct vm_run *vm, const struct manage_decision *decision)
{
	vm->outcome->checks_capped += decision->quota_ns != MANAGE_UNLIMITED;
	if (!decision->change)
		return;
	vm->weight = decision->weight ? decision->weight : WEIGHT_DEFAULT;
	vm->weight_set = decision->weight;
	vm->cpus_first = decision->cpus_first;
	vm->cpus = decision->cpus;
	vm->burst_ns = decision->burst_ns;
	if (decision->quota_ns == vm->quota_ns && decision->period_ns == vm->period_ns)
		return;
	vm->quota_ns = decision->quota_ns;
	vm->period_ns = decision->period_ns;
	vm->throttled = false;
	vm->refill_at_ns = sim->now_ns;
	vm->bank_ns = 0;
}

static int check_vms(struct sim *sim)
{
	struct manage_sample *now = &sim->samples[sim->checks % 2];
	struct manage_sample *before = sim->checks ? &sim->samples[1 - sim->checks % 2] : NULL;
	struct manage_decision *decisions;
	size_t n, i;
	int ret;

	take_sample(sim, now);
	ret = manage_decide(&sim->state, before, now, sim->options, &decisions, &n);
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		apply(sim, &sim->vms[i], &decisions[i]);
	free(decisions);
	sim->checks++;
	sim->next_check_ns += sim->options->t_check_ns;
	return 0;
}

static int step(struct sim *sim)
{
	size_t i;

	if (sim->options && sim->now_ns >= sim->next_check_ns && check_vms(sim))
		return -ENOMEM;
	for (i = 0; i < sim->n_vms; i++) {
		refill(sim, &sim->vms[i]);
		wake(sim, &sim->vms[i]);
	}
	keep_running(sim);
	fill_cpus(sim);
	preempt(sim);
	run_tick(sim);
	sim->now_ns += CPUSIM_TICK_NS;
	return 0;
}

static int compare_times(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* What has not ended has waited at least until now. */
static void count_unfinished(struct sim *sim, struct vm_run *vm)
{
	uint32_t i;

	for (i = 0; i < vm->vm->vcpus; i++) {
		if (vm->vcpus[i].left_ns)
			vm->responses[vm->ended++] = sim->now_ns - vm->vcpus[i].at_ns;
	}
	while (has_work(sim, vm))
		vm->responses[vm->ended++] = sim->now_ns - vm->vm->bursts[vm->next++].at_ns;
}

static void finish(struct sim *sim)
{
	size_t i;

	for (i = 0; i < sim->n_vms; i++) {
		struct vm_run *vm = &sim->vms[i];

		count_unfinished(sim, vm);
		if (!vm->ended)
			continue;
		qsort(vm->responses, vm->ended, sizeof(*vm->responses), compare_times);
		vm->outcome->response_p50_ns = vm->responses[(vm->ended - 1) / 2];
		vm->outcome->response_p99_ns = vm->responses[(vm->ended * 99 + 99) / 100 - 1];
	}
}

static int add_vm(struct sim *sim, const struct cpusim_vm *vm, struct cpusim_outcome *outcome)
{
	struct vm_run *run = &sim->vms[sim->n_vms];
	size_t i;

	memset(outcome, 0, sizeof(*outcome));
	*run = (struct vm_run){
		.vm = vm, .outcome = outcome, .vcpus = sim->vcpus + sim->n_vcpus,
		.responses = calloc(vm->n_bursts + 1, sizeof(*run->responses)),
		.weight = WEIGHT_DEFAULT, .quota_ns = MANAGE_UNLIMITED,
	};
	for (i = 0; i < vm->n_bursts; i++)
		outcome->work_ns += vm->bursts[i].work_ns;
	for (i = 0; i < vm->vcpus; i++)
		run->vcpus[i].vm = (uint32_t)sim->n_vms;
	sim->n_vcpus += vm->vcpus;
	sim->n_vms++;
	return run->responses ? 0 : -ENOMEM;
}

static int prepare(struct sim *sim, size_t only, struct cpusim_outcome *outcomes)
{
	const struct cpusim_load *load = sim->load;
	size_t vcpus = 0, i;

	for (i = 0; i < load->n_vms; i++)
		vcpus += load->vms[i].vcpus;
	sim->vms = calloc(load->n_vms + 1, sizeof(*sim->vms));
	sim->vcpus = calloc(vcpus + 1, sizeof(*sim->vcpus));
	sim->samples[0].vms = calloc(load->n_vms + 1, sizeof(struct manage_vm));
	sim->samples[1].vms = calloc(load->n_vms + 1, sizeof(struct manage_vm));
	if (!sim->vms || !sim->vcpus || !sim->samples[0].vms || !sim->samples[1].vms)
		return -ENOMEM;
	for (i = 0; i < load->n_vms; i++) {
		if ((only == SIZE_MAX || only == i) && add_vm(sim, &load->vms[i], &outcomes[i]))
			return -ENOMEM;
	}
	return 0;
}

static void release(struct sim *sim)
{
	size_t i;

	for (i = 0; i < sim->n_vms; i++)
		free(sim->vms[i].responses);
	free(sim->vms);
	free(sim->vcpus);
	/* the names in samples are the load's */
	free(sim->samples[0].vms);
	free(sim->samples[1].vms);
	manage_state_free(&sim->state);
}

static bool bursts_ok(const struct cpusim_vm *vm)
{
	size_t i;

	for (i = 0; i < vm->n_bursts; i++) {
		if (!vm->bursts[i].work_ns || vm->bursts[i].work_ns > INT64_MAX / 1024 ||
		    (i && vm->bursts[i].at_ns < vm->bursts[i - 1].at_ns))
			return false;
	}
	return vm->vcpus && vm->vcpus <= VCPUS_MAX;
}

static bool load_ok(const struct cpusim_load *load)
{
	size_t i;

	if (!load->cpus || load->cpus > 65536 || load->n_vms > MANAGE_VMS_MAX)
		return false;
	for (i = 0; i < load->n_vms; i++) {
		if (!bursts_ok(&load->vms[i]))
			return false;
	}
	return cpusim_cost(load) <= CPUSIM_COST_MAX;
}

uint64_t cpusim_cost(const struct cpusim_load *load)
{
	uint64_t vcpus = 1, ticks = load->duration_ns / CPUSIM_TICK_NS + 1;
	size_t i;

	for (i = 0; i < load->n_vms; i++)
		vcpus += load->vms[i].vcpus;
	return ticks > CPUSIM_COST_MAX / vcpus ? UINT64_MAX : ticks * vcpus;
}

int cpusim_run(const struct cpusim_load *load, const struct manage_options *options, size_t only,
	       struct cpusim_outcome *outcomes)
{
	struct sim sim = { .load = load, .options = options };
	int ret;

	if (!load_ok(load) || (options && manage_options_wrong(options)))
		return -EINVAL;
	ret = prepare(&sim, only, outcomes);
	while (!ret && sim.now_ns < load->duration_ns)
		ret = step(&sim);
	if (!ret)
		finish(&sim);
	release(&sim);
	return ret;
}

int cpusim_add_burst(struct cpusim_vm *vm, uint64_t at_ns, uint64_t work_ns)
{
	struct cpusim_burst *bursts = vm->bursts;
	size_t n = vm->n_bursts;

	if (!(n & (n - 1))) {
		bursts = reallocarray(bursts, n ? 2 * n : 1, sizeof(*bursts));
		if (!bursts)
			return -ENOMEM;
		vm->bursts = bursts;
	}
	bursts[vm->n_bursts++] = (struct cpusim_burst){ at_ns, work_ns };
	return 0;
}

void cpusim_load_free(struct cpusim_load *load)
{
	size_t i;

	for (i = 0; i < load->n_vms; i++) {
		free(load->vms[i].name);
		free(load->vms[i].bursts);
	}
	free(load->vms);
	memset(load, 0, sizeof(*load));
}
