// SPDX-License-Identifier: GPL-2.0
/* Bytes to the model: right ones, cut ones, and ones with a bit turned. */
#include "test.h"

#include <linux/vmshare.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "decode.h"

typedef int (*decode_fn)(const void *attrs, size_t len, struct snapshot *snap, struct error *err);

static struct bytes host_bytes(void)
{
	struct bytes bytes = {};

	put_u64(&bytes, VMSHARE_A_GENERATION, 42);
	put_attr(&bytes, VMSHARE_A_PAD, NULL, 0);
	put_u32(&bytes, VMSHARE_A_ENGINE, VMSHARE_ENGINE_PAGES);
	put_u64(&bytes, VMSHARE_A_TIME_NS, 1234567890123456789ull);
	put_u64(&bytes, VMSHARE_A_WALK_NS, 77);
	put_u8(&bytes, VMSHARE_A_CONSISTENT, 1);
	put_u64(&bytes, VMSHARE_A_MERGED_FRAMES, 4);
	put_u64(&bytes, VMSHARE_A_MERGED_MAPPINGS, 24);
	return bytes;
}

static struct bytes vm_bytes(uint32_t pid)
{
	struct bytes bytes = {};

	put_u64(&bytes, VMSHARE_A_GENERATION, 42);
	put_u32(&bytes, VMSHARE_A_PID, pid);
	put_text(&bytes, VMSHARE_A_COMM, "qemu");
	put_u64(&bytes, VMSHARE_A_START_TIME_NS, 5);
	put_u64(&bytes, VMSHARE_A_ANON_BYTES, 32768);
	put_u64(&bytes, VMSHARE_A_UNIQUE_BYTES, 0);
	put_u32(&bytes, VMSHARE_A_VCPUS, 2);
	return bytes;
}

static struct bytes vcpu_bytes(uint32_t pid, uint32_t id)
{
	struct bytes bytes = {};

	put_u32(&bytes, VMSHARE_A_PID, pid);
	put_u32(&bytes, VMSHARE_A_VCPU_ID, id);
	put_u32(&bytes, VMSHARE_A_TID, 101);
	put_u64(&bytes, VMSHARE_A_EXITS, 9);
	return bytes;
}

static struct bytes set_bytes(const uint32_t *pids, size_t count)
{
	struct bytes bytes = {};

	put_attr(&bytes, VMSHARE_A_MEMBERS, pids, count * sizeof(*pids));
	put_u8(&bytes, VMSHARE_A_OUTSIDE, 1);
	put_u64(&bytes, VMSHARE_A_FRAMES_BYTES, 8192);
	return bytes;
}

static struct bytes info_bytes(void)
{
	struct bytes bytes = {}, nest = {};

	put_u32(&bytes, VMSHARE_A_ABI, 1);
	put_text(&bytes, VMSHARE_A_MODULE_VERSION, "1.2.3");
	put_u32(&bytes, VMSHARE_A_ENGINE, VMSHARE_ENGINE_TREE);
	put_text(&nest, VMSHARE_CAP_NAME, "tree");
	put_u8(&nest, VMSHARE_CAP_AVAILABLE, 1);
	put_attr(&bytes, VMSHARE_A_CAPABILITY | 0x8000, nest.data, nest.len);
	nest.len = 0;
	put_text(&nest, VMSHARE_CAP_NAME, "events");
	put_u8(&nest, VMSHARE_CAP_AVAILABLE, 0);
	put_text(&nest, VMSHARE_CAP_REASON, "no such tracepoint");
	put_attr(&bytes, VMSHARE_A_CAPABILITY, nest.data, nest.len);
	return bytes;
}

static void put_exit(struct bytes *bytes, const char *name, uint64_t count)
{
	struct bytes nest = {};

	put_text(&nest, VMSHARE_EXIT_NAME, name);
	put_u64(&nest, VMSHARE_EXIT_COUNT, count);
	put_attr(bytes, VMSHARE_A_EXIT_REASON | 0x8000, nest.data, nest.len);
}

static struct bytes thread_bytes(uint32_t tid)
{
	uint64_t waits[] = { 1, 0, 5 };
	struct bytes bytes = {};

	put_u32(&bytes, VMSHARE_A_PID, 10);
	put_u32(&bytes, VMSHARE_A_TID, tid);
	put_u32(&bytes, VMSHARE_A_THREAD_KIND, VMSHARE_THREAD_VCPU);
	put_u32(&bytes, VMSHARE_A_VCPU_ID, 3);
	put_text(&bytes, VMSHARE_A_COMM, "CPU 3/KVM");
	put_u64(&bytes, VMSHARE_A_RUN_NS, 1000);
	put_u64(&bytes, VMSHARE_A_WAKEUPS, 4);
	put_attr(&bytes, VMSHARE_A_WAIT_HISTOGRAM, waits, sizeof(waits));
	put_exit(&bytes, "io", 7);
	put_exit(&bytes, "hlt", 9);
	return bytes;
}

static struct bytes preemption_bytes(void)
{
	struct bytes bytes = {};

	put_u32(&bytes, VMSHARE_A_PID, 10);
	put_u32(&bytes, VMSHARE_A_BY_PID, 0);
	put_u64(&bytes, VMSHARE_A_COUNT, 3);
	put_u64(&bytes, VMSHARE_A_WAIT_NS, 300);
	put_u64(&bytes, VMSHARE_A_IDLE_WAIT_NS, 20);
	return bytes;
}

static struct bytes cpu_bytes(void)
{
	struct bytes bytes = {};

	put_u32(&bytes, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);
	put_u32(&bytes, VMSHARE_A_CPUS, 2);
	put_u64(&bytes, VMSHARE_A_TRACKED_NS, 100);
	put_u64(&bytes, VMSHARE_A_IDLE_NS, 150);
	return bytes;
}

/* A snapshot with the VMs 10, 20 and 30, to decode into. */
static void make_snapshot(struct snapshot *snap)
{
	snapshot_init(snap);
	snapshot_add_vm(snap, 20);
	snapshot_add_vm(snap, 10);
	snapshot_add_vm(snap, 30);
}

static void test_host(void)
{
	struct bytes bytes = host_bytes();
	struct snapshot snap;
	struct error err;
	uint64_t value = 0;

	snapshot_init(&snap);
	ok(!decode_host(bytes.data, bytes.len, &snap, &err), "a host message is taken");
	is_number(snap.host.value[HOST_GENERATION], 42, "generation");
	is_number(snap.host.value[HOST_TIME_NS], 1234567890123456789ull, "time");
	is_number(snap.engine, ENGINE_PAGES, "engine");
	ok(facts_get(&snap.host, HOST_CONSISTENT, &value) && value == 1, "consistent");
	ok(!facts_get(&snap.host, HOST_KSM_STALE_ITEMS, &value), "what is absent is not known");
	snapshot_free(&snap);

	bytes.len = 0;
	put_u64(&bytes, VMSHARE_A_TIME_NS, 1);
	ok(decode_host(bytes.data, bytes.len, &snap, &err), "no generation is refused");
	put_u64(&bytes, VMSHARE_A_GENERATION, 0);
	ok(decode_host(bytes.data, bytes.len, &snap, &err), "generation 0 is refused");
}

static void test_vm(void)
{
	struct bytes bytes = vm_bytes(100);
	struct snapshot snap;
	struct error err;
	uint64_t value;

	snapshot_init(&snap);
	ok(!decode_vm(bytes.data, bytes.len, &snap, &err), "a VM is taken");
	is_number(snap.n_vms, 1, "one VM");
	is_number(snap.vms[0].pid, 100, "its pid");
	ok(facts_get(&snap.vms[0].facts, VM_UNIQUE, &value) && !value, "0 is known");
	ok(!facts_get(&snap.vms[0].facts, VM_SHMEM, &value), "absent is not known");
	is_number(snap.vms[0].facts.value[VM_VCPUS], 2, "its vCPUs");
	ok(decode_vm(bytes.data, bytes.len, &snap, &err), "the same VM twice is refused");
	bytes = vm_bytes(0);
	ok(decode_vm(bytes.data, bytes.len, &snap, &err), "pid 0 is refused");
	bytes = vm_bytes(200);
	put_u64(&bytes, 999, 1);
	put_text(&bytes, VMSHARE_A_MAX + 1, "new");
	ok(!decode_vm(bytes.data, bytes.len, &snap, &err), "unknown attributes are skipped");
	bytes = vm_bytes(300);
	put_u32(&bytes, VMSHARE_A_SWAP_BYTES, 1);
	ok(decode_vm(bytes.data, bytes.len, &snap, &err), "a number of the wrong size is refused");
	has_text(err.message, "wrong size", "with a reason");
	snapshot_free(&snap);
}

static void test_vcpu_and_set(void)
{
	uint32_t pids[] = { 10, 30 }, unknown[] = { 10, 31 }, twice[] = { 10, 10 };
	struct bytes bytes = vcpu_bytes(20, 1);
	struct snapshot snap;
	struct error err;

	make_snapshot(&snap);
	ok(!decode_vcpu(bytes.data, bytes.len, &snap, &err), "a vCPU is taken");
	is_number(snap.vms[1].n_vcpus, 1, "by its VM");
	ok(decode_vcpu(bytes.data, bytes.len, &snap, &err), "the same vCPU twice is refused");
	bytes = vcpu_bytes(21, 1);
	ok(decode_vcpu(bytes.data, bytes.len, &snap, &err), "a vCPU of no VM is refused");

	bytes = set_bytes(pids, 2);
	ok(!decode_set(bytes.data, bytes.len, &snap, &err), "a set is taken");
	ok(snap.n_sets == 1 && snap.sets[0].n_pids == 2 && snap.sets[0].pids[1] == 30 &&
	   snap.sets[0].outside && snap.sets[0].frames_bytes == 8192, "as it was given");
	bytes = set_bytes(unknown, 2);
	ok(decode_set(bytes.data, bytes.len, &snap, &err), "a set with no VM is refused");
	bytes = set_bytes(twice, 2);
	ok(decode_set(bytes.data, bytes.len, &snap, &err), "a VM twice in a set is refused");
	bytes = set_bytes(pids, 0);
	ok(decode_set(bytes.data, bytes.len, &snap, &err), "an empty set is refused");
	bytes.len = 0;
	put_attr(&bytes, VMSHARE_A_MEMBERS, pids, 7);
	ok(decode_set(bytes.data, bytes.len, &snap, &err), "half a pid is refused");
	snapshot_free(&snap);
}

static void test_info(void)
{
	struct module_info info = {};
	struct bytes bytes = info_bytes();
	struct error err;

	ok(!decode_info(bytes.data, bytes.len, &info, &err), "module information is taken");
	is_text(info.version, "1.2.3", "version");
	is_number(info.n_capabilities, 2, "two capabilities");
	ok(info.capabilities[0].available && !info.capabilities[0].reason, "one available");
	is_text(info.capabilities[1].reason, "no such tracepoint", "one with a reason");
	module_info_free(&info);

	bytes.len = 0;
	put_attr(&bytes, VMSHARE_A_MODULE_VERSION, "ab", 2);
	ok(!decode_info(bytes.data, bytes.len, &info, &err), "a string without its end is taken");
	is_text(info.version, "ab", "as far as it goes");
	put_attr(&bytes, VMSHARE_A_CAPABILITY, "xx", 2);
	ok(decode_info(bytes.data, bytes.len, &info, &err), "a broken capability is refused");
	module_info_free(&info);
}

static void test_thread(void)
{
	struct bytes bytes = thread_bytes(11);
	struct thread *thread;
	struct cpu cpu = {};
	struct error err;
	uint64_t value;

	ok(!decode_thread(bytes.data, bytes.len, &cpu, &err), "a thread is taken");
	thread = &cpu.threads[0];
	ok(thread->pid == 10 && thread->tid == 11 && thread->kind == THREAD_VCPU &&
	   thread->vcpu_id == 3, "who it is");
	is_text(thread->comm, "CPU 3/KVM", "its name");
	ok(facts_get(&thread->counters.facts, THREAD_RUN_NS, &value) && value == 1000, "run time");
	ok(!facts_get(&thread->counters.facts, THREAD_READY_NS, &value), "absent is not known");
	ok(thread->counters.waits.known && thread->counters.waits.count[0] == 1 &&
	   thread->counters.waits.count[2] == 5 && !thread->counters.waits.count[3], "its waits");
	ok(thread->counters.n_exits == 2 && !strcmp(thread->counters.exits[0].name, "hlt") &&
	   thread->counters.exits[0].count == 9 && thread->counters.exits[1].count == 7,
	   "exits by reason");
	ok(!decode_thread(bytes.data, bytes.len, &cpu, &err) && !cpu_sort(&cpu),
	   "the same thread twice is noticed");
	bytes.len = 0;
	put_u32(&bytes, VMSHARE_A_PID, 10);
	ok(decode_thread(bytes.data, bytes.len, &cpu, &err), "a thread without TID is refused");
	put_u32(&bytes, VMSHARE_A_TID, 12);
	put_u32(&bytes, VMSHARE_A_THREAD_KIND, VMSHARE_THREAD_VCPU);
	ok(decode_thread(bytes.data, bytes.len, &cpu, &err), "a vCPU without id is refused");
	bytes = thread_bytes(13);
	put_attr(&bytes, VMSHARE_A_WAIT_HISTOGRAM, "1234567", 7);
	ok(decode_thread(bytes.data, bytes.len, &cpu, &err), "half a count is refused");
	cpu_free(&cpu);
}

static void test_long_histogram(void)
{
	uint64_t waits[80];
	struct bytes bytes = {};
	struct cpu cpu = {};
	struct error err;
	size_t i;

	for (i = 0; i < 80; i++)
		waits[i] = 1;
	put_u32(&bytes, VMSHARE_A_PID, 10);
	put_u32(&bytes, VMSHARE_A_TID, 0);
	put_attr(&bytes, VMSHARE_A_WAIT_HISTOGRAM, waits, sizeof(waits));
	put_u32(&bytes, VMSHARE_A_THREAD_KIND, 77);
	ok(!decode_thread(bytes.data, bytes.len, &cpu, &err), "a longer histogram is taken");
	is_number(cpu.threads[0].counters.waits.count[CPU_BUCKETS - 1], 80 - CPU_BUCKETS + 1,
		  "what is too long to be counted apart is in the last");
	is_number(cpu.threads[0].kind, THREAD_VMM, "a kind that is not known yet");
	cpu_free(&cpu);
}

static void test_preemption(void)
{
	struct bytes bytes = preemption_bytes();
	struct cpu cpu = {};
	struct error err;
	uint64_t value;

	ok(!decode_preemption(bytes.data, bytes.len, &cpu, &err), "a preemption is taken");
	ok(cpu.preemptions[0].victim == 10 && !cpu.preemptions[0].by &&
	   cpu.preemptions[0].count == 3 && cpu.preemptions[0].wait_ns == 300 &&
	   cpu.preemptions[0].idle_ns == 20 && !cpu.preemptions[0].unknown_ns, "as it was given");
	bytes.len = 0;
	put_u32(&bytes, VMSHARE_A_PID, 10);
	ok(decode_preemption(bytes.data, bytes.len, &cpu, &err), "by nobody said is refused");
	bytes = cpu_bytes();
	ok(!decode_cpu(bytes.data, bytes.len, &cpu, &err) && cpu.hooks == VMSHARE_HOOK_SCHED,
	   "the host's CPUs are taken");
	ok(facts_get(&cpu.host, CPU_IDLE_NS, &value) && value == 150, "idle time");
	ok(!facts_get(&cpu.host, CPU_VMS_NS, &value), "absent is not known");
	cpu_free(&cpu);
}

static int decode_thread_alone(const void *attrs, size_t len, struct snapshot *snap,
			       struct error *err)
{
	return decode_thread(attrs, len, &snap->cpu, err);
}

static int decode_preemption_alone(const void *attrs, size_t len, struct snapshot *snap,
				   struct error *err)
{
	return decode_preemption(attrs, len, &snap->cpu, err);
}

static int decode_cpu_alone(const void *attrs, size_t len, struct snapshot *snap,
			    struct error *err)
{
	return decode_cpu(attrs, len, &snap->cpu, err);
}

static int decode_info_alone(const void *attrs, size_t len, struct snapshot *snap,
			     struct error *err)
{
	struct module_info info = {};
	int ret = decode_info(attrs, len, &info, err);

	(void)snap;
	module_info_free(&info);
	return ret;
}

/* From memory of exactly that size, so that the sanitizer sees one byte too many. */
static int decode_copy(decode_fn decode, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct snapshot snap;
	struct error err;
	int ret;

	memcpy(copy, data, len);
	make_snapshot(&snap);
	ret = decode(copy, len, &snap, &err);
	snapshot_free(&snap);
	free(copy);
	return ret;
}

static void mistreat(const char *name, decode_fn decode, struct bytes bytes)
{
	unsigned int runs = 0;
	size_t i;

	for (i = 0; i <= bytes.len; i++, runs++)
		decode_copy(decode, bytes.data, i);
	for (i = 0; i < bytes.len * 8; i++, runs++) {
		bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
		decode_copy(decode, bytes.data, bytes.len);
		bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < 5000; i++, runs++) {
		struct bytes noise = bytes;
		unsigned int turns = 1 + (unsigned int)test_random_below(8);

		while (turns--)
			noise.data[test_random_below(noise.len)] = (uint8_t)test_random();
		decode_copy(decode, noise.data, test_random_below(noise.len + 1));
	}
	ok(true, "%s: %u cut, bent and random messages", name, runs);
}

static void test_hostile(void)
{
	uint32_t pids[] = { 10, 20, 30 };

	ok(decode_copy(decode_vm, vm_bytes(7).data, 21), "a cut message is refused");
	mistreat("info", decode_info_alone, info_bytes());
	mistreat("host", decode_host, host_bytes());
	mistreat("vm", decode_vm, vm_bytes(100));
	mistreat("vcpu", decode_vcpu, vcpu_bytes(20, 0));
	mistreat("set", decode_set, set_bytes(pids, 3));
	mistreat("thread", decode_thread_alone, thread_bytes(11));
	mistreat("preemption", decode_preemption_alone, preemption_bytes());
	mistreat("cpu", decode_cpu_alone, cpu_bytes());
}

void test_decode(void)
{
	test_host();
	test_vm();
	test_vcpu_and_set();
	test_info();
	test_thread();
	test_long_histogram();
	test_preemption();
	test_hostile();
}
