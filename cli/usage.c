// SPDX-License-Identifier: GPL-2.0
/* A VM's use of the CPUs, from its threads or from its own counters. */
#include "usage.h"

#include <string.h>

static int add_thread(struct usage *usage, const struct thread *thread)
{
	if (thread->kind == THREAD_KERNEL)
		return counters_add(&usage->kernel, &thread->counters);
	if (thread->kind == THREAD_VCPU) {
		usage->n_vcpus++;
		if (counters_add(&usage->vcpus, &thread->counters))
			return -1;
	}
	return counters_add(&usage->process, &thread->counters);
}

int usage_of_threads(struct usage *usage, const struct cpu *cpu, uint32_t pid,
		     uint64_t elapsed_ns)
{
	const struct thread *threads;
	size_t count, i;

	memset(usage, 0, sizeof(*usage));
	threads = cpu_threads_of(cpu, pid, &count);
	usage->elapsed_ns = elapsed_ns;
	usage->by_thread = count != 0;
	for (i = 0; i < count; i++) {
		if (add_thread(usage, &threads[i])) {
			usage_free(usage);
			return -1;
		}
	}
	return 0;
}

void usage_of_vm(struct usage *usage, const struct vm *vm, const struct vm *before,
		 uint64_t elapsed_ns)
{
	static const struct {
		enum vm_field from;
		enum thread_field to;
	} fields[] = {
		{ VM_RUN_NS, THREAD_RUN_NS }, { VM_READY_NS, THREAD_READY_NS },
		{ VM_GUEST_NS, THREAD_GUEST_NS }, { VM_MIGRATIONS, THREAD_MIGRATIONS },
		{ VM_VOLUNTARY_SWITCHES, THREAD_VOLUNTARY_SWITCHES },
		{ VM_INVOLUNTARY_SWITCHES, THREAD_INVOLUNTARY_SWITCHES },
	};
	uint64_t now, then = 0;
	size_t i;

	memset(usage, 0, sizeof(*usage));
	usage->elapsed_ns = elapsed_ns;
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (!facts_get(&vm->facts, fields[i].from, &now) ||
		    (before && !facts_get(&before->facts, fields[i].from, &then)) || now < then)
			continue;
		facts_set(&usage->process.facts, fields[i].to, now - then);
	}
}

static uint64_t time_between(const struct snapshot *snap, const struct snapshot *before)
{
	uint64_t now, then;

	if (!facts_get(&snap->host, HOST_TIME_NS, &now) ||
	    !facts_get(&before->host, HOST_TIME_NS, &then) || now <= then)
		return 0;
	return now - then;
}

static uint64_t age(const struct snapshot *snap, const struct vm *vm)
{
	uint64_t now, birth;

	if (!facts_get(&snap->host, HOST_UPTIME_NS, &now) ||
	    !facts_get(&vm->facts, VM_START_TIME_NS, &birth) || now <= birth)
		return 0;
	return now - birth;
}

uint64_t usage_life_ns(const struct snapshot *snap, const struct vm *vm)
{
	return snap->window.window_ns ? snap->window.window_ns : age(snap, vm);
}

int usage_of(struct usage *usage, const struct snapshot *snap, const struct snapshot *before,
	     const struct vm *vm)
{
	const struct vm *old = before ? vm_same(before, vm) : NULL;

	memset(usage, 0, sizeof(*usage));
	if (snap->window.window_ns)
		return usage_of_threads(usage, &snap->window, vm->pid, snap->window.window_ns);
	if (before && !old)
		return 0;
	if (old) {
		usage_of_vm(usage, vm, old, time_between(snap, before));
		return 0;
	}
	if (snap->cpu.n_threads)
		return usage_of_threads(usage, &snap->cpu, vm->pid, age(snap, vm));
	usage_of_vm(usage, vm, NULL, age(snap, vm));
	return 0;
}

void usage_free(struct usage *usage)
{
	counters_free(&usage->process);
	counters_free(&usage->vcpus);
	counters_free(&usage->kernel);
}

static uint64_t per(double amount, double scale, uint64_t elapsed_ns)
{
	return round_saturating(amount * scale / (double)elapsed_ns);
}

bool usage_percent(uint64_t elapsed_ns, const struct counters *counters, enum thread_field field,
		   uint64_t *hundredths)
{
	uint64_t value;

	if (!elapsed_ns || !facts_get(&counters->facts, field, &value))
		return false;
	*hundredths = per((double)value, 1e4, elapsed_ns);
	return true;
}

bool usage_rate(uint64_t elapsed_ns, const struct counters *counters, enum thread_field field,
		uint64_t *hundredths)
{
	uint64_t value;

	if (!elapsed_ns || !facts_get(&counters->facts, field, &value))
		return false;
	*hundredths = per((double)value, 1e11, elapsed_ns);
	return true;
}

bool usage_guest_ns(const struct counters *vcpus, uint64_t *ns)
{
	return facts_get(&vcpus->facts, THREAD_IN_GUEST_NS, ns) ||
	       facts_get(&vcpus->facts, THREAD_GUEST_NS, ns);
}

bool usage_vmm_ns(const struct usage *usage, uint64_t *ns)
{
	uint64_t process, vcpus = 0;

	if (!usage->by_thread || !facts_get(&usage->process.facts, THREAD_RUN_NS, &process) ||
	    (usage->n_vcpus && !facts_get(&usage->vcpus.facts, THREAD_RUN_NS, &vcpus)))
		return false;
	*ns = add_saturating(process > vcpus ? process - vcpus : 0,
			     facts_or_zero(&usage->kernel.facts, THREAD_RUN_NS));
	return true;
}

bool usage_involuntary(const struct counters *counters, uint64_t *hundredths)
{
	uint64_t voluntary, involuntary;

	if (!facts_get(&counters->facts, THREAD_VOLUNTARY_SWITCHES, &voluntary) ||
	    !facts_get(&counters->facts, THREAD_INVOLUNTARY_SWITCHES, &involuntary) ||
	    !(voluntary || involuntary))
		return false;
	*hundredths = round_saturating((double)involuntary * 1e4 /
				       ((double)voluntary + (double)involuntary));
	return true;
}
