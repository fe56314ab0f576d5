// SPDX-License-Identifier: GPL-2.0
/* The parts of a VM's CPU time, the experiment's arithmetic, and its job. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static uint64_t part(const struct overhead *overhead, enum overhead_part which)
{
	uint64_t value;

	return facts_get(&overhead->facts, which, &value) ? value : UINT64_MAX;
}

static void test_parts(void)
{
	struct overhead parts, sum;
	struct cpu cpu = {};

	put(&cpu, 0, THREAD_VMM, 5, 0);
	put(&cpu, 11, THREAD_VCPU, 1000, 700);
	put(&cpu, 12, THREAD_VCPU, 2000, 1900);
	put(&cpu, 13, THREAD_VMM, 300, 0);
	put(&cpu, 14, THREAD_KERNEL, 40, 0);
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_GUEST_NS) == 2600 && part(&parts, OVERHEAD_EXITS_NS) == 400 &&
	   part(&parts, OVERHEAD_VMM_NS) == 305 && part(&parts, OVERHEAD_KERNEL_NS) == 40 &&
	   parts.by_ticks == 2 && !parts.by_hooks, "the parts, by ticks");
	is_number(part(&parts, OVERHEAD_CPU_NS), 3345,
		  "add up to the process's time and that of the kernel's threads");
	is_number(part(&parts, OVERHEAD_READY_NS), 330, "waiting is the process's");
	is_number(part(&parts, OVERHEAD_EXITS), UINT64_MAX, "exits that nobody counted are not 0");
	facts_set(&cpu.threads[1].counters.facts, THREAD_IN_GUEST_NS, 650);
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_GUEST_NS) == 2550 && parts.by_hooks == 1 && parts.by_ticks == 1,
	   "each vCPU by hooks, if it was there");
	facts_set(&cpu.threads[2].counters.facts, THREAD_IN_GUEST_NS, 1800);
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_GUEST_NS) == 2450 && part(&parts, OVERHEAD_EXITS_NS) == 550 &&
	   parts.by_hooks == 2 && !parts.by_ticks, "both by hooks");
	facts_set(&cpu.threads[1].counters.facts, THREAD_IN_GUEST_NS, 99999);
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_GUEST_NS) == 3000 && !part(&parts, OVERHEAD_EXITS_NS),
	   "no part is negative");
	overhead_begin(&sum);
	overhead_add(&sum, &parts);
	overhead_add(&sum, &parts);
	is_number(part(&sum, OVERHEAD_CPU_NS), 2 * part(&parts, OVERHEAD_CPU_NS), "a sum");
	ok(sum.by_hooks == 4 && part(&sum, OVERHEAD_EXITS) == UINT64_MAX,
	   "in which what is not known of one is not known");
	cpu_free(&cpu);
}

/* Absent is never 0. */
static void test_unknown_parts(void)
{
	struct overhead parts;
	struct cpu cpu = {};

	overhead_of(&parts, &cpu, 7);
	is_number(parts.facts.known, 0, "of a VM without threads nothing is known");
	put(&cpu, 11, THREAD_VCPU, 1000, 700);
	put(&cpu, 12, THREAD_VMM, 300, 0);
	facts_set(&cpu.threads[0].counters.facts, THREAD_EXITS, 9);
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_EXITS) == 9 && !part(&parts, OVERHEAD_KERNEL_NS),
	   "without kernel threads they ran for 0");
	cpu.threads[0].counters.facts.known &= ~(1u << THREAD_GUEST_NS);
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_GUEST_NS) == UINT64_MAX &&
	   part(&parts, OVERHEAD_EXITS_NS) == UINT64_MAX && part(&parts, OVERHEAD_VMM_NS) == 300 &&
	   part(&parts, OVERHEAD_CPU_NS) == 1300, "without guest time the rest is known");
	cpu.threads[1].counters.facts.known = 0;
	overhead_of(&parts, &cpu, 7);
	ok(part(&parts, OVERHEAD_CPU_NS) == UINT64_MAX &&
	   part(&parts, OVERHEAD_READY_NS) == UINT64_MAX, "a thread without numbers spoils the sum");
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

/* As whom nothing is allowed to; as another user as whoever it is. */
static void become_nobody(void)
{
	if (!geteuid() && (setgroups(0, NULL) || setegid(65534) || seteuid(65534)))
		printf("# cannot become another user: %s\n", strerror(errno));
}

static void become_again(uid_t user, gid_t group, const gid_t *groups, int count)
{
	if (user != geteuid() && (seteuid(user) || setegid(group) ||
				  setgroups((size_t)count, groups)))
		printf("# cannot become the user again: %s\n", strerror(errno));
}

/* What is to be done about /dev/kvm is another thing where it is there. */
static void test_no_guest(void)
{
	struct spin_place place = { .guest = true };
	uid_t user = geteuid();
	gid_t group = getegid(), groups[64];
	int count = getgroups(64, groups), problem;
	struct error err = {};
	struct spin spin;

	sched_getaffinity(0, sizeof(place.vcpu), &place.vcpu);
	place.vmm = place.vcpu;
	become_nobody();
	problem = faccessat(AT_FDCWD, "/dev/kvm", R_OK | W_OK, AT_EACCESS) ? errno : 0;
	if (problem == EACCES || problem == ENOENT) {
		ok(spin_start(&spin, &place, &err) == -1, "no guest where KVM does not answer");
		is_number(err.code, problem == EACCES ? EXIT_PERMISSION : EXIT_SUPPORT,
			  "which is a matter of permission or of support");
		has_text(err.message, problem == EACCES ? "group kvm" : "loaded?", "and is told");
	}
	become_again(user, group, groups, count);
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
	test_unknown_parts();
	test_arithmetic();
	test_job();
	test_no_guest();
	test_preparing();
}
