// SPDX-License-Identifier: GPL-2.0
/* What is read from /proc, /sys and /run, against directories made here. */
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diagnose.h"
#include "host.h"
#include "names.h"
#include "owners.h"
#include "procvm.h"
#include "smaps.h"

#define UUID "12345678-abcd-4bcd-8bcd-123456789abc"

/* words is what a shell would take, each ended by a zero. */
#define CMDLINE(words, wanted_name, wanted_uuid)                                       \
	do {                                                                               \
		struct identity got;                                                           \
		names_parse_cmdline(words, sizeof(words) - 1, &got);                           \
		is_text(got.name, wanted_name, "name in %.40s", words + strlen(words) + 1);    \
		is_text(got.uuid, wanted_uuid, "uuid in %.40s", words + strlen(words) + 1);    \
	} while (0)

static void test_cmdlines(void)
{
	char noise[64];
	struct identity identity;
	unsigned int i, j;

	CMDLINE("qemu\0-name\0guest=web1,debug-threads=on\0-uuid\0" UUID "\0", "web1", UUID);
	CMDLINE("qemu\0-name\0debug-threads=on,guest=web1\0", "web1", "");
	CMDLINE("qemu\0-name\0web1\0", "web1", "");
	CMDLINE("qemu\0-name\0web1,process=qemu-web\0", "web1", "");
	CMDLINE("qemu\0--name\0web1\0", "web1", "");
	CMDLINE("qemu\0-name\0guest=a,,b,debug-threads=on\0", "a,b", "");
	CMDLINE("qemu\0-name\0guest=\0", "", "");
	CMDLINE("qemu\0-name\0process=x\0", "", "");
	CMDLINE("qemu\0-name", "", "");
	CMDLINE("qemu\0-name\0last", "last", "");
	CMDLINE("qemu\0-name\0a\xff\0", "a\xef\xbf\xbd", "");
	CMDLINE("qemu\0-uuid\0not-a-uuid\0", "", "");
	CMDLINE("qemu\0-uuid\0" "12345678-ABCD-4BCD-8BCD-123456789ABC\0", "", UUID);
	CMDLINE("\0\0\0", "", "");
	names_parse_cmdline("", 0, &identity);
	is_text(identity.name, "", "no command line, as of a kernel thread");
	for (i = 0; i < 5000; i++) {
		size_t len = test_random_below(sizeof(noise));

		for (j = 0; j < len; j++)
			noise[j] = "-name,guest=\0\xff"[test_random_below(14)];
		names_parse_cmdline(noise, len, &identity);
	}
	ok(true, "5000 random command lines");
}

static void put(const char *path, const char *text)
{
	test_file(path, text, strlen(text));
}

/* Start time 100 s after boot, in ticks, as field 22. */
#define STAT(name, ticks) \
	"7 (" name ") S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 " ticks " 9 10\n"

/* Later snapshots of VMs of which nothing can be read any more. */
static void test_inherited(const struct snapshot *before)
{
	struct snapshot snap;

	snapshot_init(&snap);
	facts_set(&snapshot_add_vm(&snap, 10)->facts, VM_START_TIME_NS, 100000000000);
	facts_set(&snapshot_add_vm(&snap, 20)->facts, VM_START_TIME_NS, 5);
	names_inherit(&snap, before);
	is_text(snap.vms[0].name, "web1", "a VM that just ended keeps its name");
	ok(!snap.vms[1].name, "another with its pid does not get it");
	snapshot_free(&snap);
}

static void test_names(void)
{
	static const char cmdline[] = "qemu\0-name\0guest=web1\0-uuid\0" UUID "\0";
	struct snapshot snap;

	test_file("/proc/10/cmdline", cmdline, sizeof(cmdline) - 1);
	put("/proc/10/stat", STAT("a) b (c", "10000"));
	test_file("/proc/11/cmdline", cmdline, sizeof(cmdline) - 1);
	put("/proc/11/stat", STAT("reused", "99999"));
	put("/proc/20/cmdline", "othervmm");
	put("/run/libvirt/qemu/by libvirt.pid", "20\n");
	put("/run/libvirt/qemu/by libvirt.xml",
	    "<domstatus><domain><name>x</name><uuid>" UUID "</uuid></domain></domstatus>");
	put("/run/libvirt/qemu/broken.pid", "nonsense");
	put("/run/libvirt/qemu/.pid", "30");

	snapshot_init(&snap);
	facts_set(&snapshot_add_vm(&snap, 10)->facts, VM_START_TIME_NS, 100000000000);
	facts_set(&snapshot_add_vm(&snap, 11)->facts, VM_START_TIME_NS, 100000000000);
	snapshot_add_vm(&snap, 20);
	snapshot_add_vm(&snap, 30);
	names_resolve(&snap, test_root());
	is_text(snap.vms[0].name, "web1", "a name by command line");
	is_text(snap.vms[0].uuid, UUID, "and a UUID");
	ok(!snap.vms[1].name, "not that of a process which got the pid later");
	is_text(snap.vms[2].name, "by libvirt", "a name by libvirt");
	is_text(snap.vms[2].uuid, UUID, "and its UUID");
	ok(!snap.vms[3].name, "no name, no guess");
	test_inherited(&snap);
	snapshot_free(&snap);
}

static void test_host(void)
{
	struct snapshot snap;
	uint64_t value;

	put("/proc/sys/kernel/osrelease", "6.1.0-test\n");
	put("/proc/meminfo", "MemTotal:       1024 kB\nMemFree: 5 kB\nMemAvailable:    512 kB\n");
	put("/proc/stat", "cpu  1 2 3 400 50 6 7 8 9 10\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\n");
	put("/sys/kernel/mm/ksm/run", "1\n");
	put("/sys/kernel/mm/ksm/pages_shared", "3\n");
	put("/proc/10/smaps_rollup", "00-ff ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss:    7 kB\n");
	snapshot_init(&snap);
	snapshot_add_vm(&snap, 10);
	snapshot_add_vm(&snap, 99);
	host_read(&snap, test_root());
	host_read_pss(&snap, test_root());
	is_text(snap.kernel, "6.1.0-test", "kernel release");
	is_number(snap.host.value[HOST_MEM_TOTAL], 1048576, "memory");
	is_number(snap.host.value[HOST_MEM_AVAILABLE], 524288, "available memory");
	is_number(snap.host.value[HOST_CPUS], 2, "CPUs");
	is_number(snap.host.value[HOST_IDLE_CPU_NS],
		  450 * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK)), "idle time");
	is_number(snap.host.value[HOST_KSM_RUN], 1, "KSM runs");
	ok(!facts_get(&snap.host, HOST_KSM_PAGES_SHARING, &value), "what cannot be read is not known");
	is_number(snap.vms[0].facts.value[VM_PSS], 7168, "PSS");
	ok(!facts_get(&snap.vms[1].facts, VM_PSS, &value), "no PSS of no process");
	ok(host_has_ksm(test_root()) && !host_has_ksm("/nonexistent"), "has KSM");
	snapshot_free(&snap);
}

static const char smaps_text[] =
	"7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n"
	"Rss:                 100 kB\nAnonymous:           100 kB\nAnonHugePages:        64 kB\n"
	"Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
	"VmFlags: rd wr mr mw me ac mg \n"
	"7f0000200000-7f0000300000 rw-s 00000000 00:01 5 /memfd:guest (deleted)\n"
	"Rss:                 200 kB\nAnonymous:             0 kB\n"
	"VmFlags: rd wr sh mr mw me ms \n"
	"7f0000400000-7f0000500000 rw-p 00000000 00:0f 6 /anon_hugepage\n"
	"Rss:                   0 kB\nAnonymous:             0 kB\nPrivate_Hugetlb:    2048 kB\n"
	"VmFlags: rd wr mr mw me ht\n"
	"55d0000000-55d0010000 rw-p 00000000 00:00 0 [heap]\n"
	"Rss:                  30 kB\nAnonymous:            30 kB\n"
	"VmFlags: rd wr mr mw me ac\n";

static void test_smaps(void)
{
	struct smaps smaps;

	smaps_parse(smaps_text, &smaps);
	is_number(smaps.anon, 130 * 1024, "anonymous memory");
	is_number(smaps.mergeable, 100 * 1024, "mergeable memory");
	is_number(smaps.mergeable_huge, 64 * 1024, "in huge pages");
	is_number(smaps.shared, 200 * 1024, "shared memory");
	is_number(smaps.hugetlb, 2048 * 1024, "hugetlb memory");
	ok(smaps.has_mergeable, "an area is mergeable");
	smaps_parse("", &smaps);
	ok(!smaps.has_mergeable && !smaps.anon, "no memory at all");
	ok(!smaps_read(test_root(), 4000000, &smaps), "no such process");
}

static void add_link(const char *path, const char *target)
{
	char full[PATH_MAX + 64];

	put("/proc/77/fd/.keep", "");
	put("/proc/78/fd/.keep", "");
	snprintf(full, sizeof(full), "%s%s", test_root(), path);
	unlink(full);
	if (symlink(target, full))
		perror(full);
}

static void test_procvm(void)
{
	struct snapshot snap;
	struct error err;

	add_link("/proc/77/fd/5", "anon_inode:kvm-vm");
	add_link("/proc/77/fd/6", "anon_inode:kvm-vcpu:0");
	add_link("/proc/78/fd/5", "anon_inode:kvm-vm-stats");
	put("/proc/79x/fd/.keep", "");
	add_link("/proc/79x/fd/5", "anon_inode:kvm-vm");
	put("/proc/4294967375/fd/.keep", "");
	add_link("/proc/4294967375/fd/5", "anon_inode:kvm-vm");
	put("/proc/80/nothing", "");
	snapshot_init(&snap);
	ok(!procvm_find(&snap, test_root(), &err), "looking for VMs");
	ok(snap.n_vms == 1 && snap.vms[0].pid == 77, "finds the process that holds one");
	snapshot_free(&snap);
	ok(procvm_find(&snap, "/nonexistent", &err) == -1, "no /proc is an error");
}

static void test_slices(void)
{
	static const char *const paths[][2] = {		/* NULL: none */
		{ "0::/machine.slice/vm.scope\n", "machine.slice" },
		{ "1:name=systemd:/a\n0::/user.slice/user-1.slice/session-2.scope\n", "user-1.slice" },
		{ "4:cpu:/b\n1:name=systemd:/a.slice/vm.service\n", "a.slice" },
		{ "4:cpu:/vms/a\n", "vms" },
		{ "0::/.slice/a\n", ".slice" },
		{ "0::/a/b.slice\n", "b.slice" },
		{ "0::/\n", NULL },
		{ "0::", NULL },
		{ "nonsense", NULL },
		{ "", NULL },
	};
	char slice[64];
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		bool found = owners_parse_slice(paths[i][0], slice, sizeof(slice));

		is_text(found ? slice : "", paths[i][1] ? paths[i][1] : "", "slice %zu", i);
		is_number(found, paths[i][1] != NULL, "whether there is one");
	}
}

static void test_owners(void)
{
	struct snapshot snap;

	put("/proc/41/status", "Name:\tqemu\nUid:\t1000\t4294967294\t0\t0\n");
	put("/proc/41/cgroup", "0::/machine.slice/a\n");
	put("/proc/42/status", "Name:\tUid:\nUid:\n");
	put("/proc/42/cgroup", "0::/\n");
	put("/proc/43/status", "Name:\tqemu\n");
	put("/proc/43/cgroup", "0::/a\xff\n");
	snapshot_init(&snap);
	snapshot_add_vm(&snap, 41);
	snapshot_add_vm(&snap, 42);
	snapshot_add_vm(&snap, 43);
	snapshot_add_vm(&snap, 99);
	owners_resolve(&snap, test_root());
	is_text(snap.vms[0].user, "4294967294", "the effective user, by number where it has no name");
	is_text(snap.vms[0].slice, "machine.slice", "and its slice");
	ok(!snap.vms[1].user && !snap.vms[1].slice, "what is not said is not known");
	ok(!snap.vms[2].user, "nor is what is missing");
	is_text(snap.vms[2].slice, "a\xef\xbf\xbd", "a name that is no UTF-8 is made some");
	ok(!snap.vms[3].user && !snap.vms[3].slice, "nothing of no process");
	snapshot_free(&snap);
}

/* The one finding, or the last, of so many. */
static void is_found(struct findings *findings, size_t count, enum level level, const char *check,
		     const char *message)
{
	const struct finding *last = &findings->finding[findings->count - 1];

	if (ok(findings->count == count, "%s: %zu findings", check, findings->count)) {
		is_text(last->check, check, "%s", check);
		is_text(level_name(last->level), level_name(level), "%s: how bad it is", check);
		has_text(last->message, message, "%s: what is said", check);
	}
	findings_free(findings);
}

#define AREA(mode, lines) "7f0000000000-7f0000100000 " mode " 00000000 00:00 0\n" lines

/* Why of a VM nothing is marked for merging, or what of it is. */
static void test_backing(void)
{
	static const struct {
		const char *cmdline, *smaps;
		size_t count;
		enum level level;
		const char *check, *message;
	} cases[] = {
		{ "qemu", AREA("rw-p", "Rss: 9 kB\nAnonymous: 9 kB\nVmFlags: rd wr\n"), 1, LEVEL_PROBLEM,
		  "not_mergeable", "MADV_MERGEABLE" },
		{ "qemu -machine q35,mem-merge=off", AREA("rw-p", "Anonymous: 9 kB\nVmFlags: rd\n"), 1,
		  LEVEL_PROBLEM, "mem_merge_off", "<nosharepages/>" },
		{ "qemu", AREA("rw-p", "Private_Hugetlb: 2048 kB\nVmFlags: rd ht\n"), 1, LEVEL_PROBLEM,
		  "hugetlb_backing", "hugetlb pages" },
		{ "qemu", AREA("rw-s", "Rss: 4096 kB\nShared_Hugetlb: 2048 kB\nVmFlags: rd\n"), 1,
		  LEVEL_PROBLEM, "shared_backing", "memfd or file" },
		{ "qemu", AREA("rw-p", "Anonymous: 8 kB\nAnonHugePages: 4 kB\nVmFlags: rd mg\n"), 1,
		  LEVEL_OK, "mergeable", "8.00K of 8.00K" },
		{ "qemu", AREA("rw-p", "Anonymous: 8 kB\nAnonHugePages: 6 kB\nVmFlags: mg wr\n"), 2,
		  LEVEL_INFO, "huge_pages", "6.00K of 8.00K of mergeable memory" },
		{ "qemu", AREA("rw-p", "Anonymous: 0 kB\nVmFlags: rd mg\n"), 1, LEVEL_OK, "mergeable", "0 of 0" },
		{ "qemu", AREA("rw-p", "Anonymous: 8 kB\nVmFlags: rd mgx xmg\n"), 1, LEVEL_PROBLEM,
		  "not_mergeable", "MADV_MERGEABLE" },
	};
	struct findings findings = {};
	struct vm vm = { .pid = 51 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("/proc/51/cmdline", cases[i].cmdline);
		put("/proc/51/smaps", cases[i].smaps);
		diagnose_backing(&findings, &vm, test_root());
		is_found(&findings, cases[i].count, cases[i].level, cases[i].check, cases[i].message);
	}
	vm.pid = 52;
	diagnose_backing(&findings, &vm, test_root());
	is_found(&findings, 1, LEVEL_WARNING, "smaps", "cannot read /proc/52/smaps: No such file");
}

#define KSM "/sys/kernel/mm/ksm/"

static void put_ksmd(const char *pages, const char *sleep_ms, const char *scans)
{
	put(KSM "pages_to_scan", pages);
	put(KSM "sleep_millisecs", sleep_ms);
	put(KSM "full_scans", scans);
}

static void test_ksmd(void)
{
	struct findings findings = {};
	struct snapshot snap;

	snapshot_init(&snap);
	facts_set(&snapshot_add_vm(&snap, 7)->facts, VM_ANON, 4096ull * 1000 * 1000);
	put_ksmd("100", "20", "9");
	put(KSM "use_zero_pages", "0");
	put(KSM "merge_across_nodes", "1");
	diagnose_ksmd(&findings, &snap, test_root());
	is_number(findings.count, 0, "nothing of a kernel without KSM");
	facts_set(&snap.host, HOST_KSM_RUN, 1);
	diagnose_ksmd(&findings, &snap, test_root());
	is_found(&findings, 1, LEVEL_INFO, "ksmd_speed", "19.5M/s at most");
	put_ksmd("100", "200", "9");
	diagnose_ksmd(&findings, &snap, test_root());
	is_found(&findings, 1, LEVEL_WARNING, "ksmd_speed", "33:20 for the VMs' 3.81G, and a page merges in the "
		 "second pass; raise");
	put_ksmd("1", "2000", "1");
	diagnose_ksmd(&findings, &snap, test_root());
	is_found(&findings, 2, LEVEL_WARNING, "ksmd_speed", "2.00K/s at most (pages_to_scan 1, sleep_millisecs 2000)");
	put_ksmd("0", "20", "1");
	diagnose_ksmd(&findings, &snap, test_root());
	is_found(&findings, 1, LEVEL_WARNING, "full_scans", "1 passes since boot");
	put_ksmd("100", "0", "2");
	put(KSM "use_zero_pages", "1");
	diagnose_ksmd(&findings, &snap, test_root());
	is_found(&findings, 1, LEVEL_INFO, "use_zero_pages", "the kernel's own zero page");
	put(KSM "merge_across_nodes", "0");
	diagnose_ksmd(&findings, &snap, test_root());
	is_found(&findings, 2, LEVEL_INFO, "merge_across_nodes", "inside one NUMA node only");
	snapshot_free(&snap);
}

static void test_module(void)
{
	struct capability capabilities[] = {
		{ .name = "tree", .available = true }, { .name = "hooks", .reason = "no BTF" },
		{ .name = "pages" },
	};
	struct module_info info = { .capabilities = capabilities, .n_capabilities = 3 };
	struct error problem = { .message = "it is not there" };
	struct findings findings = {};

	diagnose_module(&findings, NULL, &problem);
	is_found(&findings, 1, LEVEL_PROBLEM, "module", "it is not there");
	diagnose_module(&findings, &info, NULL);
	has_text(findings.finding[0].message, "version unknown, engine auto", "a module that does not say");
	has_text(findings.finding[1].message, "lacks hooks: no BTF", "what it lacks, and why");
	is_found(&findings, 3, LEVEL_WARNING, "capability", "lacks pages: no reason given");
}

static void test_ksm(void)
{
	static const struct {
		uint64_t run;
		enum level level;
		const char *message;
	} states[] = {
		{ 0, LEVEL_PROBLEM, "what is merged stays" },
		{ 1, LEVEL_OK, "KSM runs" },
		{ 2, LEVEL_PROBLEM, "has unmerged everything" },
	};
	struct findings findings = {};
	struct snapshot snap;
	size_t i;

	snapshot_init(&snap);
	diagnose_ksm(&findings, &snap, true);
	is_found(&findings, 1, LEVEL_WARNING, "ksm", "the document does not have host.ksm.run");
	diagnose_ksm(&findings, &snap, false);
	is_found(&findings, 1, LEVEL_PROBLEM, "ksm", "or /sys is not mounted");
	for (i = 0; i < 3; i++) {
		facts_set(&snap.host, HOST_KSM_RUN, states[i].run);
		diagnose_ksm(&findings, &snap, false);
		is_found(&findings, 1, states[i].level, "ksm_run", states[i].message);
	}
	snapshot_free(&snap);
}

static void test_numbers(void)
{
	struct findings findings = {};
	struct vm vm = { .pid = 7 };

	diagnose_numbers(&findings, &vm);
	is_number(findings.count, 0, "nothing of a VM of which nothing is known");
	facts_set(&vm.facts, VM_ANON, 8192);
	facts_set(&vm.facts, VM_SELF_SHARED, 0);
	facts_set(&vm.facts, VM_SWAP, 0);
	diagnose_numbers(&findings, &vm);
	is_number(findings.count, 0, "nor as long as not all of it is");
	facts_set(&vm.facts, VM_INTER_SHARED, 0);
	diagnose_numbers(&findings, &vm);
	is_found(&findings, 1, LEVEL_WARNING, "merged", "nothing of 8.00K");
	facts_set(&vm.facts, VM_INTER_SHARED, 4096);
	facts_set(&vm.facts, VM_SWAP, 4096);
	diagnose_numbers(&findings, &vm);
	is_number(findings.count, 2, "what is swapped out is told as well");
	is_found(&findings, 2, LEVEL_OK, "merged", "4.00K of 8.00K");
	diagnose_shmem(&findings, &vm);
	facts_set(&vm.facts, VM_SHMEM, 8192);
	diagnose_shmem(&findings, &vm);
	is_number(findings.count, 0, "as much shared as private memory is no problem");
	facts_set(&vm.facts, VM_SHMEM, 8193);
	diagnose_shmem(&findings, &vm);
	is_found(&findings, 1, LEVEL_PROBLEM, "shared_backing", "most of its memory is shared");
}

void test_proc(void)
{
	test_cmdlines();
	test_names();
	test_host();
	test_smaps();
	test_procvm();
	test_slices();
	test_owners();
	test_module();
	test_ksm();
	test_ksmd();
	test_numbers();
	test_backing();
}
