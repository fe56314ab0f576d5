// SPDX-License-Identifier: GPL-2.0
/* The document: round trips, and documents that must be refused by their path. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapjson.h"

#define VM(rest) "{\"version\":1,\"vms\":[{\"pid\":5" rest "}]}"
#define SETS(rest) "{\"version\":1,\"vms\":[{\"pid\":5},{\"pid\":6}],\"sets\":[" rest "]}"

#define WINDOW(rest) "{\"version\":1,\"vms\":[],\"window_ns\":9,\"preemptions\":[" rest "]}"

/* It shares nothing with others, and maps frames with them. */
#define ALONE(top, set) "{\"version\":1" top ",\"vms\":[{\"pid\":5,\"inter_shared_bytes\":0}," \
	"{\"pid\":6}],\"sets\":[{" set "}]}"

static const struct {
	const char *document;
	const char *path;
} bad[] = {
	{ "[]", "the document: must be an object" },
	{ "{}", "version: is missing" },
	{ "{\"version\":2,\"vms\":[]}", "version: is 2" },
	{ "{\"version\":\"1\",\"vms\":[]}", "version: must be a whole number, not a string" },
	{ "{\"version\":1.0,\"vms\":[]}", "version: must be a whole number" },
	{ "{\"version\":1}", "vms: is missing" },
	{ "{\"version\":1,\"vms\":{}}", "vms: must be an array" },
	{ "{\"version\":1,\"vms\":[7]}", "vms[0]: must be an object" },
	{ "{\"version\":1,\"vms\":[{}]}", "vms[0].pid: is missing" },
	{ "{\"version\":1,\"vms\":[{\"pid\":0}]}", "vms[0]: pid 0" },
	{ "{\"version\":1,\"vms\":[{\"pid\":-3}]}", "vms[0].pid: must not be negative" },
	{ "{\"version\":1,\"vms\":[{\"pid\":4294967296}]}", "vms[0].pid: is too large" },
	{ "{\"version\":1,\"vms\":[{\"pid\":5},{\"pid\":5}]}", "vms[1]: has the pid" },
	{ "{\"version\":1,\"vms\":[],\"host\":5}", "host: must be an object" },
	{ "{\"version\":1,\"vms\":[],\"host\":{\"ksm\":[]}}", "host.ksm: must be an object" },
	{ "{\"version\":1,\"vms\":[],\"host\":{\"ksm\":{\"run\":-1}}}", "host.ksm.run: must not" },
	{ "{\"version\":1,\"vms\":[],\"host\":{\"engine\":\"x\"}}", "host.engine: must be" },
	{ "{\"version\":1,\"vms\":[],\"host\":{\"engine\":\"auto\"}}", "host.engine: must be" },
	{ "{\"version\":1,\"vms\":[],\"host\":{\"engine\":4}}", "host.engine: must be a string" },
	{ "{\"version\":1,\"vms\":[],\"consistent\":1}", "consistent: must be true or false" },
	{ "{\"version\":1,\"vms\":[],\"kernel\":6.1}", "kernel: must be a string" },
	{ "{\"version\":1,\"vms\":[],\"generation\":null}", "generation: must be a whole number" },
	{ VM(",\"name\":7"), "vms[0].name: must be a string" },
	{ VM(",\"uuid\":[]"), "vms[0].uuid: must be a string" },
	{ VM(",\"pinned\":\"yes\""), "vms[0].pinned: must be true or false" },
	{ VM(",\"unique_bytes\":-1"), "vms[0].unique_bytes: must not be negative, is -1" },
	{ VM(",\"unique_bytes\":\"4K\""), "vms[0].unique_bytes: must be a whole number" },
	{ VM(",\"unique_bytes\":1.5"), "vms[0].unique_bytes: must be a whole number" },
	{ VM(",\"unique_bytes\":1e30"), "vms[0].unique_bytes: must be a whole number" },
	{ VM(",\"cost\":-1"), "vms[0].cost: must not be negative" },
	{ VM(",\"unique_bytes\":99999999999999999999"), "is not a JSON document" },
	{ VM(",\"pid\":6"), "is not a JSON document" },	/* a key twice */
	{ VM(",\"vcpus\":{}"), "vms[0].vcpus: must be an array" },
	{ VM(",\"vcpus\":[1]"), "vms[0].vcpus[0]: must be an object" },
	{ VM(",\"vcpus\":[{}]"), "vms[0].vcpus[0].id: is missing" },
	{ VM(",\"vcpus\":[{\"id\":0},{\"id\":0}]"), "vms[0].vcpus[1]: has the id" },
	{ VM(",\"vcpus\":[{\"id\":0,\"run_ns\":true}]"), "vms[0].vcpus[0].run_ns: must be" },
	{ SETS("5"), "sets[0]: must be an object" },
	{ SETS("{}"), "sets[0].vms: is missing" },
	{ SETS("{\"vms\":5}"), "sets[0].vms: must be an array" },
	{ SETS("{\"vms\":[5]}"), "sets[0].outside: is missing" },
	{ SETS("{\"vms\":[5],\"outside\":0}"), "sets[0].outside: must be true or false" },
	{ SETS("{\"vms\":[5],\"outside\":false}"), "sets[0].frames_bytes: is missing" },
	{ SETS("{\"vms\":[],\"outside\":false,\"frames_bytes\":1}"), "sets[0]: has no VMs" },
	{ SETS("{\"vms\":[7],\"outside\":false,\"frames_bytes\":1}"), "sets[0].vms[0]: names pid 7" },
	{ SETS("{\"vms\":[5,5],\"outside\":false,\"frames_bytes\":1}"), "sets[0]: names a VM twice" },
	{ SETS("{\"vms\":[-5],\"outside\":false,\"frames_bytes\":1}"), "sets[0].vms[0]: must not" },
	{ SETS("{\"vms\":[5],\"outside\":false,\"frames_bytes\":-1}"), "sets[0].frames_bytes: must" },
	{ SETS("{\"vms\":[5,6],\"outside\":false,\"frames_bytes\":1},"
	       "{\"vms\":[6,5],\"outside\":false,\"frames_bytes\":2}"), "sets: the set of 2 VMs" },
	{ ALONE("", "\"vms\":[6,5],\"outside\":false,\"frames_bytes\":4096"),
	  "sets[0]: names pid 5, whose inter_shared_bytes is 0" },
	{ ALONE(",\"consistent\":true", "\"vms\":[5],\"outside\":true,\"frames_bytes\":4096"),
	  "sets[0]: names pid 5, whose inter_shared_bytes is 0" },
	{ VM("},{\"pid\":4,\"unique_bytes\":9223372036854775807},{\"pid\":3,\"swap_bytes\":1"),
	  "vms: the sizes of all VMs and sets add up" },
	{ "{\"version\":1,\"vms\":[{\"pid\":5,\"shmem_bytes\":9223372036854775807}],\"sets\":["
	  "{\"vms\":[5],\"outside\":false,\"frames_bytes\":1}]}", "add up to more than 8 EiB" },
	{ VM(",\"threads\":[5]"), "vms[0].threads[0]: must be an object" },
	{ VM(",\"threads\":[{\"kind\":\"vmm\"}]"), "vms[0].threads[0].tid: is missing" },
	{ VM(",\"threads\":[{\"tid\":6}]"), "vms[0].threads[0].kind: must be" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"x\"}]"), "vms[0].threads[0].kind: must be" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vcpu\"}]"), "vms[0].threads[0].vcpu: is missing" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"window\":7}]"),
	  "vms[0].threads[0].window: must be an object" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"window\":{\"ready_histogram\":[-1]}}]"),
	  "vms[0].threads[0].window.ready_histogram[0]: must not be negative" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"exits_by_reason\":{\"io\":\"1\"}}]"),
	  "vms[0].threads[0].exits_by_reason: must be a whole number" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\"},{\"tid\":6,\"kind\":\"vmm\"}]"),
	  "vms: the same tid is twice" },
	{ VM(",\"threads\":7"), "vms[0].threads: must be an array" },
	{ VM(",\"threads\":[{\"tid\":2147483648}]"), "vms[0].threads[0].tid: is too large" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":7}]"), "vms[0].threads[0].kind: must be a string" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"comm\":7}]"), "threads[0].comm: must be a string" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"run_ns\":-7}]"), "threads[0].run_ns: must not be" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"exits_by_reason\":7}]"),
	  "vms[0].threads[0].exits_by_reason: must be an object" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"exits_by_reason\":"
	     "{\"a-reason-longer-than-any-that-kvm-has\":1}}]"), "has a name longer than 31 bytes" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"window\":{\"ready_histogram\":7}}]"),
	  "window.ready_histogram: must be an array" },
	{ VM(",\"threads\":[{\"tid\":6,\"kind\":\"vmm\",\"window\":{\"run_ns\":-7}}]"), "window.run_ns: must not" },
	{ "{\"version\":1,\"vms\":[],\"window_ns\":\"9\"}", "window_ns: must be a whole number" },
	{ "{\"version\":1,\"vms\":[],\"window_ns\":9,\"preemptions\":7}", "preemptions: must be an array" },
	{ "{\"version\":1,\"vms\":[],\"window_ns\":9,\"host\":{\"window\":7}}", "host.window: must be an object" },
	{ "{\"version\":1,\"vms\":[],\"window_ns\":9,\"host\":{\"window\":{\"cpus\":-7}}}",
	  "host.window.cpus: must not be negative" },
	{ "{\"version\":1,\"vms\":[],\"sets\":7}", "sets: must be an array" },
	{ WINDOW("{\"victim\":2147483648,\"by\":0,\"count\":1,\"wait_ns\":1}"), "victim or by is no pid" },
	{ WINDOW("{\"victim\":5,\"by\":2147483648,\"count\":1,\"wait_ns\":1}"), "victim or by is no pid" },
	{ "{\"version\":1,\"vms\":[],\"window_ns\":0}", "window_ns: must not be 0" },
	{ WINDOW("5"), "preemptions[0]: must be an object" },
	{ WINDOW("{\"victim\":5,\"by\":0,\"count\":1}"), "preemptions[0]: wait_ns is missing" },
	{ WINDOW("{\"victim\":0,\"by\":0,\"count\":1,\"wait_ns\":1}"), "victim or by is no pid" },
	{ WINDOW("{\"victim\":5,\"by\":6,\"count\":1,\"wait_ns\":1},"
		 "{\"victim\":5,\"by\":6,\"count\":1,\"wait_ns\":2}"), "the same victim and by" },
	{ "", "is not a JSON document" },
	{ "{", "is not a JSON document" },
	{ "{\"version\":1,\"vms\":[]} trailing", "is not a JSON document" },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"name\":\"\xff\"}]}", "is not a JSON document" },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"name\":\"\\u0000\"}]}", "is not a JSON document" },
};

static int load(const char *document, size_t len, struct snapshot *snap, struct error *err)
{
	char path[4096 + 64];

	test_file("/document", document, len);
	snprintf(path, sizeof(path), "%s/document", test_root());
	return snapjson_load(path, snap, err);
}

static void test_refusals(void)
{
	struct snapshot snap;
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(load(bad[i].document, strlen(bad[i].document), &snap, &err) == -1 &&
		   err.code == EXIT_RUNTIME, "refused: %.60s", bad[i].document);
		has_text(err.message, bad[i].path, "says where: %s", bad[i].path);
	}
	ok(snapjson_load("/nonexistent/file", &snap, &err) == -1, "no such file");
	has_text(err.message, "/nonexistent/file: cannot open", "says which file");
}

/* What looks like a contradiction and is none. */
static void test_accepted(void)
{
	static const char *const good[] = {
		ALONE(",\"consistent\":false", "\"vms\":[5,6],\"outside\":false,\"frames_bytes\":4096"),
		ALONE("", "\"vms\":[5],\"outside\":false,\"frames_bytes\":4096"),
		ALONE("", "\"vms\":[5,6],\"outside\":false,\"frames_bytes\":0"),
		/* of a file all is counted, of a process what it maps */
		VM(",\"shmem_bytes\":4096,\"private_shmem_bytes\":8192"),
	};
	struct snapshot snap;
	struct error err = {};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (ok(!load(good[i], strlen(good[i]), &snap, &err), "read: %.60s %s", good[i],
		       err.message))
			snapshot_free(&snap);
	}
}

static void test_depth(void)
{
	size_t len = 100000;
	char *deep = malloc(len);
	struct snapshot snap;
	struct error err;

	memset(deep, '[', len);
	ok(load(deep, len, &snap, &err) == -1, "100000 open brackets are refused");
	free(deep);
}

/* Text that is one piece, count times another with a comma between, and an end. */
static char *repeated(const char *begin, const char *piece, size_t count, const char *end,
		      size_t *len)
{
	size_t room = strlen(begin) + count * (strlen(piece) + 16) + strlen(end) + 1, i;
	char *text = malloc(room);

	*len = (size_t)sprintf(text, "%s", begin);
	for (i = 0; i < count; i++) {
		if (i)
			text[(*len)++] = ',';
		*len += (size_t)sprintf(text + *len, piece, count - i);
	}
	*len += (size_t)sprintf(text + *len, "%s", end);
	return text;
}

static const struct {
	const char *begin, *piece;
	size_t count;
	const char *end, *what;		/* NULL: is read */
} large[] = {
	{ "{\"version\":1,\"vms\":[", "{\"pid\":%zu}", 16384, "]}", NULL },
	{ "{\"version\":1,\"vms\":[", "{\"pid\":%zu}", 16385, "]}", "vms: has 16385 entries" },
	{ "{\"version\":1,\"vms\":[", "{\"pid\":%zu}", 1000000, "]}", "has 1000002 objects" },
	{ "{\"version\":1,\"vms\":[", "%zu", 8000001, "]}", "values; at most 8000000" },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"vcpus\":[", "{\"id\":%zu}", 4096, "]}]}", NULL },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"vcpus\":[", "{\"id\":%zu}", 4097, "]}]}",
	  "vms[0].vcpus: has 4097 entries" },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"threads\":[{\"tid\":1,\"kind\":\"vmm\",\"exits_by_reason\":{",
	  "\"%zu\":1", 256, "}}]}]}", NULL },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"threads\":[{\"tid\":1,\"kind\":\"vmm\",\"exits_by_reason\":{",
	  "\"%zu\":1", 257, "}}]}]}", "exits_by_reason: has 257 entries; at most 256" },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"threads\":[{\"tid\":1,\"kind\":\"vmm\",\"window\":{\"ready_histogram\":[",
	  "%zu", 64, "]}}]}]}", "ready_histogram: has 64 entries" },
	{ "{\"version\":1,\"vms\":[{\"pid\":1,\"name\":\"", "x%zu", 1000, "\"}]}",
	  "vms[0].name: is longer than 4096 bytes" },
};

/* As many as there can be, and one more; always given in descending order. */
static void test_large(void)
{
	struct snapshot snap;
	struct error err;
	size_t i, len;

	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		char *text = repeated(large[i].begin, large[i].piece, large[i].count, large[i].end,
				      &len);
		int ret = load(text, len, &snap, &err);

		if (!large[i].what) {
			ok(!ret, "%zu of %s are read", large[i].count, large[i].piece);
			snapshot_free(&snap);
		} else {
			ok(ret == -1, "%zu of %s are refused", large[i].count, large[i].piece);
			has_text(err.message, large[i].what, "with the limit");
		}
		free(text);
	}
}

/* Longer than any document, and endless. */
static void test_endless(void)
{
	struct snapshot snap;
	struct error err;

	ok(snapjson_load("/dev/zero", &snap, &err) == -1, "a file without end is not read to it");
	has_text(err.message, "is longer than 256 MiB", "but to the limit");
}

static char *print(const struct snapshot *snap)
{
	json_t *document = snapjson_write(snap);
	char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(document);
	return text;
}

static void round_trip(const char *name)
{
	char *source = test_read(name), *first, *wanted;
	json_t *document = json_loads(source, 0, NULL);
	struct snapshot snap;
	struct error err;

	wanted = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	ok(!snapjson_read(document, &snap, &err), "%s is read", name);
	first = print(&snap);
	is_text(first, wanted, "and written with every number it had");
	snapshot_free(&snap);
	json_decref(document);
	free(first);
	free(wanted);
	free(source);
}

static void random_facts(struct facts *facts, const char *const *keys, unsigned int fields)
{
	unsigned int i;

	for (i = 0; i < fields; i++) {
		if (keys[i] && test_random_below(2))
			facts_set(facts, i, test_random() >> (9 + test_random_below(55)));
	}
}

/* What is merged and what is not add up, where all of it is known; all are in sets. */
static void make_sums_true(struct facts *facts)
{
	uint64_t unique, self, inter;

	if (facts_get(facts, VM_INTER_SHARED, &inter) && !inter)
		facts_set(facts, VM_INTER_SHARED, 4096);
	if (facts_get(facts, VM_UNIQUE, &unique) && facts_get(facts, VM_SELF_SHARED, &self) &&
	    facts_get(facts, VM_INTER_SHARED, &inter))
		facts_set(facts, VM_ANON, unique + self + inter);
}

static void random_vm(struct snapshot *snap, uint32_t pid)
{
	struct vm *vm = snapshot_add_vm(snap, pid);
	char name[32];
	uint32_t i;

	random_facts(&vm->facts, vm_field_key, VM_FIELDS);
	make_sums_true(&vm->facts);
	vm->pinned = test_random_below(4) == 0;
	vm->vcpus_known = test_random_below(2);
	snprintf(name, sizeof(name), "vm\"\\\n\033%u", pid);
	vm->name = test_random_below(3) ? strdup(name) : NULL;
	for (i = 0; vm->vcpus_known && i < test_random_below(5); i++)
		random_facts(&vm_add_vcpu(vm, i)->facts, vcpu_field_key, VCPU_FIELDS);
}

static void random_counters(struct counters *counters, unsigned int fields)
{
	static const char *const reasons[] = { "hlt", "io", "irq \"\\" };
	unsigned int i;

	random_facts(&counters->facts, thread_field_key, fields);
	counters->waits.known = fields == THREAD_FIELDS && test_random_below(2);
	for (i = 0; counters->waits.known && i < test_random_below(CPU_BUCKETS + 1); i++)
		counters->waits.count[i] = test_random_below(100);
	for (i = 0; i < test_random_below(4); i++)
		counters_add_exit(counters, reasons[i], 1 + test_random_below(9));
}

/* Threads of a VM, and of some what they did in the window. */
static void random_threads(struct snapshot *snap, uint32_t pid)
{
	uint32_t tid;

	for (tid = 0; tid < test_random_below(5); tid++) {
		struct thread *thread = cpu_add_thread(&snap->cpu), *window;

		thread->pid = pid;
		thread->tid = tid;
		thread->kind = (enum thread_kind)test_random_below(THREAD_KINDS);
		thread->vcpu_id = thread->kind == THREAD_VCPU ? tid + 7 : 0;
		snprintf(thread->comm, sizeof(thread->comm), "CPU %u/KVM", tid);
		if (test_random_below(4)) {
			window = cpu_add_thread(&snap->window);
			*window = *thread;
			random_counters(&window->counters, THREAD_FIELDS);
		}
		random_counters(&thread->counters, THREAD_WAITS);
	}
}

static void random_window(struct snapshot *snap)
{
	uint32_t by;

	snap->window.window_ns = 1 + test_random_below(1000000);
	random_facts(&snap->window.host, cpu_field_key, CPU_FIELDS);
	snap->window.preemptions_known = test_random_below(4);
	for (by = 0; snap->window.preemptions_known && by < test_random_below(6); by++) {
		struct preemption *row = cpu_add_preemption(&snap->window);

		*row = (struct preemption){ 1, by, test_random_below(99), test_random_below(999),
					    by ? 0 : test_random_below(9), by ? 0 : 3, !by, !by };
	}
}

static void random_snapshot(struct snapshot *snap)
{
	uint32_t pids[8], i, count = 1 + (uint32_t)test_random_below(8);

	snapshot_init(snap);
	random_facts(&snap->host, host_field_key, HOST_FIELDS);
	if (facts_or_zero(&snap->host, HOST_CONSISTENT))
		facts_set(&snap->host, HOST_CONSISTENT, 1);
	snap->engine = (enum engine)test_random_below(3);
	for (i = 0; i < count; i++) {
		pids[i] = 1 + i * 7;
		random_vm(snap, pids[i]);
		random_threads(snap, pids[i]);
	}
	if (test_random_below(4))
		random_window(snap);
	else
		cpu_free(&snap->window);
	snap->sets_known = true;
	for (i = 1; i <= count; i++) {
		struct set *set = snapshot_add_set(snap, pids, i);

		set->outside = test_random_below(2);
		set->frames_bytes = 4096 * test_random_below(1000);
	}
	snapshot_sort_sets(snap);
}

static void test_random_round_trip(void)
{
	unsigned int wrong = 0, i;

	for (i = 0; i < 500; i++) {
		struct snapshot snap, back;
		char *first, *second = NULL;
		json_t *document;
		struct error err;

		random_snapshot(&snap);
		first = print(&snap);
		document = json_loads(first, 0, NULL);
		if (snapjson_read(document, &back, &err)) {
			printf("# %s\n", err.message);
		} else {
			second = print(&back);
			snapshot_free(&back);
		}
		wrong += !second || strcmp(first, second) != 0;
		json_decref(document);
		snapshot_free(&snap);
		free(first);
		free(second);
	}
	is_number(wrong, 0, "500 random snapshots survive writing and reading");
}

/* Any byte changed anywhere: read or refused, never anything else. */
static void test_bent(const char *name)
{
	char *source = test_read(name);
	size_t len = strlen(source);
	unsigned int i;

	for (i = 0; i < 3000; i++) {
		char *bent = strdup(source);
		struct snapshot snap;
		struct error err;
		json_t *document;

		bent[test_random_below(len)] = "0-9\"[]{},:.eE\\tfn\xff"[test_random_below(18)];
		document = json_loads(bent, JSON_REJECT_DUPLICATES, NULL);
		if (document && !snapjson_read(document, &snap, &err))
			snapshot_free(&snap);
		json_decref(document);
		free(bent);
	}
	ok(true, "3000 bent documents of %s", name);
	free(source);
}

void test_snapjson(void)
{
	test_refusals();
	test_accepted();
	test_depth();
	test_large();
	test_endless();
	round_trip(GOLDEN "/three.json");
	round_trip(GOLDEN "/busy.json");
	test_random_round_trip();
	test_bent(GOLDEN "/three.json");
	test_bent(GOLDEN "/busy.json");
}
