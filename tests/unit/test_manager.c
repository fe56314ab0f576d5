// SPDX-License-Identifier: GPL-2.0
/*
 * The manager on a tree of files that looks like a host: which cgroup is whose,
 * what is changed, and that all is put back wherever the manager is cut off.
 */
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "actuator/actuator.h"
#include "cgroup.h"
#include "control.h"
#include "limiter.h"
#include "manager.h"
#include "notify.h"
#include "restore.h"
#include "trace.h"

#define V2 "36 25 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1 "30 25 0:26 / /sys/fs/cgroup/cpu\\054cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n" \
	   "31 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
#define FIRST_PID 1000
#define VMS 200

static char said[1 << 16];

static void hear(const char *text)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

static void put(const char *path, const char *text)
{
	test_file(path, text, strlen(text));
}

static void putf(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void putf(const char *text, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	put(path, text);
}

static const char *full(const char *path)
{
	static char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", test_root(), path);
	return name;
}

/* The first line of a file, as it is all that the kernel's files have. */
static const char *line_of(const char *path)
{
	static char line[256];
	FILE *file = fopen(full(path), "r");

	line[0] = '\0';
	if (file && fgets(line, sizeof(line), file))
		line[strcspn(line, "\n")] = '\0';
	if (file)
		fclose(file);
	return line;
}

static void look(struct cgroup *cgroup, const char *mounts, const char *path)
{
	struct cgroups cgroups;

	put("/proc/self/mountinfo", mounts);
	put("/proc/77/cgroup", path);
	is_number(cgroups_find(&cgroups, test_root()), 0, "mounts are found");
	is_number((uint64_t)-cgroup_of(&cgroups, 77, cgroup), 0, "cgroup in %s", path);
}

static void test_places(void)
{
	char place[ACTUATOR_PLACE], why[ACTUATOR_WHY];
	const struct actuator *way;
	struct cgroups cgroups;
	struct cgroup cgroup;

	put("/run/systemd/system/x", "");
	look(&cgroup, V2, "0::/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator\n");
	ok(cgroup.libvirt && cgroup.version == CGROUP_V2, "libvirt's own cgroups");
	is_text(cgroup.path, "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", "the VM as a whole");
	ok(actuator_choose(&cgroup, "uuid", place, why) == &actuator_libvirt, "by libvirt");
	ok(!actuator_choose(&cgroup, NULL, place, why), "not without a UUID");
	look(&cgroup, V2, "0::/machine/qemu-1-web.libvirt-qemu/emulator\n");
	ok(cgroup.libvirt, "also without systemd");
	look(&cgroup, V2, "0::/user.slice/user-1.slice/user@1.service/app.slice/machine-qemu-1.scope\n");
	ok(!cgroup.libvirt && !actuator_choose(&cgroup, "uuid", place, why),
	   "not where a user can name cgroups");
	look(&cgroup, V2, "0::/system.slice/docker-1.scope/machine-qemu-1.scope\n");
	ok(!cgroup.libvirt, "nor where a container can");
	look(&cgroup, V2, "0::/qemu.slice/100.scope\n");
	is_text(cgroup.unit, "100.scope", "a unit's own cgroup");
	ok(!cgroup.below_unit, "not below");
	way = actuator_choose(&cgroup, NULL, place, why);
	ok(way == actuator_by_name("systemd"), "is limited by systemd: %s", why);
	is_text(way ? place : cgroup.unit, "100.scope", "by its name");
	look(&cgroup, V2, "0::/system.slice/vmm.service/vm1\n");
	ok(cgroup.below_unit && !cgroup.delegated, "below a unit that was not handed over");
	ok(!actuator_choose(&cgroup, NULL, place, why), "is left alone");
	has_text(why, "Delegate=yes", "with what to do");
	put("/sys/fs/cgroup/system.slice/vmm.service/vm1/cpu.max", "max 100000\n");
	if (!setxattr(full("/sys/fs/cgroup/system.slice/vmm.service"), "user.delegate", "1", 1, 0)) {
		look(&cgroup, V2, "0::/system.slice/vmm.service/vm1\n");
		ok(actuator_choose(&cgroup, NULL, place, why) == &actuator_cgroup2,
		   "files of a subtree that was handed over");
	}
	look(&cgroup, V2, "0::/user.slice/user-1.slice/user@1.service/app.slice/vm.scope\n");
	ok(!actuator_choose(&cgroup, NULL, place, why), "a user's own systemd");
	has_text(why, "user", "is named as the owner");
	look(&cgroup, V2, "0::/machine.slice/systemd-nspawn@c.service/payload/system.slice/vm.service\n");
	is_text(cgroup.unit, "systemd-nspawn@c.service", "the machine's unit, not the container's");
	ok(!actuator_choose(&cgroup, NULL, place, why), "whose own systemd has made the VM's cgroup");
	look(&cgroup, V2, "0::/lxc.payload.c1/system.slice/sshd.service\n");
	ok(!actuator_choose(&cgroup, NULL, place, why), "not the machine's unit that a container's is named after");
	has_text(why, "lxc.payload.c1", "whose it is instead");
	look(&cgroup, V2, "0::/lxc.payload.c1/machine.slice/machine-qemu-1-x.scope/libvirt/emulator\n");
	ok(!cgroup.libvirt && !actuator_choose(&cgroup, "uuid", place, why),
	   "nor the machine's libvirt, of a container's domain");
	look(&cgroup, V2, "0::/machine/prod.partition/qemu-1-web.libvirt-qemu/emulator\n");
	ok(cgroup.libvirt, "but of one in a partition of its own");
	look(&cgroup, V1, "4:cpu,cpuacct:/system/prod.partition/qemu-1-web.libvirt-qemu/emulator\n1:name=systemd:/\n");
	ok(cgroup.libvirt, "below whatever libvirt has it");
	look(&cgroup, V1, "4:cpu,cpuacct:/vm.prod/qemu-1-web.libvirt-qemu/emulator\n1:name=systemd:/\n");
	ok(!cgroup.libvirt && !actuator_choose(&cgroup, "uuid", place, why),
	   "a machine that may be a container's is left alone, with its threads");
	put("/sys/fs/cgroup/vms/\xff/cpu.max", "max 100000\n");
	look(&cgroup, V2, "0::/vms/\xff\n");
	ok(!actuator_choose(&cgroup, NULL, place, why), "a name that the journal cannot have");
	has_text(why, "UTF-8", "for that reason");
	look(&cgroup, V2, "0::/\n");
	ok(!actuator_choose(&cgroup, NULL, place, why), "the root cannot be limited");
	look(&cgroup, V1, "4:cpu,cpuacct:/vms/a\n1:name=systemd:/\n0::/\n");
	ok(cgroup.version == CGROUP_V1, "the CPU controller's own hierarchy");
	has_text(cgroup.dir, "/sys/fs/cgroup/cpu,cpuacct/vms/a", "at its mount point");
	look(&cgroup, V1 V2, "4:cpu,cpuacct:/\n1:name=systemd:/a.slice/vm.service\n0::/a.slice/vm.service\n");
	is_text(cgroup.unit, "vm.service", "both at once: systemd's hierarchy has the unit");
	ok(cgroup.version == CGROUP_V1, "the other one the controller");
	put("/proc/self/mountinfo", V2);
	cgroups_find(&cgroups, test_root());
	is_number((uint64_t)-cgroup_of(&cgroups, 78, &cgroup), ESRCH, "no such process");
	put("/proc/77/cgroup", "0::/../../other\n");
	is_number((uint64_t)-cgroup_of(&cgroups, 77, &cgroup), ENOENT, "outside of what is seen");
	unlink(full("/run/systemd/system/x"));
	rmdir(full("/run/systemd/system"));
}

/* In a container, or below a bind mount: paths are of the whole hierarchy, files of a part. */
static void test_part_of_hierarchy(void)
{
	static const char part[] = "36 25 0:30 /pod/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
	static const char *const outside[] = { "0::/pod/xyz\n", "0::/pod\n", "0::/\n" };
	char place[ACTUATOR_PLACE], why[ACTUATOR_WHY], wanted[PATH_MAX];
	struct cgroups cgroups;
	struct cgroup cgroup;
	size_t i;

	put("/sys/fs/cgroup/vms/a/cpu.max", "max 100000\n");
	look(&cgroup, part, "0::/pod/x/vms/a\n");
	is_text(cgroup.path, "/pod/x/vms/a", "the path in the hierarchy");
	ok(actuator_choose(&cgroup, NULL, place, why) == &actuator_cgroup2, "limited by files: %s", why);
	snprintf(wanted, sizeof(wanted), "%s/sys/fs/cgroup/vms/a", test_root());
	is_text(place, wanted, "which are below the mount");
	look(&cgroup, part, "0::/pod/x\n");
	snprintf(wanted, sizeof(wanted), "%s/sys/fs/cgroup", test_root());
	is_text(cgroup.dir, wanted, "the mount itself");
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		put("/proc/77/cgroup", outside[i]);
		cgroups_find(&cgroups, test_root());
		is_number((uint64_t)-cgroup_of(&cgroups, 77, &cgroup), ENOENT, "outside of it: %s", outside[i]);
	}
}

/* Lines that are not understood are passed over; the first of two mounts is taken. */
static void test_odd_lines(void)
{
	char path[CGROUP_PATH + 16];
	struct cgroups cgroups;
	struct cgroup cgroup;

	look(&cgroup, "1 2 3 4\n36 25 - cgroup2 cgroup2 rw\n36 25 0:30 / /none rw - cgroup2\n"
	     "36 25 0:30 / /none rw - tmpfs tmpfs rw\n" V2 "36 25 0:30 / /later rw - cgroup2 cgroup2 rw\n",
	     "nonsense\n1:no-end\n0::/vms/a\n");
	has_text(cgroup.dir, "/sys/fs/cgroup/vms/a", "the whole line among them");
	put("/proc/self/mountinfo", "");
	ok(!cgroups_find(&cgroups, test_root()), "no mounts at all");
	is_number((uint64_t)-cgroup_of(&cgroups, 77, &cgroup), ENOENT, "are no place");
	put("/proc/self/mountinfo", V2);
	cgroups_find(&cgroups, test_root());
	memset(path, 'x', sizeof(path));
	memcpy(path, "0::/", 4);
	test_file("/proc/77/cgroup", path, sizeof(path));
	is_number((uint64_t)-cgroup_of(&cgroups, 77, &cgroup), ENOENT, "nor is a path that is too long");
}

/* A VM in a cgroup of its own, with no limits. */
static void make_vm(unsigned int i)
{
	char text[128];

	snprintf(text, sizeof(text), "0::/vms/%u\n", i);
	putf(text, "/proc/%u/cgroup", FIRST_PID + i);
	snprintf(text, sizeof(text), "%u (vmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0\n",
		 FIRST_PID + i, 500 + i);
	putf(text, "/proc/%u/stat", FIRST_PID + i);
	snprintf(text, sizeof(text), "%u\n", FIRST_PID + i);
	putf(text, "/sys/fs/cgroup/vms/%u/cgroup.procs", i);
	putf("max 100000\n", "/sys/fs/cgroup/vms/%u/cpu.max", i);
	putf("0\n", "/sys/fs/cgroup/vms/%u/cpu.max.burst", i);
	putf("100\n", "/sys/fs/cgroup/vms/%u/cpu.weight", i);
	putf("usage_usec 5\nthrottled_usec 0\n", "/sys/fs/cgroup/vms/%u/cpu.stat", i);
}

static void make_host(unsigned int vms)
{
	unsigned int i;

	put("/proc/self/mountinfo", V2);
	put("/proc/uptime", "1000.00 10.00\n");
	for (i = 0; i < vms; i++)
		make_vm(i);
}

static bool as_found(unsigned int i)
{
	char path[64];
	bool good = true;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/vms/%u/cpu.max", i);
	good &= !strcmp(line_of(path), "max 100000");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/vms/%u/cpu.max.burst", i);
	good &= !strcmp(line_of(path), "0");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/vms/%u/cpu.weight", i);
	return good && !strcmp(line_of(path), "100");
}

static unsigned int count_found(unsigned int vms)
{
	unsigned int found = 0, i;

	for (i = 0; i < vms; i++)
		found += as_found(i);
	return found;
}

/* Counters as the module would give them: one vCPU and one other thread a VM. */
struct host {
	unsigned int vms;
	uint64_t time_ns, run_ns, ready_ns;
	bool gone;
};

static int read_host(void *data, struct cpu *cpu, struct error *err)
{
	struct host *host = data;
	unsigned int i, vcpu;

	if (host->gone)
		return error_set(err, EXIT_SUPPORT, "the module has gone");
	memset(cpu, 0, sizeof(*cpu));
	cpu->taken_ns = host->time_ns;
	for (i = 0; i < host->vms; i++) {
		for (vcpu = 0; vcpu < 2; vcpu++) {
			struct thread *thread = cpu_add_thread(cpu);

			thread->pid = FIRST_PID + i;
			thread->tid = FIRST_PID + i + 100000 * vcpu;
			thread->kind = vcpu ? THREAD_VCPU : THREAD_VMM;
			facts_set(&thread->counters.facts, THREAD_RUN_NS, vcpu ? host->run_ns : 1000);
			facts_set(&thread->counters.facts, THREAD_READY_NS, host->ready_ns);
		}
	}
	cpu_sort(cpu);
	return 0;
}

static char *journal_path(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/journal", test_root());
	return path;
}

static void ignore_vm(struct managed *vm, void *data)
{
	(void)vm;
	(void)data;
}

static void fill_roster(struct roster *roster, unsigned int vms)
{
	struct roster_events events = { ignore_vm, ignore_vm, NULL };
	struct host host = { .vms = vms, .time_ns = 1 };
	struct error err;
	struct cpu cpu;

	roster_init(roster, test_root(), &err);
	read_host(&host, &cpu, &err);
	roster_update(roster, &cpu, &events, &err);
	cpu_free(&cpu);
}

/* The same for each VM: a quota in thousandths of a period of 100 ms; 0: as found. */
static int apply(struct limiter *limiter, struct roster *roster, unsigned int permille,
		 uint32_t weight)
{
	struct manage_decision decisions[VMS] = {};
	struct error err = {};
	size_t i;

	for (i = 0; i < roster->n; i++) {
		struct manage_decision *decision = &decisions[i];

		decision->pid = roster->vms[i].pid;
		decision->start_time_ns = roster->vms[i].start_time_ns;
		decision->change = true;
		decision->quota_ns = permille ? permille * 100000ull : MANAGE_UNLIMITED;
		decision->period_ns = permille ? 100000000 : 0;
		decision->burst_ns = decision->quota_ns / 10 * (permille != 0);
		decision->weight = weight;
	}
	return limiter_apply(limiter, roster, decisions, roster->n, &err);
}

static void test_limits(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;
	char *journal;

	make_host(3);
	put("/sys/fs/cgroup/vms/1/cpu.weight", "250\n");
	fill_roster(&roster, 3);
	is_number(roster.n, 3, "VMs are followed");
	ok(!limiter_open(&limiter, journal_path(), hear, &err), "no journal is an empty one");
	is_number((uint64_t)apply(&limiter, &roster, 500, 300), 0, "limits are set");
	is_text(line_of("/sys/fs/cgroup/vms/0/cpu.max"), "50000 100000", "quota and period");
	is_text(line_of("/sys/fs/cgroup/vms/0/cpu.max.burst"), "5000", "burst");
	is_text(line_of("/sys/fs/cgroup/vms/0/cpu.weight"), "300", "weight");
	is_text(line_of("/sys/fs/cgroup/vms/1/cpu.weight"), "250", "a weight that was chosen stays");
	journal = test_read(journal_path());
	has_text(journal, "\"cpu.max\":\"max 100000\"", "the journal has what was found");
	free(journal);
	apply(&limiter, &roster, 0, 0);
	ok(as_found(0) && as_found(2), "an unlimited VM is as it was found");
	apply(&limiter, &roster, 250, 0);
	is_number(limiter_close(&limiter), 0, "all are put back");
	ok(as_found(0) && as_found(2), "as they were found");
	ok(access(journal_path(), F_OK), "and the journal is gone");
	roster_free(&roster);
}

static void see(struct roster *roster, unsigned int vms)
{
	struct roster_events events = { ignore_vm, ignore_vm, NULL };
	struct host host = { .vms = vms, .time_ns = 1 };
	struct error err;
	struct cpu cpu;

	read_host(&host, &cpu, &err);
	roster_update(roster, &cpu, &events, &err);
	cpu_free(&cpu);
}

#define IN_V1 "/sys/fs/cgroup/cpu,cpuacct/vms/0/"

/* The CPU controller in a hierarchy of its own, with its other names and units. */
static void test_limits_of_v1(void)
{
	static const char *const files[][3] = {		/* as found, and with half a CPU */
		{ "cpu.cfs_quota_us", "-1", "50000" }, { "cpu.cfs_period_us", "100000", "100000" },
		{ "cpu.cfs_burst_us", "0", "5000" }, { "cpu.shares", "1024", "3072" },
	};
	struct limiter limiter;
	struct roster roster;
	struct error err;
	char path[96];
	size_t i;

	make_host(1);
	put("/proc/self/mountinfo", V1);
	put("/proc/1000/cgroup", "4:cpu,cpuacct:/vms/0\n1:name=systemd:/\n");
	put(IN_V1 "cgroup.procs", "1000\n");
	put(IN_V1 "cpu.stat", "nr_throttled 1\nthrottled_time 7000\n");
	for (i = 0; i < 4; i++)
		putf(files[i][1], IN_V1 "%s", files[i][0]);
	fill_roster(&roster, 1);
	ok(roster.vms[0].reading.quota_ns == UINT64_MAX, "there is no quota: %s", roster.vms[0].why);
	limiter_open(&limiter, journal_path(), hear, &err);
	apply(&limiter, &roster, 500, 300);
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), IN_V1 "%s", files[i][0]);
		is_text(line_of(path), files[i][2], "limited: %s", files[i][0]);
	}
	see(&roster, 1);
	is_number(roster.vms[0].reading.quota_ns, 50000000, "which is seen");
	is_number(roster.vms[0].reading.period_ns, 100000000, "with its period");
	is_number(roster.vms[0].reading.throttled_ns, 7000, "and nanoseconds of throttling");
	is_number(limiter_close(&limiter), 0, "all are put back");
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), IN_V1 "%s", files[i][0]);
		is_text(line_of(path), files[i][1], "put back: %s", files[i][0]);
	}
	roster_free(&roster);
}

/* Whoever has been given the VM's cgroup can make as many below it as they like. */
static void test_too_many_below(void)
{
	struct roster roster;
	char path[64];
	unsigned int i;

	make_host(1);
	for (i = 0; i < 1001; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/vms/0/%u", i);
		mkdir(full(path), 0755);
	}
	fill_roster(&roster, 1);
	has_text(roster.vms[0].why, "more cgroups below its own than are looked into",
		 "which is no reason to look without end");
	roster_free(&roster);
	for (i = 0; i < 1001; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/vms/0/%u", i);
		rmdir(full(path));
	}
}

static void update(struct roster *roster, struct limiter *limiter, unsigned int vms)
{
	see(roster, vms);
	limiter_check(limiter, roster);
}

/* Somebody else writes a quota: before we come, while we are there, or removes the cgroup. */
static void test_others(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;

	make_host(4);
	put("/sys/fs/cgroup/vms/1/cpu.max", "70000 100000\n");
	putf("1002\n4242\n", "/sys/fs/cgroup/vms/2/cgroup.procs");
	fill_roster(&roster, 4);
	has_text(roster.vms[2].why, "4242", "another process in the cgroup is named");
	said[0] = '\0';
	limiter_open(&limiter, journal_path(), hear, &err);
	apply(&limiter, &roster, 500, 0);
	is_text(line_of("/sys/fs/cgroup/vms/1/cpu.max"), "70000 100000", "limits of others stay");
	has_text(said, "somebody else", "and are named");
	is_text(line_of("/sys/fs/cgroup/vms/2/cpu.max"), "max 100000", "company is not limited");
	update(&roster, &limiter, 4);
	put("/sys/fs/cgroup/vms/0/cpu.max", "33000 100000\n");
	update(&roster, &limiter, 4);
	has_text(said, "cpu.max to 33000 100000", "a quota written meanwhile is noticed");
	apply(&limiter, &roster, 250, 0);
	is_text(line_of("/sys/fs/cgroup/vms/0/cpu.max"), "33000 100000", "and let go");
	is_text(line_of("/sys/fs/cgroup/vms/0/cpu.max.burst"), "0", "what was ours is put back");
	unlink(full("/sys/fs/cgroup/vms/3/cpu.max"));
	unlink(full("/sys/fs/cgroup/vms/3/cpu.weight"));
	apply(&limiter, &roster, 100, 0);
	is_number(limiter_close(&limiter), 0, "a cgroup that vanished is no failure");
	is_text(line_of("/sys/fs/cgroup/vms/1/cpu.max"), "70000 100000", "nor is that of others");
	roster_free(&roster);
}

/* The VM is moved while it is limited: what was limited is put back, what is new limited. */
static void test_moved(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;
	unsigned int i;

	make_host(2);
	fill_roster(&roster, 1);
	said[0] = '\0';
	limiter_open(&limiter, journal_path(), hear, &err);
	apply(&limiter, &roster, 500, 0);
	put("/proc/1000/cgroup", "0::/vms/1\n");
	put("/sys/fs/cgroup/vms/1/cgroup.procs", "1000\n");
	for (i = 0; i < 10; i++)
		update(&roster, &limiter, 1);
	has_text(said, "another cgroup", "it is noticed");
	ok(as_found(0), "where it was is as it was found");
	apply(&limiter, &roster, 250, 0);
	is_text(line_of("/sys/fs/cgroup/vms/1/cpu.max"), "25000 100000", "where it is has the limit");
	is_number(limiter_close(&limiter), 0, "all are put back");
	is_number(count_found(2), 2, "in both places");
	roster_free(&roster);
}

/* It is moved, and another process takes its place, before the next limit is due. */
static void test_moved_unnoticed(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;

	make_host(2);
	fill_roster(&roster, 1);
	said[0] = '\0';
	limiter_open(&limiter, journal_path(), hear, &err);
	put("/proc/1000/cgroup", "0::/vms/1\n");
	put("/sys/fs/cgroup/vms/0/cgroup.procs", "4242\n");
	put("/sys/fs/cgroup/vms/1/cgroup.procs", "1000\n");
	apply(&limiter, &roster, 500, 0);
	ok(as_found(0), "what it has left before its first limit is not touched");
	update(&roster, &limiter, 1);
	apply(&limiter, &roster, 500, 0);
	is_text(line_of("/sys/fs/cgroup/vms/1/cpu.max"), "50000 100000", "but where it is, next time");
	put("/proc/1000/cgroup", "0::/vms/0\n");
	apply(&limiter, &roster, 250, 0);
	is_text(line_of("/sys/fs/cgroup/vms/1/cpu.max"), "50000 100000",
		"nothing new is written where it was");
	update(&roster, &limiter, 1);
	ok(as_found(1), "and what was is put back");
	is_number(limiter_close(&limiter), 0, "all are put back");
	roster_free(&roster);
}

/* A new VM with the pid of one that has ended, of whose end nobody has told yet. */
static void test_pid_again(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;

	make_host(1);
	fill_roster(&roster, 1);
	limiter_open(&limiter, journal_path(), hear, &err);
	is_number(roster.vms[0].start_time_ns, 5000000000, "it began after five seconds");
	put("/proc/1000/stat", "1000 (vmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 700 0 0\n");
	see(&roster, 1);
	is_number(roster.n, 1, "there is one VM");
	is_number(roster.vms[0].start_time_ns, 7000000000, "and that is the new one");
	is_number(limiter_close(&limiter), 0, "nothing is left");
	roster_free(&roster);
}

/* Other processes in cgroups below the VM's, where its limits hold too. */
static void test_company_below(void)
{
	struct roster roster;

	make_host(3);
	put("/sys/fs/cgroup/vms/0/below/more/cgroup.procs", "4242\n");
	put("/sys/fs/cgroup/vms/1/below/cgroup.procs", "1001\n");
	unlink(full("/sys/fs/cgroup/vms/2/cgroup.procs"));
	put("/sys/fs/cgroup/vms/2/cgroup.procs/no-file", "");
	fill_roster(&roster, 3);
	has_text(roster.vms[0].why, "4242", "a process in a cgroup below is company");
	is_text(roster.vms[1].why, "", "what is its own is not");
	has_text(roster.vms[2].why, "cannot read who else", "nor is it alone where that cannot be told");
	roster_free(&roster);
	unlink(full("/sys/fs/cgroup/vms/0/below/more/cgroup.procs"));
	unlink(full("/sys/fs/cgroup/vms/1/below/cgroup.procs"));
	unlink(full("/sys/fs/cgroup/vms/2/cgroup.procs/no-file"));
	rmdir(full("/sys/fs/cgroup/vms/2/cgroup.procs"));
}

/* Somebody else's process comes into the cgroup, and goes. */
static void test_company(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;
	unsigned int i;

	make_host(1);
	fill_roster(&roster, 1);
	said[0] = '\0';
	limiter_open(&limiter, journal_path(), hear, &err);
	apply(&limiter, &roster, 500, 0);
	put("/sys/fs/cgroup/vms/0/cgroup.procs", "1000\n4242\n");
	for (i = 0; i < 10; i++)
		update(&roster, &limiter, 1);
	ok(as_found(0), "limits are put back when others are there");
	has_text(said, "4242", "who is named");
	apply(&limiter, &roster, 250, 0);
	ok(as_found(0), "and stay so");
	put("/sys/fs/cgroup/vms/0/cgroup.procs", "1000\n");
	for (i = 0; i < 10; i++)
		update(&roster, &limiter, 1);
	apply(&limiter, &roster, 250, 0);
	is_text(line_of("/sys/fs/cgroup/vms/0/cpu.max"), "25000 100000", "until it is alone again");
	is_number(limiter_close(&limiter), 0, "all are put back");
	roster_free(&roster);
}

/* A VM of libvirt's that is seen before the cgroup of its vCPU is there. */
static void test_late_vcpu(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;
	unsigned int i;

	make_host(1);
	put("/proc/1000/cgroup", "0::/machine.slice/machine-qemu\\x2d1.scope/libvirt/emulator\n");
	fill_roster(&roster, 1);
	limiter_open(&limiter, journal_path(), hear, &err);
	is_number(roster.vms[0].reading.throttled_ns, 0, "nothing to be read yet");
	put("/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1.scope/libvirt/vcpu0/cpu.stat",
	    "throttled_usec 7\n");
	put("/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1.scope/libvirt/vcpu0/cpu.max",
	    "5000 100000\n");
	for (i = 0; i < 10; i++)
		update(&roster, &limiter, 1);
	is_number(roster.vms[0].reading.throttled_ns, 7000, "it is looked for again");
	is_number(roster.vms[0].reading.quota_ns, 5000000, "with its quota");
	limiter_close(&limiter);
	roster_free(&roster);
}

/* systemd turns the CPU controller on for a unit with the first limit that it has there. */
static void test_late_controller(void)
{
	struct roster roster;
	unsigned int i;

	make_host(2);
	put("/proc/1000/cgroup", "0::/system.slice/vm.service\n");
	put("/sys/fs/cgroup/system.slice/vm.service/cpu.stat", "usage_usec 1\n");
	put("/proc/1001/cgroup", "0::/system.slice/vm.scope\n");
	put("/sys/fs/cgroup/system.slice/vm.scope/cpu.stat", "usage_usec 1\n");
	fill_roster(&roster, 2);
	ok(roster.vms[0].reading.quota_ns == UINT64_MAX, "without the controller there is no quota");
	put("/sys/fs/cgroup/system.slice/vm.service/cpu.max", "20000 100000\n");
	put("/sys/fs/cgroup/system.slice/vm.scope/cpu.max", "30000 100000\n");
	roster.vms[1].limited = true;
	see(&roster, 2);
	is_number(roster.vms[1].reading.quota_ns, 30000000, "a limit of ours is seen at the next check");
	for (i = 0; i < 10; i++)
		see(&roster, 2);
	is_number(roster.vms[0].reading.quota_ns, 20000000, "the controller comes, and with it a quota");
	roster_free(&roster);
}

/* vCPUs that were runnable for so long. */
static void take_vcpus(struct roster *roster, const uint64_t *ready_ns, unsigned int n)
{
	struct roster_events events = { ignore_vm, ignore_vm, NULL };
	struct cpu cpu = {};
	struct error err;
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct thread *thread = cpu_add_thread(&cpu);

		thread->pid = FIRST_PID;
		thread->tid = FIRST_PID + i;
		thread->kind = THREAD_VCPU;
		facts_set(&thread->counters.facts, THREAD_READY_NS, ready_ns[i]);
	}
	roster_update(roster, &cpu, &events, &err);
	cpu_free(&cpu);
}

/* A vCPU is taken away, and the VM goes to a cgroup that has not throttled it yet. */
static void test_counters_grow(void)
{
	struct roster roster;
	struct error err;
	unsigned int i;

	make_host(2);
	roster_init(&roster, test_root(), &err);
	take_vcpus(&roster, (const uint64_t[]){ 1000, 1000 }, 2);
	take_vcpus(&roster, (const uint64_t[]){ 1500 }, 1);
	is_number(roster.vms[0].totals.ready_ns, 2000, "what has been waited does not shrink");
	take_vcpus(&roster, (const uint64_t[]){ 1600 }, 1);
	is_number(roster.vms[0].totals.ready_ns, 2100, "and what the others wait is added");
	put("/sys/fs/cgroup/vms/0/cpu.max", "5000 100000\n");
	put("/sys/fs/cgroup/vms/0/cpu.stat", "throttled_usec 900\n");
	take_vcpus(&roster, (const uint64_t[]){ 1600 }, 1);
	is_number(roster.vms[0].totals.throttled_ns, 900000, "throttled by its cgroup");
	put("/proc/1000/cgroup", "0::/vms/1\n");
	put("/sys/fs/cgroup/vms/1/cgroup.procs", "1000\n");
	put("/sys/fs/cgroup/vms/1/cpu.max", "5000 100000\n");
	put("/sys/fs/cgroup/vms/1/cpu.stat", "throttled_usec 5\n");
	for (i = 0; i < 10; i++)
		take_vcpus(&roster, (const uint64_t[]){ 1600 }, 1);
	put("/sys/fs/cgroup/vms/1/cpu.stat", "throttled_usec 25\n");
	take_vcpus(&roster, (const uint64_t[]){ 1600 }, 1);
	is_number(roster.vms[0].totals.throttled_ns, 920000, "and by another one");
	put("/sys/fs/cgroup/vms/1/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/vms/1/cpu.stat", "throttled_usec 26\n");
	take_vcpus(&roster, (const uint64_t[]){ 1600 }, 1);
	is_number(roster.vms[0].totals.throttled_ns, 921000, "and until its quota was taken away");
	take_vcpus(&roster, (const uint64_t[]){ 1600 }, 1);
	is_number(roster.vms[0].totals.throttled_ns, 921000, "without one no longer");
	roster_free(&roster);
}

/* KVM and vhost start threads of the kernel in the cgroup of the VM that they work for. */
static void test_kernel_company(void)
{
	struct roster roster;

	make_host(1);
	put("/sys/fs/cgroup/vms/0/cgroup.procs", "1000\n4242\n");
	put("/proc/4242/comm", "kvm-nx-lpage-re\n");
	put("/proc/4242/stat", "4242 (kvm-nx-lpage-re) S 2 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 600 0 0\n");
	fill_roster(&roster, 1);
	is_text(roster.vms[0].why, "", "a thread of the kernel is no stranger");
	roster_free(&roster);
	put("/proc/4242/stat", "4242 (kvm-nx-lpage-re) S 1 0 0 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 600 0 0\n");
	fill_roster(&roster, 1);
	has_text(roster.vms[0].why, "4242", "whose name a process has is one");
	roster_free(&roster);
}

static void leave_journal(const char *text, const char *what)
{
	struct limiter limiter;
	struct error err = {};

	put("/journal", text);
	is_number((uint64_t)(limiter_open(&limiter, journal_path(), hear, &err) + 2), 1, "%s: refused",
		  what);
	has_text(err.message, "journal", "with its name");
	unlink(journal_path());
}

#define ENTRY(pid, start, found) "{\"version\":1,\"vms\":[{\"pid\":" pid ",\"start_time_ns\":" start \
	",\"actuator\":\"cgroup2\",\"place\":\"/x\",\"found\":" found ",\"before\":{},\"next\":{}}]}"

/* What is put back is the whole of it or nothing. */
static void leave_long_value(void)
{
	char text[SETTING_VALUE + 256], value[SETTING_VALUE + 1];

	memset(value, '1', SETTING_VALUE);
	value[SETTING_VALUE] = '\0';
	snprintf(text, sizeof(text), ENTRY("5", "1", "{\"a\":\"%s\"}"), value);
	leave_journal(text, "a value that is too long");
}

static void leave_no_file(void)
{
	struct limiter limiter;
	struct error err = {};

	mkdir(journal_path(), 0700);
	ok(limiter_open(&limiter, journal_path(), hear, &err), "what is no file is no journal");
	has_text(err.message, "journal: Is a directory", "with the reason");
	rmdir(journal_path());
}

/* Its first part alone would be another place, without the setting's name behind it. */
static void leave_long_place(void)
{
	char text[ACTUATOR_PLACE + 256], place[ACTUATOR_PLACE + 1];

	memset(place, '/', ACTUATOR_PLACE);
	place[ACTUATOR_PLACE] = '\0';
	snprintf(text, sizeof(text),
		 "{\"version\":1,\"vms\":[{\"pid\":5,\"start_time_ns\":1,\"actuator\":\"cgroup2\","
		 "\"place\":\"%s\",\"found\":{},\"before\":{},\"next\":{}}]}", place);
	leave_journal(text, "a place that is too long");
}

static void test_bad_journals(void)
{
	leave_journal("", "empty");
	leave_journal("{\"version\":2,\"vms\":[]}", "another version");
	leave_journal("{\"version\":1,\"vms\":[{\"pid\":5}]}", "an entry without a place");
	leave_journal("{\"version\":1,\"vms\":[{\"pid\":5,\"start_time_ns\":1,\"actuator\":\"cgroup2\","
		      "\"place\":\"/x\",\"found\":{\"../../etc\":\"1\"},\"before\":{},\"next\":{}}]}",
		      "a setting that is no name");
	leave_journal("{\"version\":1,\"vms\":[{\"pid\":5,\"start_time_ns\":1,\"actuator\":\"magic\","
		      "\"place\":\"/x\",\"found\":{},\"before\":{},\"next\":{}}]}", "an unknown way");
	leave_journal("{\"version\":1,\"vms\":{}}", "VMs that are no list");
	leave_journal("{\"version\":1,\"vms\":[7]}", "a VM that is none");
	leave_journal(ENTRY("-5", "1", "{}"), "a pid that is none");
	leave_journal(ENTRY("4294967301", "1", "{}"), "a pid that would be another's");
	leave_journal(ENTRY("5", "-1", "{}"), "a time before the machine's start");
	leave_journal(ENTRY("5", "1", "[]"), "settings that are a list");
	leave_journal(ENTRY("5", "1", "{\"a\":7}"), "a setting that is no text");
	leave_journal(ENTRY("5", "1", "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\","
		      "\"f\":\"\"}"), "too many settings");
	leave_journal(ENTRY("5", "1", "{\"a-name-longer-than-any-setting-has\":\"\"}"),
		      "a name that is too long");
	leave_long_value();
	leave_long_place();
	leave_no_file();
}

static void ignore_text(const char *text)
{
	(void)text;
}

/* Everything that changes limits, in a process of its own that is cut off somewhere. */
static void live(void)
{
	struct limiter limiter;
	struct roster roster;
	struct error err;

	fill_roster(&roster, 2);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	if (limiter_open(&limiter, journal_path(), ignore_text, &err))
		_exit(1);
	apply(&limiter, &roster, 500, 300);
	apply(&limiter, &roster, 0, 0);
	apply(&limiter, &roster, 900, 0);
	_exit(limiter_close(&limiter) ? 1 : 0);
}

/* Kills it at its n-th system call, before that happens; false if it ended earlier. */
static bool kill_at(unsigned int n)
{
	pid_t child = fork();
	unsigned int i;
	int status;

	if (!child)
		live();
	waitpid(child, &status, 0);
	for (i = 1; i < 2 * n && WIFSTOPPED(status); i++) {
		ptrace(PTRACE_SYSCALL, child, NULL, NULL);
		waitpid(child, &status, 0);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return true;
}

static void test_kill_anywhere(void)
{
	unsigned int n = 0, wrong = 0, changed = 0, failed = 0;
	struct limiter limiter;
	struct error err;
	bool killed;

	fflush(stdout);
	do {
		make_host(2);
		unlink(journal_path());
		killed = kill_at(++n);
		changed += count_found(2) != 2;
		failed += limiter_open(&limiter, journal_path(), ignore_text, &err) != 0 ||
			  limiter_close(&limiter);
		wrong += count_found(2) != 2 || !access(journal_path(), F_OK);
	} while (killed);
	ok(n > 100, "killed at %u places", n - 1);
	ok(changed > 20, "limits were changed at %u of them", changed);
	is_number(failed, 0, "no journal was unreadable");
	is_number(wrong, 0, "limits are as they were found, always");
}

static void test_many(void)
{
	struct host host = { .vms = VMS, .time_ns = 1000000000 };
	struct manager_options options = {
		.root = test_root(), .journal = journal_path(), .apply = true, .say = hear,
		.source = { read_host, &host },
	};
	struct manager manager;
	struct error err = {};
	unsigned int i, limited = 0;
	json_t *status;

	make_host(VMS);
	unlink(journal_path());
	said[0] = '\0';
	manage_options_init(&options.policy);
	options.policy.policy = MANAGE_PUBLISHED;
	options.policy.beta = 0;
	options.policy.alpha_permille = 10;
	options.out = fopen("/dev/null", "w");
	ok(!manager_open(&manager, &options, &err), "a manager of %u VMs", VMS);
	for (i = 0; i < 8; i++) {
		ok(!manager_check(&manager, &err), "check %u: %s", i, err.message);
		host.time_ns += 1000000000;
		host.run_ns += i < 4 ? 50000000 : 100000;
		limited = VMS - count_found(VMS) > limited ? VMS - count_found(VMS) : limited;
	}
	status = manager_status(&manager);
	is_number(json_array_size(json_object_get(status, "vms")), VMS, "the status has all VMs");
	json_decref(status);
	ok(limited > 0, "%u had limits", limited);
	host.gone = true;
	is_number((uint64_t)(manager_check(&manager, &err) + 2), 1, "the module goes");
	is_number(err.code, EXIT_SUPPORT, "which is told from other errors");
	is_number(manager_close(&manager), 0, "all limits are put back");
	is_number(count_found(VMS), VMS, "in all VMs");
	manage_options_free(&options.policy);
	fclose(options.out);
}

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Its limits of before cannot be put back, so that it gets no others for now. */
static void test_said_once(void)
{
	struct host host = { .vms = 1, .time_ns = 1000000000 };
	struct manager_options options = {
		.root = test_root(), .journal = journal_path(), .apply = true, .say = hear,
		.source = { read_host, &host },
	};
	char journal[PATH_MAX + 256], *text = NULL;
	struct manager manager;
	struct error err = {};
	unsigned int i;
	size_t size;

	make_host(1);
	snprintf(journal, sizeof(journal),
		 "{\"version\":1,\"vms\":[{\"pid\":1000,\"start_time_ns\":5000000000,\"actuator\":\"cgroup2\","
		 "\"place\":\"%s/stuck\",\"found\":{},\"before\":{},\"next\":{}}]}", test_root());
	put("/journal", journal);
	put("/stuck/cpu.max/x", "");
	said[0] = '\0';
	manage_options_init(&options.policy);
	options.policy.policy = MANAGE_PUBLISHED;
	options.policy.beta = 0;
	options.policy.alpha_permille = 10;
	options.out = open_memstream(&text, &size);
	manager_open(&manager, &options, &err);
	for (i = 0; i < 6; i++) {
		manager_check(&manager, &err);
		host.time_ns += 1000000000;
		host.run_ns += 50000000;
	}
	ok(as_found(0), "a VM whose limits are still to be put back is not limited");
	fclose(options.out);
	is_number(count_lines(text), 2, "seen, and a class: said once each");
	is_number(count_lines(said), 3, "and so is what could not be put back");
	options.out = stderr;
	is_number(manager_close(&manager), 1, "which stays");
	free(text);
	unlink(journal_path());
	manage_options_free(&options.policy);
}

/* A manager of one VM that only observes, by an algorithm that soon wants a quota. */
struct observer {
	struct host host;
	struct manager_options options;
	struct manager manager;
	char *text;			/* what it has said of its decisions */
	size_t size;
};

static void observe(struct observer *observer, bool json)
{
	struct error err = {};

	make_host(2);
	observer->text = NULL;
	observer->host = (struct host){ .vms = 1, .time_ns = 1000000000 };
	observer->options = (struct manager_options){
		.root = test_root(), .say = hear, .json = json, .source = { read_host, &observer->host },
	};
	manage_options_init(&observer->options.policy);
	observer->options.policy.policy = MANAGE_PUBLISHED;
	observer->options.policy.beta = 0;
	observer->options.policy.alpha_permille = 10;
	observer->options.out = open_memstream(&observer->text, &observer->size);
	ok(!manager_open(&observer->manager, &observer->options, &err), "a manager: %s", err.message);
}

/* So many seconds, in each of which the VM's vCPU runs so long. */
static int pass(struct observer *observer, unsigned int seconds, uint64_t run_ms, struct error *err)
{
	int ret = 0;

	for (; seconds && !ret; seconds--) {
		ret = manager_check(&observer->manager, err);
		observer->host.time_ns += 1000000000;
		observer->host.run_ns += run_ms * 1000000;
	}
	return ret;
}

static void stop(struct observer *observer)
{
	fclose(observer->options.out);
	observer->options.out = stderr;
	is_number(manager_close(&observer->manager), 0, "nothing is to be put back");
	manage_options_free(&observer->options.policy);
	free(observer->text);
}

static void has_said(struct observer *observer, unsigned int lines, const char *last, const char *what)
{
	fflush(observer->options.out);
	is_number(count_lines(observer->text), lines, "%s: lines", what);
	has_text(observer->text, last, "%s", what);
}

/* What is decided is said when it is new, and then not again. */
static void test_news(void)
{
	struct observer observer;
	struct error err;

	observe(&observer, false);
	pass(&observer, 6, 50, &err);
	has_said(&observer, 2, "1000 batch 5000/100000us (new)", "first seen, then limited");
	observer.host.vms = 2;
	pass(&observer, 6, 100, &err);
	has_said(&observer, 5, "1000 batch 10000/100000us (new)", "another VM comes, and with it another limit");
	put("/sys/fs/cgroup/vms/0/cpu.max", "70000 100000\n");
	pass(&observer, 6, 100, &err);
	has_said(&observer, 6, "somebody else has set its limits", "somebody else limits it");
	put("/sys/fs/cgroup/vms/0/cpu.max", "max 100000\n");
	pass(&observer, 6, 100, &err);
	has_said(&observer, 7, "(new)", "and does no longer");
	stop(&observer);
}

static void test_news_as_json(void)
{
	struct observer observer;
	struct error err;
	json_t *first;

	observe(&observer, true);
	pass(&observer, 6, 50, &err);
	has_said(&observer, 2, "\"change\":true", "as JSON, a line each");
	first = json_loads(observer.text, JSON_DISABLE_EOF_CHECK, NULL);
	is_number((uint64_t)json_integer_value(json_object_get(first, "pid")), 1000, "of which each is a document");
	json_decref(first);
	stop(&observer);
}

static void test_record(void)
{
	struct observer observer;
	struct trace trace = {};
	struct error err = {};
	char *text = NULL;
	size_t size;

	observe(&observer, false);
	observer.options.record = open_memstream(&text, &size);
	trace_write_head(observer.options.record);
	is_number((uint64_t)-pass(&observer, 3, 50, &err), 0, "recorded");
	fclose(observer.options.record);
	ok(!trace_parse("t", text, size, &trace, &err) && trace.n_samples == 3, "and read: %s", err.message);
	trace_free(&trace);
	free(text);
	observer.options.record = fopen("/dev/full", "w");
	ok(pass(&observer, 1, 50, &err) && !strncmp(err.message, "cannot write the trace: No space", 32),
	   "what cannot be recorded is an error");
	fclose(observer.options.record);
	observer.options.record = NULL;
	stop(&observer);
}

/* The process ends between two checks. */
static void test_gone_meanwhile(void)
{
	struct observer observer;
	struct error err = {};

	observe(&observer, false);
	pass(&observer, 1, 50, &err);
	manager_gone(&observer.manager, 4242);
	is_number(observer.manager.roster.n, 1, "a process that is no VM is none of ours");
	manager_gone(&observer.manager, FIRST_PID);
	is_number(observer.manager.roster.n, 0, "a VM is forgotten at once");
	stop(&observer);
}

/* Whoever may make cgroups chooses their names, and what is wrong with them is told. */
static void test_harmful_name(void)
{
	struct host host = { .vms = 1, .time_ns = 1000000000 };
	struct manager_options options = {
		.root = test_root(), .say = ignore_text, .source = { read_host, &host },
	};
	struct manager manager;
	struct error err = {};
	const char *reason;
	json_t *status;
	char *text = NULL;
	size_t size;

	make_host(1);
	put("/proc/1000/cgroup", "0::/\033]0;x\007\233\n");
	put("/sys/fs/cgroup/\033]0;x\007\233/cgroup.procs", "1000\n");
	manage_options_init(&options.policy);
	options.out = open_memstream(&text, &size);
	manager_open(&manager, &options, &err);
	manager_check(&manager, &err);
	fclose(options.out);
	has_text(text, "has no cpu.max", "a cgroup without the CPU controller is told");
	ok(!strpbrk(text, "\033\007\233"), "without what its name would do to a terminal");
	status = manager_status(&manager);
	reason = json_string_value(json_object_get(json_array_get(json_object_get(status, "vms"), 0),
						   "reason"));
	ok(reason && strstr(reason, "has no cpu.max"), "and in JSON, though it is no UTF-8");
	json_decref(status);
	options.out = stderr;
	manager_close(&manager);
	free(text);
	manage_options_free(&options.policy);
}

/* A directory that others can write to may have been made to have root write for them. */
static void test_directory_of_others(void)
{
	const char *target = "/target/cpu.max", *place = "/planted/cpu.max";
	struct control control;
	struct settings now = {};
	struct error err = {};
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/shared", test_root());
	mkdir(dir, 0700);
	chmod(dir, 0777);
	ok(control_open(&control, dir, &err) && err.code == EXIT_PERMISSION, "it is refused");
	has_text(err.message, "others can write", "and why");
	chmod(dir, 0700);
	ok(!chown(dir, 4242, 0) && control_open(&control, dir, &err), "so is one of somebody else's");
	put(target, "max 100000\n");
	put("/planted/x", "");
	unlink(full(place));
	snprintf(dir, sizeof(dir), "%s%s", test_root(), target);
	ok(!symlink(dir, full(place)), "a link in place of a cgroup's file");
	settings_add(&now, "cpu.max", "%s", "50000 100000");
	snprintf(dir, sizeof(dir), "%s/planted", test_root());
	ok(actuator_cgroup2.write(dir, &now, &err), "is not written through");
	is_text(line_of(target), "max 100000", "to what it leads to");
}

/* One that does not accept anybody any more. */
static void test_silent_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), waiting[2], i;
	struct error err = {};
	char dir[80];

	snprintf(dir, sizeof(dir), "%.60s/silent", test_root());
	mkdir(dir, 0700);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/manage.socket", dir);
	unlink(address.sun_path);
	ok(!bind(listener, (struct sockaddr *)&address, sizeof(address)) && !listen(listener, 0),
	   "a manager that is busy");
	for (i = 0; i < 2; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(waiting[i], (struct sockaddr *)&address, sizeof(address));
	}
	ok(!control_ask(dir, &err), "too many wait for its answer");
	has_text(err.message, "did not answer within", "which is told, and not waited for");
	close(waiting[0]);
	close(waiting[1]);
	close(listener);
}

static void test_lock(void)
{
	struct control first, second;
	struct error err = {};
	char dir[PATH_MAX];
	char *text;

	snprintf(dir, sizeof(dir), "%s/run", test_root());
	ok(!control_open(&first, dir, &err), "the lock of %s: %s", dir, err.message);
	ok(control_open(&second, dir, &err), "is had by one alone");
	has_text(err.message, "another manager (pid", "who has it is named");
	text = control_ask(dir, &err);
	ok(!text, "nobody answers before there is a socket");
	has_text(err.message, "no manager runs", "and that is said");
	control_close(&first);
	ok(!control_open(&second, dir, &err), "until it is given back");
	control_close(&second);
}

static void test_notify(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char got[32] = "", longer[256] = "";

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/notify", test_root());
	unlink(address.sun_path);
	ok(!bind(fd, (struct sockaddr *)&address, sizeof(address)), "a service manager's socket");
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	notify("READY=1");
	ok(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0, "something arrives");
	is_text(got, "READY=1", "and is what was sent");
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
	ok(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0, "nothing without a socket");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify("READY=1");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify("READY=1");
	ok(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0, "nor with a name that is none");
	setenv("WATCHDOG_USEC", "3000000", 1);
	is_number(notify_watchdog_us(), 3000000, "the watchdog's interval");
	setenv("WATCHDOG_PID", "1", 1);
	is_number(notify_watchdog_us(), 0, "of another process");
	snprintf(longer, sizeof(longer), "%d", getpid());
	setenv("WATCHDOG_PID", longer, 1);
	is_number(notify_watchdog_us(), 3000000, "of this one");
	unsetenv("WATCHDOG_USEC");
	is_number(notify_watchdog_us(), 0, "of none");
	unsetenv("WATCHDOG_PID");
	close(fd);
}

/* A container's manager may have its socket outside of the file system. */
static void test_notify_abstract(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char got[32] = "", name[64];
	socklen_t size;

	snprintf(name, sizeof(name), "@vmshare-test-%d", getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	ok(!bind(fd, (struct sockaddr *)&address, size), "a socket without a file");
	setenv("NOTIFY_SOCKET", name, 1);
	notify("READY=1");
	ok(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0, "is told, too");
	unsetenv("NOTIFY_SOCKET");
	close(fd);
}

void test_manager(void)
{
	test_places();
	test_part_of_hierarchy();
	test_odd_lines();
	test_limits();
	test_limits_of_v1();
	test_others();
	test_moved();
	test_moved_unnoticed();
	test_pid_again();
	test_company();
	test_company_below();
	test_too_many_below();
	test_kernel_company();
	test_late_vcpu();
	test_late_controller();
	test_counters_grow();
	test_bad_journals();
	test_kill_anywhere();
	test_many();
	test_said_once();
	test_news();
	test_news_as_json();
	test_record();
	test_gone_meanwhile();
	test_harmful_name();
	test_lock();
	test_directory_of_others();
	test_silent_manager();
	test_notify();
	test_notify_abstract();
}
