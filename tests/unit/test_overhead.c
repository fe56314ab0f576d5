// SPDX-License-Identifier: GPL-2.0
/* The parts of a VM's CPU time, the experiment's arithmetic, and its job. */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "experiment.h"
#include "policy/overhead.h"
#include "spinvm.h"

static void put(struct cpu *cpu, uint32_t tid, enum thread_kind kind, uint64_t run_ns,
		uint64_t guest_ns)
{
	struct thread *thread = cpu_add_thread(cpu);

	thread->pid = 7;
	thread->tid = tid;
	thread->kind = kind;
	facts_set(&thread->counters.facts, THREAD_RUN_NS, run_ns);
	facts_set(&thread->counters.facts, THREAD_READY_NS, run_ns / 10);
	if (kind == THREAD_VCPU)
		facts_set(&thread->counters.facts, THREAD_GUEST_NS, guest_ns);
}

static void test_parts(void)
{
	struct overhead parts, sum = {};
	struct usage usage;
	struct cpu cpu = {};

	put(&cpu, 0, THREAD_VMM, 5, 0);
	put(&cpu, 11, THREAD_VCPU, 1000, 700);
	put(&cpu, 12, THREAD_VCPU, 2000, 1900);
	put(&cpu, 13, THREAD_VMM, 300, 0);
	put(&cpu, 14, THREAD_KERNEL, 40, 0);
	usage_of_threads(&usage, &cpu, 7, 10000);
	overhead_of(&parts, &usage);
	ok(parts.guest_ns == 2600 && parts.exits_ns == 400 && parts.vmm_ns == 305 &&
	   parts.kernel_ns == 40 && !parts.exact, "the parts, by ticks");
	is_number(parts.guest_ns + parts.exits_ns + parts.vmm_ns, 3305,
		  "add up to the process's time");
	is_number(overhead_total(&parts), 3345, "and with the kernel's threads to all");
	is_number(parts.ready_ns, 330, "waiting is the process's");
	facts_set(&cpu.threads[1].counters.facts, THREAD_IN_GUEST_NS, 650);
	facts_set(&cpu.threads[2].counters.facts, THREAD_IN_GUEST_NS, 1800);
	usage_of_threads(&usage, &cpu, 7, 10000);
	overhead_of(&parts, &usage);
	ok(parts.guest_ns == 2450 && parts.exits_ns == 550 && parts.exact, "by hooks, if there are");
	facts_set(&cpu.threads[1].counters.facts, THREAD_IN_GUEST_NS, 99999);
	usage_of_threads(&usage, &cpu, 7, 10000);
	overhead_of(&parts, &usage);
	ok(parts.guest_ns == 3000 && !parts.exits_ns, "no part is negative");
	overhead_add(&sum, &parts);
	overhead_add(&sum, &parts);
	is_number(overhead_total(&sum), 2 * overhead_total(&parts), "a sum");
	cpu_free(&cpu);
}

static void test_arithmetic(void)
{
	double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 };

	ok(fabs(overhead_slowdown(100, 80) - 25) < 1e-9, "80 instead of 100 take a quarter longer");
	ok(fabs(overhead_slowdown(100, 100)) < 1e-9, "as fast as before");
	ok(overhead_slowdown(90, 100) < 0, "faster");
	ok(overhead_median(odd, 3) == 3 && odd[0] == 1 && odd[2] == 5, "median of an odd number");
	ok(overhead_median(even, 4) == 2.5, "of an even one");
}

/* The program's job does work, only while it runs; it needs no /dev/kvm. */
static void test_job(void)
{
	const struct timespec pause = { 0, 1000000 };
	struct spin_place place = {};
	struct spin spin;
	struct error err = {};
	time_t end = time(NULL) + 30;
	uint64_t begun;
	pid_t pid;

	sched_getaffinity(0, sizeof(place.vcpu), &place.vcpu);
	if (!ok(!spin_start(&spin, &place, &err), "a job starts %s", err.message))
		return;
	begun = spin_work(&spin);
	while (spin_work(&spin) == begun && time(NULL) < end)
		nanosleep(&pause, NULL);
	ok(spin_work(&spin) > begun, "and works");
	pid = spin.pid;
	spin_stop(&spin);
	ok(kill(pid, 0) == -1 && errno == ESRCH, "and is gone when it is stopped");
	CPU_ZERO(&place.vcpu);
	ok(spin_start(&spin, &place, &err) == -1, "one that may run nowhere does not start");
	has_text(err.message, "choosing CPUs", "and says why");
}

static void test_preparing(void)
{
	struct experiment experiment = {}, many = { .cpus = 5000 };
	struct error err;
	cpu_set_t one, all;

	sched_getaffinity(0, sizeof(all), &all);
	ok(experiment_prepare(&many, &err) && err.code == EXIT_USAGE, "more CPUs than there are");
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++) {
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	}
	sched_setaffinity(0, sizeof(one), &one);
	ok(experiment_prepare(&experiment, &err) && err.code == EXIT_SUPPORT, "one CPU is not enough");
	sched_setaffinity(0, sizeof(all), &all);
}

void test_overhead(void)
{
	test_parts();
	test_arithmetic();
	test_job();
	test_preparing();
}
