// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs of real threads, those of children of this program, in cgroups that are directories
 * made here: what is found, given, and put back.
 */
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "affinity.h"
#include "cpumask.h"
#include "entry.h"
#include "limiter.h"
#include "procvm.h"
#include "restore.h"

#define THREADS 4			/* of a child, the first among them */

static struct cpumask all;		/* that this program may use */
static char first[16], last[16];	/* two of these CPUs, as lists */
static char said[1 << 12];

static void hear(const char *text)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

static bool find_cpus(void)
{
	unsigned long cpu;
	char text[16];

	memset(&all, 0, sizeof(all));
	sched_getaffinity(0, sizeof(all), (cpu_set_t *)&all);
	first[0] = last[0] = '\0';
	for (cpu = 0; cpu < 512; cpu++) {
		if (!(all.words[cpu / CPUMASK_BITS] >> cpu % CPUMASK_BITS & 1))
			continue;
		snprintf(text, sizeof(text), "%lu", cpu);
		strcpy(*first ? last : first, text);
	}
	return *last;
}

/* A VM: its threads, and the files of its cgroup. */
struct child {
	pid_t pid, tids[THREADS];
	int ask, answer;		/* a byte makes it start a thread, whose number it tells */
	size_t threads;
	uint64_t start_time_ns;
	char dir[PATH_MAX];
};

static int answers;

static void *tell_and_wait(void *unused)
{
	pid_t tid = gettid();

	(void)unused;
	if (write(answers, &tid, sizeof(tid)) == sizeof(tid))
		pause();
	return NULL;
}

static void live(int asked)
{
	pthread_t thread;
	char byte;

	while (read(asked, &byte, 1) == 1)
		pthread_create(&thread, NULL, tell_and_wait, NULL);
	_exit(0);
}

static void start_thread(struct child *vm)
{
	pid_t *tid = &vm->tids[vm->threads++];

	ok(write(vm->ask, "", 1) == 1 && read(vm->answer, tid, sizeof(*tid)) == sizeof(*tid),
	   "thread %d", *tid);
}

static void put(const struct child *vm, const char *name, const char *text)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", vm->dir + strlen(test_root()), name);
	test_file(path, text, strlen(text));
}

static void make_cgroup(struct child *vm, const char *name, pid_t pid)
{
	char text[256];

	snprintf(vm->dir, sizeof(vm->dir), "%s/affinity/%s", test_root(), name);
	snprintf(text, sizeof(text), "%d\n", pid);
	put(vm, "cgroup.procs", pid ? text : "");
	cpumask_print(&all, text, sizeof(text));
	put(vm, "../cpuset.cpus.effective", text);
	put(vm, "cpu.max", "max 100000\n");
	put(vm, "cpu.weight", "100\n");
}

static void vm_start(struct child *vm, const char *name)
{
	int ask[2], answer[2];

	memset(vm, 0, sizeof(*vm));
	ok(!pipe(ask) && !pipe(answer), "pipes");
	fflush(stdout);
	vm->pid = fork();
	if (!vm->pid) {
		close(ask[1]);
		answers = answer[1];
		live(ask[0]);
	}
	close(ask[0]);
	close(answer[1]);
	vm->ask = ask[1];
	vm->answer = answer[0];
	vm->tids[vm->threads++] = vm->pid;
	start_thread(vm);
	start_thread(vm);
	procvm_start_time((uint32_t)vm->pid, "", &vm->start_time_ns);
	make_cgroup(vm, name, vm->pid);
}

static void vm_end(struct child *vm)
{
	kill(vm->pid, SIGKILL);
	waitpid(vm->pid, NULL, 0);
	close(vm->ask);
	close(vm->answer);
}

static struct affinity affinity_of(const struct child *vm, const char *before, const char *next)
{
	return (struct affinity){ .dir = vm->dir, .pid = (uint32_t)vm->pid,
				  .start_time_ns = vm->start_time_ns, .ours = { before, next } };
}

/* As if somebody had used taskset. */
static void choose(pid_t tid, const char *cpus)
{
	struct cpumask mask;

	cpumask_parse(&mask, cpus);
	ok(!sched_setaffinity(tid, sizeof(mask), (cpu_set_t *)&mask), "thread %d has %s", tid, cpus);
}

static bool has(pid_t tid, const char *cpus)
{
	struct cpumask mask = {}, wanted = all;

	if (*cpus)
		cpumask_parse(&wanted, cpus);
	sched_getaffinity(tid, sizeof(mask), (cpu_set_t *)&mask);
	return cpumask_equal(&mask, &wanted);
}

static size_t count(const struct child *vm, const char *cpus)
{
	size_t n = 0, i;

	for (i = 0; i < vm->threads; i++)
		n += has(vm->tids[i], cpus);
	return n;
}

static const char *read_value(const struct child *vm, const char *before, const char *next)
{
	struct affinity affinity = affinity_of(vm, before, next);
	static char value[SETTING_VALUE];
	struct error err = {};

	ok(!affinity_read(&affinity, value, sizeof(value), &err), "read: %s", err.message);
	return value;
}

static int write_value(const struct child *vm, const char *before, const char *next, const char *cpus)
{
	struct affinity affinity = affinity_of(vm, before, next);
	struct error err = {};
	int ret = affinity_write(&affinity, cpus, &err);

	ok(!ret || err.message[0], "written: %s", err.message);
	return ret;
}

static void test_masks(void)
{
	struct cpumask mask, part, both;
	char text[32];

	ok(cpumask_parse(&mask, "0-3,8,63-65\n"), "a list");
	cpumask_print(&mask, text, sizeof(text));
	is_text(text, "0-3,8,63-65", "is printed as it was");
	cpumask_print(&mask, text, 4);
	is_text(text, "0-3", "or as far as it fits");
	ok(cpumask_parse(&part, "2,64") && cpumask_has_all(&mask, &part), "a part of it");
	ok(!cpumask_has_all(&part, &mask), "not the other way round");
	cpumask_and(&both, &mask, &part);
	ok(cpumask_equal(&both, &part), "is what both have");
	ok(cpumask_parse(&part, "9") && (cpumask_and(&both, &mask, &part), cpumask_is_empty(&both)),
	   "nothing");
	ok(!cpumask_parse(&mask, "") && !cpumask_parse(&mask, "\n") && !cpumask_parse(&mask, "3-1") &&
	   !cpumask_parse(&mask, "1,") && !cpumask_parse(&mask, "1 2") &&
	   !cpumask_parse(&mask, "8192") && !cpumask_parse(&mask, "-1") && !cpumask_parse(&mask, "1-"),
	   "no lists");
	ok(cpumask_parse(&mask, "8191"), "the last CPU");
}

static void test_all_threads(void)
{
	struct child vm;

	vm_start(&vm, "all");
	is_text(read_value(&vm, NULL, NULL), "", "all are free");
	is_number((uint64_t)-write_value(&vm, "", first, first), 0, "all get one CPU");
	is_number(count(&vm, first), 3, "and have it");
	is_text(read_value(&vm, "", first), first, "which is ours");
	has_text(read_value(&vm, NULL, NULL), "(thread ", "or somebody's");
	start_thread(&vm);
	is_number(count(&vm, first), 4, "a thread that is started later has it, too");
	is_number((uint64_t)-write_value(&vm, first, last, last), 0, "another CPU");
	is_number(count(&vm, last), 4, "for all");
	is_number((uint64_t)-write_value(&vm, last, "", ""), 0, "put back");
	is_number(count(&vm, ""), 4, "as found");
	vm_end(&vm);
}

/* Somebody chooses CPUs for a thread while ours are in place. */
static void test_somebody_elses(void)
{
	struct child vm;

	vm_start(&vm, "other");
	write_value(&vm, "", first, first);
	choose(vm.tids[1], last);
	is_text(read_value(&vm, "", first), first, "ours are to be put back");
	write_value(&vm, first, "", "");
	is_number(count(&vm, ""), 2, "where they are");
	ok(has(vm.tids[1], last), "and what somebody has chosen stays");
	has_text(read_value(&vm, first, ""), last, "which is then all that is there");
	vm_end(&vm);
}

/* Killed in the middle: some threads have what they were given, others not. */
static void test_half_written(void)
{
	struct child vm;

	vm_start(&vm, "half");
	choose(vm.tids[1], first);
	choose(vm.tids[2], last);
	is_text(read_value(&vm, first, last), first, "one of ours");
	write_value(&vm, first, last, "");
	is_number(count(&vm, ""), 3, "all are put back");
	vm_end(&vm);
}

/* The cgroup allows one CPU only, which is just what it was given. */
static void test_little_allowed(void)
{
	struct child vm;

	vm_start(&vm, "little");
	put(&vm, "cpuset.cpus.effective", first);
	ok(affinity_is_allowed(vm.dir, first) && !affinity_is_allowed(vm.dir, last), "one CPU");
	is_text(read_value(&vm, NULL, NULL), "", "threads with more are free");
	choose(vm.tids[0], first);
	is_text(read_value(&vm, NULL, NULL), "", "and so are those with that one");
	is_text(read_value(&vm, "", first), first, "which may be ours");
	is_number((uint64_t)-write_value(&vm, first, "", ""), 0, "it is put back, and that ends");
	is_number(count(&vm, ""), 3, "for CPUs to come");
	vm_end(&vm);
}

/* The VM is moved while it is pinned: its threads keep what they were given. */
static void test_moved(void)
{
	struct journal journal = {};
	struct journal_entry *entry;
	char text[1024];
	struct child vm;

	vm_start(&vm, "moved");
	write_value(&vm, "", first, first);
	snprintf(vm.dir, sizeof(vm.dir), "%s/affinity/gone", test_root());
	entry = journal_add(&journal, (uint32_t)vm.pid, vm.start_time_ns, "vm", &actuator_cgroup2,
			    vm.dir);
	settings_add(&entry->found, AFFINITY_KEY, "%s", "");
	entry->before = entry->found;
	settings_add(&entry->next, AFFINITY_KEY, "%s", first);
	entry->start_time_ns++;
	is_number(restore_entry(entry, text, sizeof(text)), RESTORED_GONE, "that is not the process");
	is_number(count(&vm, first), 3, "which keeps what it has");
	entry->start_time_ns--;
	is_number(restore_entry(entry, text, sizeof(text)), RESTORED, "its cgroup is gone: %s", text);
	is_number(count(&vm, ""), 3, "but its threads are as found");
	is_number(restore_entry(entry, text, sizeof(text)), RESTORED_GONE, "once");
	journal_free(&journal);
	vm_end(&vm);
}

/* A thread of the kernel's that nobody can move, where they are visible; 0: none is. */
static pid_t find_unmovable(void)
{
	char path[64], *name;
	bool found = false;
	pid_t pid;

	for (pid = 1; pid < 100 && !found; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		name = test_read(path);
		found = name && !strcmp(name, "migration/0\n");
		free(name);
	}
	return found ? pid - 1 : 0;
}

/* io_uring's workers are like that: not among what is found, nor what refuses. */
static void test_unmovable(void)
{
	pid_t unmovable = find_unmovable();
	struct child vm;
	char text[64];

	if (!unmovable)
		return;
	vm_start(&vm, "unmovable");
	snprintf(text, sizeof(text), "%d\n%d\n", unmovable, vm.pid);
	put(&vm, "cgroup.procs", text);
	is_text(read_value(&vm, NULL, NULL), "", "thread %d is placed by the kernel", unmovable);
	/* to the kernel this one looks like any that is ours */
	is_number((uint64_t)-write_value(&vm, "0", last, last), 0, "and stays there");
	is_number(count(&vm, last), 3, "all others are moved");
	write_value(&vm, last, "", "");
	is_number(count(&vm, ""), 3, "and put back");
	vm_end(&vm);
}

/* CPUs that the cgroup allows, and this machine has not. */
static void test_refused(void)
{
	struct affinity affinity;
	struct error err = {};
	char found[256];
	struct child vm;

	vm_start(&vm, "refused");
	put(&vm, "cpuset.cpus.effective", "0-8190\n");
	cpumask_print(&all, found, sizeof(found));
	affinity = affinity_of(&vm, found, NULL);
	is_number((uint64_t)-affinity_write(&affinity, "8000", &err), 1, "none can be given");
	has_text(err.message, "cannot be given CPUs 8000: Invalid argument", "which is said, of the first thread");
	is_number(err.code, EXIT_RUNTIME, "and is no want of permission");
	is_number(count(&vm, ""), 3, "all are as they were");
	ok(!affinity_is_allowed(vm.dir, "8191") && !affinity_is_allowed(vm.dir, "x"), "nor are others allowed");
	vm_end(&vm);
}

/* Of an entry's settings some are its cgroup's, and CPUs its threads': either may fail. */
static void test_entry_refused(void)
{
	struct journal journal = {};
	struct journal_entry *entry;
	struct settings wanted = {};
	struct error err = {};
	char path[PATH_MAX + 64];
	struct child vm;

	vm_start(&vm, "entry");
	put(&vm, "cpuset.cpus.effective", "0-8190\n");
	entry = journal_add(&journal, (uint32_t)vm.pid, vm.start_time_ns, "vm", &actuator_cgroup2, vm.dir);
	cpumask_print(&all, path, sizeof(path));
	settings_add(&entry->before, AFFINITY_KEY, "%s", path);
	settings_add(&wanted, AFFINITY_KEY, "8000");
	is_number((uint64_t)-entry_write(entry, &wanted, &err), 1, "CPUs that are refused");
	has_text(err.message, "cannot be given CPUs 8000", "are what is told");
	settings_add(&wanted, "cpu.max", "50000 100000");
	is_number((uint64_t)-entry_write(entry, &wanted, &err), 1, "also where the limit is set");
	has_text(err.message, "cannot be given CPUs 8000", "with the same words");
	snprintf(path, sizeof(path), "%s/cpu.max", vm.dir);
	unlink(path);
	is_number((uint64_t)-entry_write(entry, &wanted, &err), 1, "the limit is refused as well");
	has_text(err.message, "cpu.max", "which comes first");
	settings_replace(&wanted, AFFINITY_KEY, "%s", first);
	is_number((uint64_t)-entry_write(entry, &wanted, &err), 1, "and tells even if CPUs are not");
	is_number(count(&vm, first), 3, "which are set all the same");
	write_value(&vm, first, "", "");
	journal_free(&journal);
	vm_end(&vm);
}

static void test_nobody_there(void)
{
	struct affinity affinity;
	struct error err = {};
	char value[64];
	struct child vm;

	vm_start(&vm, "nobody");
	vm_end(&vm);
	affinity = affinity_of(&vm, "", first);
	is_number((uint64_t)-affinity_read(&affinity, value, sizeof(value), &err), ENOENT, "to read");
	is_number((uint64_t)-affinity_write(&affinity, first, &err), ENOENT, "to write");
	ok(affinity_write(&affinity, "x", &err) == -1, "nonsense");
	has_text(err.message, "no list", "is named");
}

/* Through the limiter: a VM for each. */
struct bench {
	struct limiter limiter;
	struct roster roster;
	struct managed managed;
	char journal[PATH_MAX];
};

static void bench_init(struct bench *bench, struct child *vm)
{
	struct error err;

	memset(bench, 0, sizeof(*bench));
	said[0] = '\0';
	bench->managed = (struct managed){
		.pid = (uint32_t)vm->pid, .start_time_ns = vm->start_time_ns, .place = vm->dir,
		.actuator = &actuator_cgroup2, .quota_ns = UINT64_MAX, .reading.quota_ns = UINT64_MAX,
	};
	bench->roster = (struct roster){ .root = test_root(), .vms = &bench->managed, .n = 1 };
	snprintf(bench->journal, sizeof(bench->journal), "%s/affinity.journal", test_root());
	ok(!limiter_open(&bench->limiter, bench->journal, hear, &err), "a limiter");
}

/* The first CPUs of the host, so many. */
static void pin(struct bench *bench, uint32_t cpus)
{
	struct manage_decision decision = {
		.pid = bench->managed.pid, .start_time_ns = bench->managed.start_time_ns, .change = true,
		.quota_ns = cpus ? 50000000 : MANAGE_UNLIMITED, .period_ns = cpus ? 100000000 : 0,
		.cpus = cpus,
	};
	struct error err = {};

	ok(!limiter_apply(&bench->limiter, &bench->roster, &decision, 1, &err), "%u CPUs", cpus);
}

static void test_limiter_pins(void)
{
	struct bench bench;
	char *journal;
	struct child vm;

	vm_start(&vm, "pinned");
	bench_init(&bench, &vm);
	pin(&bench, 1);
	is_number(count(&vm, first), 3, "pinned");
	journal = test_read(bench.journal);
	has_text(journal, "\"affinity\":\"\"", "the journal has what was found");
	free(journal);
	choose(vm.tids[1], last);
	pin(&bench, 0);
	is_number(count(&vm, ""), 2, "and no more, but for whom somebody has chosen CPUs");
	pin(&bench, 1);
	is_number(count(&vm, ""), 2, "which is why it is not pinned again");
	pin(&bench, 1);
	has_text(said, "somebody has chosen them", "and that is said");
	ok(!strstr(strstr(said, "stay as they are") + 1, "stay as they are"), "once");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	vm_end(&vm);
}

static void test_limiter_leaves_cpusets(void)
{
	struct bench bench;
	struct child vm;

	vm_start(&vm, "cpuset");
	bench_init(&bench, &vm);
	pin(&bench, 1);
	is_number(count(&vm, first), 3, "pinned");
	put(&vm, "cpuset.cpus", "0-1\n");
	pin(&bench, 2);
	is_number(count(&vm, ""), 3, "no longer, once somebody has chosen CPUs for the cgroup");
	has_text(said, "somebody has chosen them, in cpuset.cpus", "which is said");
	is_number(limiter_close(&bench.limiter), 0, "all are put back");
	vm_end(&vm);
}

/* All of a VM's threads are somebody's before the next decision, or the VM has ended. */
static void test_limiter_gives_up(void)
{
	struct bench bench;
	struct child vm;
	size_t i;

	vm_start(&vm, "given-up");
	bench_init(&bench, &vm);
	pin(&bench, 1);
	for (i = 0; i < 3; i++)
		choose(vm.tids[i], last);
	pin(&bench, 1);
	has_text(said, "somebody else has set affinity to", "it is noticed");
	is_number(count(&vm, last), 3, "and stays");
	ok(bench.managed.limited, "the quota, too");
	vm_end(&vm);
	is_number(limiter_close(&bench.limiter), 0, "and one that has ended is no failure");
}

/* The CPU controller is switched off while the VM is pinned, which no controller is needed for. */
static void test_controller_off(void)
{
	static const char *const names[] = { "cpu.max", "cpu.weight" };
	char path[PATH_MAX + 64];
	struct bench bench;
	struct child vm;
	size_t i;

	vm_start(&vm, "off");
	bench_init(&bench, &vm);
	pin(&bench, 1);
	is_number(count(&vm, first), 3, "limited and pinned");
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", vm.dir, names[i]);
		unlink(path);
	}
	is_number(limiter_close(&bench.limiter), 0, "without the CPU controller: no failure");
	is_number(count(&vm, ""), 3, "and its CPUs are put back");
	vm_end(&vm);
}

/* With one CPU, or where this program may not use all, nothing of this can be seen. */
void test_affinity(void)
{
	test_masks();
	if (!find_cpus() || !affinity_is_allowed("", first) ||
	    strtoul(first, NULL, 10) != 0)
		return;
	test_all_threads();
	test_somebody_elses();
	test_half_written();
	test_little_allowed();
	test_moved();
	test_unmovable();
	test_refused();
	test_entry_refused();
	test_nobody_there();
	test_limiter_pins();
	test_limiter_leaves_cpusets();
	test_limiter_gives_up();
	test_controller_off();
}
