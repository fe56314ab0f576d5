// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink attributes to the model. The bytes may be hostile or cut short: every
 * length is checked here, with an iterator of its own, so that this file needs
 * no library and can be fuzzed alone.
 */
#include "decode.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/vmshare.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define ROW_MEMBERS_MAX 16384		/* an attribute of 64 KiB holds no more */

struct attribute {
	uint16_t type;
	size_t len;
	const uint8_t *data;
};

/* The attributes of one message by number; data is NULL where there is none. */
struct row {
	struct attribute attr[VMSHARE_A_MAX + 1];
};

/* Takes the next attribute off. Returns 1, 0 at the end, -1 if it is broken. */
static int next_attribute(const uint8_t **at, size_t *left, struct attribute *attr)
{
	struct nlattr head;
	size_t step;

	if (*left < sizeof(head))
		return *left ? -1 : 0;
	memcpy(&head, *at, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > *left)
		return -1;
	attr->type = head.nla_type & NLA_TYPE_MASK;
	attr->len = head.nla_len - sizeof(head);
	attr->data = *at + sizeof(head);
	step = NLA_ALIGN(head.nla_len);
	if (step > *left)
		step = *left;
	*at += step;
	*left -= step;
	return 1;
}

static int malformed(struct error *err, const char *what)
{
	return error_set(err, EXIT_RUNTIME,
			 "the module's answer is malformed (%s); do module and program have the same version? See vmshare version",
			 what);
}

static int read_row(const void *attrs, size_t len, struct row *row, struct error *err)
{
	const uint8_t *at = attrs;
	struct attribute attr;
	int more;

	memset(row, 0, sizeof(*row));
	while ((more = next_attribute(&at, &len, &attr)) > 0) {
		if (attr.type <= VMSHARE_A_MAX)
			row->attr[attr.type] = attr;
	}
	return more ? malformed(err, "an attribute is longer than its message") : 0;
}

/* An integer of exactly that size. Returns 1, 0 if absent, -1 if broken. */
static int read_number(const struct attribute *attr, size_t size, uint64_t *value)
{
	uint64_t u64;
	uint32_t u32;

	if (!attr->data)
		return 0;
	if (attr->len != size)
		return -1;
	if (size == sizeof(u64)) {
		memcpy(&u64, attr->data, size);
		*value = u64;
	} else if (size == sizeof(u32)) {
		memcpy(&u32, attr->data, size);
		*value = u32;
	} else {
		*value = attr->data[0];
	}
	return 1;
}

/* A copy of a string attribute up to its end or first zero; NULL if absent. */
static char *read_string(const struct attribute *attr)
{
	return attr->data ? memory_checked(strndup((const char *)attr->data, attr->len)) : NULL;
}

struct fact_source {
	uint16_t attr;
	uint8_t size;
	uint8_t field;
};

static int read_facts(const struct row *row, const struct fact_source *sources, size_t count,
		      struct facts *facts, struct error *err)
{
	uint64_t value;
	size_t i;

	for (i = 0; i < count; i++) {
		int found = read_number(&row->attr[sources[i].attr], sources[i].size, &value);

		if (found < 0)
			return malformed(err, "a number has the wrong size");
		if (found)
			facts_set(facts, sources[i].field, value);
	}
	return 0;
}

static int need_number(const struct row *row, uint16_t attr, size_t size, uint64_t *value,
		       struct error *err)
{
	int found = read_number(&row->attr[attr], size, value);

	if (found < 0)
		return malformed(err, "a number has the wrong size");
	return found ? 0 : malformed(err, "an attribute that identifies the row is missing");
}

/* Each of the pids that a row names must be one: 0 is no process. */
static int need_pid(const struct row *row, uint32_t *pid, struct error *err)
{
	uint64_t value;

	if (need_number(row, VMSHARE_A_PID, sizeof(uint32_t), &value, err))
		return -1;
	*pid = (uint32_t)value;
	return *pid ? 0 : malformed(err, "pid 0");
}

/* Row could not be added: it is a repetition, or there is no memory. */
static int not_added(struct error *err)
{
	if (errno == EEXIST)
		return malformed(err, "the same row twice");
	return error_no_memory(err);
}

static enum engine to_engine(uint64_t number)
{
	switch (number) {
	case VMSHARE_ENGINE_TREE:
		return ENGINE_TREE;
	case VMSHARE_ENGINE_PAGES:
		return ENGINE_PAGES;
	default:
		return ENGINE_UNKNOWN;
	}
}

void module_info_free(struct module_info *info)
{
	size_t i;

	for (i = 0; i < info->n_capabilities; i++) {
		free(info->capabilities[i].name);
		free(info->capabilities[i].reason);
	}
	free(info->capabilities);
	free(info->version);
	memset(info, 0, sizeof(*info));
}

static int add_capability(struct module_info *info, const struct attribute *nest,
			  struct error *err)
{
	const uint8_t *at = nest->data;
	size_t left = nest->len;
	struct attribute attr, found[VMSHARE_CAP_MAX + 1] = {};
	struct capability *capability;
	uint64_t available;
	int more;

	while ((more = next_attribute(&at, &left, &attr)) > 0) {
		if (attr.type <= VMSHARE_CAP_MAX)
			found[attr.type] = attr;
	}
	if (more || !found[VMSHARE_CAP_NAME].data ||
	    read_number(&found[VMSHARE_CAP_AVAILABLE], 1, &available) <= 0)
		return malformed(err, "a capability without its name or state");
	capability = reallocarray(info->capabilities, info->n_capabilities + 1,
				  sizeof(*capability));
	if (!capability)
		return error_no_memory(err);
	info->capabilities = capability;
	capability += info->n_capabilities++;
	capability->name = read_string(&found[VMSHARE_CAP_NAME]);
	capability->available = available != 0;
	capability->reason = read_string(&found[VMSHARE_CAP_REASON]);
	return capability->name ? 0 : error_no_memory(err);
}

/* CAPABILITY is repeated, so that a row by number does not hold them all. */
static int read_capabilities(const void *attrs, size_t len, struct module_info *info,
			     struct error *err)
{
	const uint8_t *at = attrs;
	struct attribute attr;

	while (next_attribute(&at, &len, &attr) > 0) {
		if (attr.type == VMSHARE_A_CAPABILITY && add_capability(info, &attr, err))
			return -1;
	}
	return 0;
}

int decode_info(const void *attrs, size_t len, struct module_info *info, struct error *err)
{
	struct row row;
	uint64_t value;

	if (read_row(attrs, len, &row, err))
		return -1;
	module_info_free(info);
	if (read_number(&row.attr[VMSHARE_A_ABI], sizeof(uint32_t), &value) > 0) {
		info->abi_known = true;
		info->abi = (uint32_t)value;
	}
	if (read_number(&row.attr[VMSHARE_A_ENGINE], sizeof(uint32_t), &value) > 0)
		info->engine = to_engine(value);
	info->version = read_string(&row.attr[VMSHARE_A_MODULE_VERSION]);
	return read_capabilities(attrs, len, info, err);
}

static const struct fact_source host_sources[] = {
	{ VMSHARE_A_GENERATION, 8, HOST_GENERATION },
	{ VMSHARE_A_TIME_NS, 8, HOST_TIME_NS },
	{ VMSHARE_A_CONSISTENT, 1, HOST_CONSISTENT },
	{ VMSHARE_A_WALK_NS, 8, HOST_WALK_NS },
	{ VMSHARE_A_WALK_ITEMS, 8, HOST_WALK_ITEMS },
	{ VMSHARE_A_WALK_NODES, 8, HOST_WALK_NODES },
	{ VMSHARE_A_CHECKED_NODES, 8, HOST_CHECKED_NODES },
	{ VMSHARE_A_LONGEST_HOLD_NS, 8, HOST_LONGEST_HOLD_NS },
	{ VMSHARE_A_MERGED_FRAMES, 8, HOST_KSM_MERGED_FRAMES },
	{ VMSHARE_A_MERGED_MAPPINGS, 8, HOST_KSM_MERGED_MAPPINGS },
	{ VMSHARE_A_STALE_ITEMS, 8, HOST_KSM_STALE_ITEMS },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int decode_host(const void *attrs, size_t len, struct snapshot *snap, struct error *err)
{
	uint64_t engine, generation;
	struct row row;

	if (read_row(attrs, len, &row, err) ||
	    need_number(&row, VMSHARE_A_GENERATION, sizeof(uint64_t), &generation, err) ||
	    read_facts(&row, host_sources, COUNT(host_sources), &snap->host, err))
		return -1;
	if (!generation)
		return malformed(err, "generation 0");
	if (read_number(&row.attr[VMSHARE_A_ENGINE], sizeof(uint32_t), &engine) > 0)
		snap->engine = to_engine(engine);
	return 0;
}

static const struct fact_source vm_sources[] = {
	{ VMSHARE_A_START_TIME_NS, 8, VM_START_TIME_NS },
	{ VMSHARE_A_ANON_BYTES, 8, VM_ANON },
	{ VMSHARE_A_UNIQUE_BYTES, 8, VM_UNIQUE },
	{ VMSHARE_A_SELF_SHARED_BYTES, 8, VM_SELF_SHARED },
	{ VMSHARE_A_SELF_FRAMES_BYTES, 8, VM_SELF_FRAMES },
	{ VMSHARE_A_INTER_SHARED_BYTES, 8, VM_INTER_SHARED },
	{ VMSHARE_A_SHMEM_BYTES, 8, VM_SHMEM },
	{ VMSHARE_A_PRIVATE_SHMEM_BYTES, 8, VM_PRIVATE_SHMEM },
	{ VMSHARE_A_HUGETLB_BYTES, 8, VM_HUGETLB },
	{ VMSHARE_A_SWAP_BYTES, 8, VM_SWAP },
	{ VMSHARE_A_PAGE_TABLES_BYTES, 8, VM_PAGE_TABLES },
	{ VMSHARE_A_FREED_BYTES, 8, VM_FREED },
	{ VMSHARE_A_RUN_NS, 8, VM_RUN_NS },
	{ VMSHARE_A_READY_NS, 8, VM_READY_NS },
	{ VMSHARE_A_GUEST_NS, 8, VM_GUEST_NS },
	{ VMSHARE_A_VOLUNTARY_SWITCHES, 8, VM_VOLUNTARY_SWITCHES },
	{ VMSHARE_A_INVOLUNTARY_SWITCHES, 8, VM_INVOLUNTARY_SWITCHES },
	{ VMSHARE_A_MIGRATIONS, 8, VM_MIGRATIONS },
	{ VMSHARE_A_VCPUS, 4, VM_VCPUS },
};

int decode_vm(const void *attrs, size_t len, struct snapshot *snap, struct error *err)
{
	struct row row;
	struct vm *vm;
	uint32_t pid;

	if (read_row(attrs, len, &row, err) || need_pid(&row, &pid, err))
		return -1;
	vm = snapshot_add_vm(snap, pid);
	if (!vm)
		return not_added(err);
	return read_facts(&row, vm_sources, COUNT(vm_sources), &vm->facts, err);
}

static const struct fact_source vcpu_sources[] = {
	{ VMSHARE_A_TID, 4, VCPU_TID },
	{ VMSHARE_A_RUN_NS, 8, VCPU_RUN_NS },
	{ VMSHARE_A_READY_NS, 8, VCPU_READY_NS },
	{ VMSHARE_A_GUEST_NS, 8, VCPU_GUEST_NS },
	{ VMSHARE_A_VOLUNTARY_SWITCHES, 8, VCPU_VOLUNTARY_SWITCHES },
	{ VMSHARE_A_INVOLUNTARY_SWITCHES, 8, VCPU_INVOLUNTARY_SWITCHES },
	{ VMSHARE_A_MIGRATIONS, 8, VCPU_MIGRATIONS },
	{ VMSHARE_A_EXITS, 8, VCPU_EXITS },
};

int decode_vcpu(const void *attrs, size_t len, struct snapshot *snap, struct error *err)
{
	struct vcpu *vcpu;
	struct row row;
	struct vm *vm;
	uint32_t pid;
	uint64_t id;

	if (read_row(attrs, len, &row, err) || need_pid(&row, &pid, err) ||
	    need_number(&row, VMSHARE_A_VCPU_ID, sizeof(uint32_t), &id, err))
		return -1;
	vm = snapshot_vm(snap, pid);
	if (!vm)
		return malformed(err, "a vCPU of a VM that is not in the snapshot");
	vcpu = vm_add_vcpu(vm, (uint32_t)id);
	if (!vcpu)
		return not_added(err);
	return read_facts(&row, vcpu_sources, COUNT(vcpu_sources), &vcpu->facts, err);
}

static int check_members(const struct snapshot *snap, const uint32_t *pids, size_t count,
			 struct error *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!snapshot_vm(snap, pids[i]))
			return malformed(err, "a set with a VM that is not in the snapshot");
	}
	return 0;
}

static int read_members(const struct row *row, uint32_t *pids, size_t *count, struct error *err)
{
	const struct attribute *attr = &row->attr[VMSHARE_A_MEMBERS];

	if (!attr->data || !attr->len || attr->len % sizeof(*pids) ||
	    attr->len > ROW_MEMBERS_MAX * sizeof(*pids))
		return malformed(err, "a set without members");
	memcpy(pids, attr->data, attr->len);
	*count = attr->len / sizeof(*pids);
	return 0;
}

int decode_set(const void *attrs, size_t len, struct snapshot *snap, struct error *err)
{
	uint32_t pids[ROW_MEMBERS_MAX];
	uint64_t outside, frames;
	struct row row;
	struct set *set;
	size_t count = 0;

	if (read_row(attrs, len, &row, err) || read_members(&row, pids, &count, err) ||
	    need_number(&row, VMSHARE_A_OUTSIDE, 1, &outside, err) ||
	    need_number(&row, VMSHARE_A_FRAMES_BYTES, sizeof(uint64_t), &frames, err) ||
	    check_members(snap, pids, count, err))
		return -1;
	set = snapshot_add_set(snap, pids, count);
	if (!set)
		return not_added(err);
	set->outside = outside != 0;
	set->frames_bytes = frames;
	return 0;
}

static const struct fact_source cpu_sources[] = {
	{ VMSHARE_A_TRACKED_NS, 8, CPU_TRACKED_NS },
	{ VMSHARE_A_CPUS, 4, CPU_CPUS },
	{ VMSHARE_A_VMS_NS, 8, CPU_VMS_NS },
	{ VMSHARE_A_HOST_NS, 8, CPU_HOST_NS },
	{ VMSHARE_A_IDLE_NS, 8, CPU_IDLE_NS },
};

int decode_cpu(const void *attrs, size_t len, struct cpu *cpu, struct error *err)
{
	struct row row;
	uint64_t hooks;

	if (read_row(attrs, len, &row, err) ||
	    read_facts(&row, cpu_sources, COUNT(cpu_sources), &cpu->host, err))
		return -1;
	if (read_number(&row.attr[VMSHARE_A_HOOKS], sizeof(uint32_t), &hooks) > 0)
		cpu->hooks = (uint32_t)hooks;
	return 0;
}

static const struct fact_source thread_sources[] = {
	{ VMSHARE_A_RUN_NS, 8, THREAD_RUN_NS },
	{ VMSHARE_A_READY_NS, 8, THREAD_READY_NS },
	{ VMSHARE_A_GUEST_NS, 8, THREAD_GUEST_NS },
	{ VMSHARE_A_VOLUNTARY_SWITCHES, 8, THREAD_VOLUNTARY_SWITCHES },
	{ VMSHARE_A_INVOLUNTARY_SWITCHES, 8, THREAD_INVOLUNTARY_SWITCHES },
	{ VMSHARE_A_MIGRATIONS, 8, THREAD_MIGRATIONS },
	{ VMSHARE_A_EXITS, 8, THREAD_EXITS },
	{ VMSHARE_A_WAITS, 8, THREAD_WAITS },
	{ VMSHARE_A_WAKEUPS, 8, THREAD_WAKEUPS },
	{ VMSHARE_A_WAIT_NS, 8, THREAD_WAIT_NS },
	{ VMSHARE_A_ENTRIES, 8, THREAD_ENTRIES },
	{ VMSHARE_A_IN_GUEST_NS, 8, THREAD_IN_GUEST_NS },
};

static int read_histogram(const struct row *row, struct histogram *histogram, struct error *err)
{
	const struct attribute *attr = &row->attr[VMSHARE_A_WAIT_HISTOGRAM];
	size_t i, bucket;
	uint64_t count;

	if (!attr->data)
		return 0;
	if (attr->len % sizeof(count))
		return malformed(err, "a histogram of something else than counts");
	histogram->known = true;
	for (i = 0; i < attr->len / sizeof(count); i++) {
		memcpy(&count, attr->data + i * sizeof(count), sizeof(count));
		bucket = i < CPU_BUCKETS ? i : CPU_BUCKETS - 1;
		histogram->count[bucket] = add_saturating(histogram->count[bucket], count);
	}
	return 0;
}

static int add_exit_reason(struct counters *counters, const struct attribute *nest,
			   struct error *err)
{
	struct attribute attr, found[VMSHARE_EXIT_MAX + 1] = {};
	const uint8_t *at = nest->data;
	size_t left = nest->len;
	char name[CPU_EXIT_NAME] = "";
	uint64_t count;
	int more;

	while ((more = next_attribute(&at, &left, &attr)) > 0) {
		if (attr.type <= VMSHARE_EXIT_MAX)
			found[attr.type] = attr;
	}
	if (more || !found[VMSHARE_EXIT_NAME].data ||
	    read_number(&found[VMSHARE_EXIT_COUNT], sizeof(count), &count) <= 0)
		return malformed(err, "an exit reason without its name or count");
	strncpy(name, (const char *)found[VMSHARE_EXIT_NAME].data,
		found[VMSHARE_EXIT_NAME].len < sizeof(name) ? found[VMSHARE_EXIT_NAME].len :
							      sizeof(name) - 1);
	return counters_add_exit(counters, name, count) ? error_no_memory(err) : 0;
}

/* EXIT_REASON is repeated, so that a row by number does not hold them all. */
static int read_exit_reasons(const void *attrs, size_t len, struct counters *counters,
			     struct error *err)
{
	const uint8_t *at = attrs;
	struct attribute attr;

	while (next_attribute(&at, &len, &attr) > 0) {
		if (attr.type == VMSHARE_A_EXIT_REASON && add_exit_reason(counters, &attr, err))
			return -1;
	}
	return 0;
}

/* A vCPU has an id; a kind that is not known yet is some other thread of the VM. */
static int read_kind(const struct row *row, struct thread *thread, struct error *err)
{
	uint64_t kind = VMSHARE_THREAD_VMM, id = 0, in_process = 0;
	int tells = read_number(&row->attr[VMSHARE_A_IN_PROCESS], sizeof(uint8_t), &in_process);
	int has_id = read_number(&row->attr[VMSHARE_A_VCPU_ID], sizeof(uint32_t), &id);

	if (has_id < 0 ||
	    read_number(&row->attr[VMSHARE_A_THREAD_KIND], sizeof(uint32_t), &kind) < 0 ||
	    tells < 0)
		return malformed(err, "a number has the wrong size");
	thread->kind = kind == VMSHARE_THREAD_VCPU ? THREAD_VCPU :
		       kind == VMSHARE_THREAD_KERNEL ? THREAD_KERNEL : THREAD_VMM;
	/* before ABI 4 it is not told */
	thread->in_process = tells ? in_process != 0 : thread->kind != THREAD_KERNEL;
	thread->vcpu_id = (uint32_t)id;
	return thread->kind == THREAD_VCPU && !has_id ? malformed(err, "a vCPU without an id") : 0;
}

int decode_thread(const void *attrs, size_t len, struct cpu *cpu, struct error *err)
{
	const struct attribute *comm;
	struct thread *thread;
	struct row row;
	uint32_t pid;
	uint64_t tid;

	if (read_row(attrs, len, &row, err) || need_pid(&row, &pid, err) ||
	    need_number(&row, VMSHARE_A_TID, sizeof(uint32_t), &tid, err))
		return -1;
	thread = cpu_add_thread(cpu);
	if (!thread)
		return error_no_memory(err);
	thread->pid = pid;
	thread->tid = (uint32_t)tid;
	comm = &row.attr[VMSHARE_A_COMM];
	if (comm->data)
		strncpy(thread->comm, (const char *)comm->data,
			comm->len < CPU_COMM ? comm->len : CPU_COMM - 1);
	if (read_kind(&row, thread, err) ||
	    read_facts(&row, thread_sources, COUNT(thread_sources), &thread->counters.facts, err) ||
	    read_histogram(&row, &thread->counters.waits, err))
		return -1;
	return read_exit_reasons(attrs, len, &thread->counters, err);
}

int decode_preemption(const void *attrs, size_t len, struct cpu *cpu, struct error *err)
{
	struct preemption *row;
	struct row attr;
	uint64_t by;
	uint32_t pid;
	int idle, unknown;

	if (read_row(attrs, len, &attr, err) || need_pid(&attr, &pid, err) ||
	    need_number(&attr, VMSHARE_A_BY_PID, sizeof(uint32_t), &by, err))
		return -1;
	row = cpu_add_preemption(cpu);
	if (!row)
		return error_no_memory(err);
	row->victim = pid;
	row->by = (uint32_t)by;
	if (need_number(&attr, VMSHARE_A_COUNT, sizeof(uint64_t), &row->count, err) ||
	    need_number(&attr, VMSHARE_A_WAIT_NS, sizeof(uint64_t), &row->wait_ns, err))
		return -1;
	idle = read_number(&attr.attr[VMSHARE_A_IDLE_WAIT_NS], sizeof(uint64_t), &row->idle_ns);
	unknown = read_number(&attr.attr[VMSHARE_A_UNKNOWN_WAIT_NS], sizeof(uint64_t),
			      &row->unknown_ns);
	if (idle < 0 || unknown < 0)
		return malformed(err, "a number has the wrong size");
	row->idle_known = idle > 0;
	row->unknown_known = unknown > 0;
	return 0;
}
