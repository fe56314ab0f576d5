// SPDX-License-Identifier: GPL-2.0
/* From the counters of threads to VMs with names, cgroups, and limits. */
#include "roster.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "model.h"
#include "names.h"
#include "procvm.h"
#include "text.h"

/* After so many checks it is asked again where the VM is. */
#define LOOK_AGAIN 10

int roster_init(struct roster *roster, const char *root, struct error *err)
{
	memset(roster, 0, sizeof(*roster));
	roster->root = root;
	if (cgroups_find(&roster->cgroups, root))
		return error_set(err, EXIT_RUNTIME, "cannot read /proc/self/mountinfo: %s",
				 strerror(errno));
	return 0;
}

static void free_managed(struct managed *vm)
{
	if (vm->pidfd >= 0)
		close(vm->pidfd);
	gauge_close(&vm->gauge);
	free(vm->name);
	free(vm->uuid);
	free(vm->place);
}

void roster_free(struct roster *roster)
{
	size_t i;

	for (i = 0; i < roster->n; i++)
		free_managed(&roster->vms[i]);
	free(roster->vms);
	memset(roster, 0, sizeof(*roster));
}

static size_t position(const struct roster *roster, uint32_t pid)
{
	size_t low = 0, high = roster->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (roster->vms[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct managed *roster_find(const struct roster *roster, uint32_t pid)
{
	size_t at = position(roster, pid);

	return at < roster->n && roster->vms[at].pid == pid ? &roster->vms[at] : NULL;
}

static bool is_pid(uint32_t pid, const void *data)
{
	return pid == *(const uint32_t *)data;
}

/* A small table of what VMMs start beside themselves, to serve this VM alone. */
static bool is_helper(const struct roster *roster, uint32_t pid)
{
	static const char *const helpers[] = { "swtpm", "virtiofsd", "passt" };
	char path[64], *comm;
	size_t len, i;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", pid);
	comm = files_read(roster->root, path, 64, &len);
	for (i = 0; comm && i < sizeof(helpers) / sizeof(helpers[0]); i++)
		found |= !strncmp(comm, helpers[i], strlen(helpers[i]));
	free(comm);
	return found;
}

struct company {
	const struct roster *roster;
	uint32_t pid;
};

/*
 * Older kernels' KVM and vhost start threads of the kernel in the cgroup of whoever made
 * them: there they work for that VM.
 */
static bool may_be_there(uint32_t pid, const void *data)
{
	const struct company *company = data;

	return is_pid(pid, &company->pid) || is_helper(company->roster, pid) ||
	       procvm_is_kernels(pid, company->roster->root);
}

/* Results as of cgroup_stranger(). */
static int find_stranger(const struct roster *roster, const struct managed *vm,
			 uint32_t *stranger)
{
	struct company company = { roster, vm->pid };

	*stranger = 0;
	return vm->cgroup.libvirt ? 0 :
	       cgroup_stranger(&vm->cgroup, may_be_there, &company, stranger);
}

/* Why it cannot be limited alone; false if it can. */
static bool find_company(const struct roster *roster, struct managed *vm)
{
	uint32_t stranger;
	int ret = find_stranger(roster, vm, &stranger);

	if (ret == -EOPNOTSUPP)
		snprintf(vm->why, sizeof(vm->why),
			 "its cgroup has some of its threads only; start it in a cgroup of processes");
	else if (ret == -E2BIG)
		snprintf(vm->why, sizeof(vm->why),
			 "there are more cgroups below its own than are looked into for other processes");
	else if (ret)
		snprintf(vm->why, sizeof(vm->why), "cannot read who else is in its cgroup: %s",
			 strerror(-ret));
	else if (stranger)
		snprintf(vm->why, sizeof(vm->why),
			 "process %" PRIu32 " is in its cgroup too and would be limited with it; give the VM a cgroup of its own",
			 stranger);
	return ret || stranger;
}

/* Another cgroup, or more of it: what it has counted until now is not of this VM and time. */
static int open_gauge(struct managed *vm)
{
	vm->sums.throttled_ns = UINT64_MAX;
	vm->settled = false;
	return gauge_open(&vm->gauge, &vm->cgroup, vm->totals.vcpus);
}

void roster_place(const struct roster *roster, struct managed *vm)
{
	char place[ACTUATOR_PLACE];

	gauge_close(&vm->gauge);
	free(vm->place);
	vm->place = NULL;
	vm->actuator = NULL;
	vm->company = false;
	if (cgroup_of(&roster->cgroups, vm->pid, &vm->cgroup)) {
		snprintf(vm->why, sizeof(vm->why),
			 "no cgroup with the CPU controller is mounted, or it is in one out of sight");
		return;
	}
	if (open_gauge(vm)) {
		snprintf(vm->why, sizeof(vm->why), "cannot read %.200s: %s", vm->cgroup.dir,
			 strerror(errno));
		return;
	}
	vm->actuator = actuator_choose(&vm->cgroup, vm->uuid, place, vm->why);
	vm->company = vm->actuator && find_company(roster, vm);
	if (vm->company)
		vm->actuator = NULL;
	vm->place = vm->actuator ? strdup(place) : NULL;
	if (vm->actuator && !vm->place)
		snprintf(vm->why, sizeof(vm->why), "there is no memory to note its cgroup");
	if (!vm->place)
		vm->actuator = NULL;
}

static int open_pidfd(uint32_t pid)
{
	return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

static void find_name(const struct roster *roster, struct managed *vm)
{
	struct snapshot snap;
	struct vm *row;

	snapshot_init(&snap);
	row = snapshot_add_vm(&snap, vm->pid);
	if (row) {
		facts_set(&row->facts, VM_START_TIME_NS, vm->start_time_ns);
		names_resolve(&snap, roster->root);
		vm->name = row->name;
		vm->uuid = row->uuid;
		row->name = row->uuid = NULL;
	}
	snapshot_free(&snap);
}

/* Its pid may be another process's already, and that a VM, too. */
static bool has_ended(const struct roster *roster, const struct managed *vm)
{
	struct pollfd end = { .fd = vm->pidfd, .events = POLLIN };
	uint64_t start_time_ns;

	if (vm->pidfd >= 0)
		return poll(&end, 1, 0) == 1;
	return procvm_start_time(vm->pid, roster->root, &start_time_ns) &&
	       start_time_ns != vm->start_time_ns;
}

/* Who it is that has this pid; false if it has gone meanwhile. */
static bool identify(const struct roster *roster, struct managed *vm)
{
	/* a tree of files, in tests, has no processes behind it */
	vm->pidfd = *roster->root ? -1 : open_pidfd(vm->pid);
	if (vm->pidfd < 0 && errno == ESRCH && !*roster->root)
		return false;
	return procvm_start_time(vm->pid, roster->root, &vm->start_time_ns) &&
	       !has_ended(roster, vm);
}

static struct managed *admit(struct roster *roster, uint32_t pid, struct error *err)
{
	size_t at = position(roster, pid);
	struct managed *more = reallocarray(roster->vms, roster->n + 1, sizeof(*more));

	if (!more) {
		error_no_memory(err);
		return NULL;
	}
	roster->vms = more;
	memmove(&more[at + 1], &more[at], (roster->n - at) * sizeof(*more));
	roster->n++;
	memset(&more[at], 0, sizeof(*more));
	more[at].pid = pid;
	more[at].pidfd = more[at].gauge.quota_fd = more[at].gauge.period_fd = -1;
	more[at].quota_ns = UINT64_MAX;
	return &more[at];
}

static void drop(struct roster *roster, struct managed *vm)
{
	size_t at = (size_t)(vm - roster->vms);

	free_managed(vm);
	memmove(vm, vm + 1, (--roster->n - at) * sizeof(*vm));
}

void roster_forget(struct roster *roster, struct managed *vm, const struct roster_events *events)
{
	events->gone(vm, events->data);
	drop(roster, vm);
}

static uint64_t fact(const struct thread *thread, unsigned int field)
{
	return facts_or_zero(&thread->counters.facts, field);
}

/*
 * A thread that has ended, a vCPU that was taken away, or a cgroup that was left takes
 * its counters with it: what the others count is added from there on.
 */
static void add_growth(uint64_t *total, uint64_t *before, uint64_t now)
{
	if (now > *before)
		*total += now - *before;
	*before = now;
}

static void add_up(struct managed *vm, const struct thread *threads, size_t n)
{
	struct manage_vm sum = {};
	size_t i;

	for (i = 0; i < n; i++) {
		const struct thread *thread = &threads[i];
		bool vcpu = thread->kind == THREAD_VCPU;

		sum.vcpus += vcpu;
		sum.run_ns += fact(thread, THREAD_RUN_NS);
		sum.vmm_ns += vcpu ? 0 : fact(thread, THREAD_RUN_NS);
		sum.guest_ns += fact(thread, THREAD_GUEST_NS);
		sum.ready_ns += vcpu ? fact(thread, THREAD_READY_NS) : 0;
		sum.voluntary_switches += fact(thread, THREAD_VOLUNTARY_SWITCHES);
		sum.involuntary_switches += fact(thread, THREAD_INVOLUNTARY_SWITCHES);
	}
	vm->totals.vcpus = sum.vcpus;
	add_growth(&vm->totals.run_ns, &vm->sums.run_ns, sum.run_ns);
	add_growth(&vm->totals.vmm_ns, &vm->sums.vmm_ns, sum.vmm_ns);
	add_growth(&vm->totals.guest_ns, &vm->sums.guest_ns, sum.guest_ns);
	add_growth(&vm->totals.ready_ns, &vm->sums.ready_ns, sum.ready_ns);
	add_growth(&vm->totals.voluntary_switches, &vm->sums.voluntary_switches, sum.voluntary_switches);
	add_growth(&vm->totals.involuntary_switches, &vm->sums.involuntary_switches, sum.involuntary_switches);
}

/* The cgroup it was in may still be there when it has been moved. */
static bool was_moved(const struct roster *roster, const struct managed *vm)
{
	struct cgroup cgroup;

	return !cgroup_of(&roster->cgroups, vm->pid, &cgroup) &&
	       strcmp(cgroup.path, vm->cgroup.path);
}

/* Somebody has come into its cgroup, or has left it. */
static bool has_new_company(const struct roster *roster, const struct managed *vm)
{
	uint32_t stranger;

	if (!vm->actuator && !vm->company)
		return false;
	return (find_stranger(roster, vm, &stranger) || stranger) != vm->company;
}

/*
 * libvirt makes cgroups of vCPUs after the process is there, and with each vCPU that comes.
 * A unit has no quota to be looked at until systemd turns the CPU controller on for it,
 * which it does with the first limit.
 */
static bool is_blind(const struct managed *vm)
{
	return vm->gauge.quota_fd < 0 ||
	       (vm->cgroup.libvirt && vm->gauge.n_stats != vm->totals.vcpus);
}

static void reopen_gauge(struct managed *vm)
{
	gauge_close(&vm->gauge);
	open_gauge(vm);
}

bool roster_is_in_place(const struct roster *roster, struct managed *vm)
{
	if (!was_moved(roster, vm) && !has_new_company(roster, vm))
		return true;
	roster_place(roster, vm);
	return false;
}

static void look_again(const struct roster *roster, struct managed *vm)
{
	if (roster_is_in_place(roster, vm) && is_blind(vm))
		reopen_gauge(vm);
}

/* A limit of ours has made the file: from now on it tells of those of others. */
static bool has_quota_now(const struct managed *vm)
{
	return vm->limited && vm->gauge.quota_fd < 0;
}

static void read_gauge(const struct roster *roster, struct managed *vm)
{
	struct gauge_reading reading;

	if (vm->checks++ % LOOK_AGAIN == LOOK_AGAIN - 1)
		look_again(roster, vm);
	else if (has_quota_now(vm))
		reopen_gauge(vm);
	if (gauge_read(&vm->gauge, &reading)) {
		/* its cgroup was removed under it: it must be somewhere else now */
		roster_place(roster, vm);
		if (gauge_read(&vm->gauge, &reading))
			return;
	}
	add_growth(&vm->totals.throttled_ns, &vm->sums.throttled_ns, reading.throttled_ns);
	vm->reading = reading;
}

static int take_over(struct roster *roster, const struct thread *threads, size_t n,
		     const struct roster_events *events, struct error *err)
{
	struct managed *vm = roster_find(roster, threads->pid);
	bool is_new = !vm || has_ended(roster, vm);

	if (vm && is_new)
		roster_forget(roster, vm, events);

	if (is_new)
		vm = admit(roster, threads->pid, err);
	if (!vm)
		return -1;
	add_up(vm, threads, n);
	if (is_new) {
		if (!identify(roster, vm)) {
			drop(roster, vm);
			return 0;
		}
		find_name(roster, vm);
		roster_place(roster, vm);
		events->born(vm, events->data);
	}
	read_gauge(roster, vm);
	return 0;
}

/* Both are in the order of pids. */
static void forget_absent(struct roster *roster, const struct cpu *cpu,
			  const struct roster_events *events)
{
	size_t i = 0, count;

	while (i < roster->n) {
		cpu_threads_of(cpu, roster->vms[i].pid, &count);
		if (count)
			i++;
		else
			roster_forget(roster, &roster->vms[i], events);
	}
}

int roster_update(struct roster *roster, const struct cpu *cpu, const struct roster_events *events,
		  struct error *err)
{
	size_t first, next;

	forget_absent(roster, cpu, events);
	for (first = 0; first < cpu->n_threads; first = next) {
		for (next = first + 1; next < cpu->n_threads; next++) {
			if (cpu->threads[next].pid != cpu->threads[first].pid)
				break;
		}
		if (take_over(roster, &cpu->threads[first], next - first, events, err))
			return -1;
	}
	return 0;
}

/* A quota that is there, and that vmshare has not set, is somebody else's. */
static bool is_foreign(const struct managed *vm)
{
	bool may_be_ours = vm->quota_ns != UINT64_MAX || (vm->limited && vm->troubled);

	return vm->why[0] || (!may_be_ours && vm->reading.quota_ns != UINT64_MAX);
}

static int fill(const struct managed *vm, struct manage_vm *row)
{
	bool ours = vm->quota_ns != UINT64_MAX;

	*row = vm->totals;
	row->pid = vm->pid;
	row->start_time_ns = vm->start_time_ns;
	row->quota_ns = ours ? vm->quota_ns : vm->reading.quota_ns;
	row->period_ns = ours ? vm->period_ns : vm->reading.period_ns;
	row->foreign = is_foreign(vm);
	row->weight = vm->weight;
	row->cpus_first = vm->cpus_first;
	row->cpus = vm->cpus;
	row->name = vm->name ? strdup(vm->name) : NULL;
	row->uuid = vm->uuid ? strdup(vm->uuid) : NULL;
	return (vm->name && !row->name) || (vm->uuid && !row->uuid) ? -1 : 0;
}

/* The second number: hundredths of seconds that the CPUs were idle, all together. */
static uint64_t idle_ns(const char *root)
{
	unsigned long long seconds, hundredths;
	uint64_t idle = 0;
	size_t len;
	char *text = files_read(root, "/proc/uptime", 4096, &len);

	if (text && sscanf(text, "%*s %llu.%llu", &seconds, &hundredths) == 2)
		idle = seconds * 1000000000 + hundredths * 10000000;
	free(text);
	return idle;
}

int roster_sample(const struct roster *roster, uint64_t time_ns, struct manage_sample *sample,
		  struct error *err)
{
	size_t i;

	memset(sample, 0, sizeof(*sample));
	sample->time_ns = time_ns;
	sample->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	sample->idle_ns = idle_ns(roster->root);
	sample->vms = calloc(roster->n + 1, sizeof(*sample->vms));
	if (!sample->vms)
		return error_no_memory(err);
	for (i = 0; i < roster->n; i++) {
		sample->n_vms = i + 1;
		if (fill(&roster->vms[i], &sample->vms[i])) {
			manage_sample_free(sample);
			return error_no_memory(err);
		}
	}
	return 0;
}

const char *managed_label(const struct managed *vm, char *buffer, size_t size)
{
	if (vm->name)
		text_escape(vm->name, buffer, size);
	else
		snprintf(buffer, size, "%" PRIu32, vm->pid);
	return buffer;
}
