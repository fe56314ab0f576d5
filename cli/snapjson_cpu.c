// SPDX-License-Identifier: GPL-2.0
/*
 * Threads and time windows, out and in. What is kept per thread is read back;
 * sums per VM and vCPU are for the readers of the document.
 */
#include "snapjson_cpu.h"

#include <stdlib.h>
#include <string.h>

#include "jsonin.h"
#include "jsonout.h"
#include "memory.h"
#include "usage.h"

/* Counters since birth end where those of hooks begin, which are for a window only. */
#define LIFE_FIELDS THREAD_WAITS

enum { VICTIM, BY, COUNT, WAIT_NS, IDLE_WAIT_NS, UNKNOWN_WAIT_NS };

const char *const preemption_field_key[PREEMPTION_FIELDS] = {
	[VICTIM] = "victim", [BY] = "by", [COUNT] = "count", [WAIT_NS] = "wait_ns",
	[IDLE_WAIT_NS] = "idle_wait_ns", [UNKNOWN_WAIT_NS] = "unknown_wait_ns",
};

static void put_facts(json_t *object, const struct facts *facts, const char *const *keys,
		      unsigned int fields)
{
	unsigned int field;
	uint64_t value;

	for (field = 0; field < fields; field++) {
		if (facts_get(facts, field, &value))
			json_object_set_new(object, keys[field], jsonout_number(value));
	}
}

static void put_exits(json_t *object, const struct counters *counters)
{
	json_t *exits = json_object();
	size_t i;

	for (i = 0; i < counters->n_exits; i++) {
		json_t *name = jsonout_text(counters->exits[i].name);

		json_object_set_new(exits, json_string_value(name),
				    jsonout_number(counters->exits[i].count));
		json_decref(name);
	}
	if (counters->n_exits)
		json_object_set_new(object, "exits_by_reason", exits);
	else
		json_decref(exits);
}

/* Up to the longest wait there was. */
static json_t *histogram_json(const struct histogram *histogram)
{
	json_t *array = json_array();
	size_t last = CPU_BUCKETS, i;

	while (last && !histogram->count[last - 1])
		last--;
	for (i = 0; i < last; i++)
		json_array_append_new(array, jsonout_cell(histogram->count[i]));
	return array;
}

json_t *snapjson_counters(const struct counters *counters)
{
	json_t *object = json_object();

	put_facts(object, &counters->facts, thread_field_key, THREAD_FIELDS);
	if (counters->waits.known)
		json_object_set_new(object, "ready_histogram", histogram_json(&counters->waits));
	put_exits(object, counters);
	return object;
}

static json_t *thread_json(const struct snapshot *snap, const struct thread *thread)
{
	const struct thread *window = cpu_thread(&snap->window, thread->pid, thread->tid);
	json_t *object = json_object();

	json_object_set_new(object, "tid", jsonout_number(thread->tid));
	json_object_set_new(object, "kind", json_string(thread_kind_name(thread->kind)));
	if (thread->kind == THREAD_VCPU)
		json_object_set_new(object, "vcpu", jsonout_number(thread->vcpu_id));
	json_object_set_new(object, "comm", jsonout_text(thread->comm));
	put_facts(object, &thread->counters.facts, thread_field_key, LIFE_FIELDS);
	put_exits(object, &thread->counters);
	if (window)
		json_object_set_new(object, "window", snapjson_counters(&window->counters));
	return object;
}

/* The window of each vCPU, by its thread, beside what it did since birth. */
static void put_vcpu_windows(json_t *object, const struct snapshot *snap, const struct vm *vm)
{
	json_t *array = json_object_get(object, "vcpus");
	const struct thread *window;
	size_t i;

	for (i = 0; i < json_array_size(array) && i < vm->n_vcpus; i++) {
		uint64_t tid = facts_or_zero(&vm->vcpus[i].facts, VCPU_TID);

		window = tid ? cpu_thread(&snap->window, vm->pid, (uint32_t)tid) : NULL;
		if (window)
			json_object_set_new(json_array_get(array, i), "window",
					    snapjson_counters(&window->counters));
	}
}

static void put_vm_window(json_t *object, const struct snapshot *snap, const struct vm *vm)
{
	struct usage usage;
	uint64_t vmm_ns;
	json_t *window;

	if (usage_of_threads(&usage, &snap->window, vm->pid, snap->window.window_ns))
		memory_missing();
	if (usage.by_thread) {
		window = snapjson_counters(&usage.process);
		if (usage_vmm_ns(&usage, &vmm_ns))
			json_object_set_new(window, "vmm_ns", jsonout_number(vmm_ns));
		json_object_set_new(object, "window", window);
	}
	usage_free(&usage);
}

void snapjson_put_threads(json_t *object, const struct snapshot *snap, const struct vm *vm)
{
	const struct thread *threads;
	json_t *array;
	size_t count, i;

	threads = cpu_threads_of(&snap->cpu, vm->pid, &count);
	if (!count)
		return;
	array = json_array();
	for (i = 0; i < count; i++)
		json_array_append_new(array, thread_json(snap, &threads[i]));
	json_object_set_new(object, "threads", array);
	if (!snap->window.window_ns)
		return;
	put_vm_window(object, snap, vm);
	put_vcpu_windows(object, snap, vm);
}

static json_t *preemption_json(const struct preemption *row)
{
	json_t *object = json_object();

	json_object_set_new(object, preemption_field_key[VICTIM], jsonout_number(row->victim));
	json_object_set_new(object, preemption_field_key[BY], jsonout_number(row->by));
	json_object_set_new(object, preemption_field_key[COUNT], jsonout_number(row->count));
	json_object_set_new(object, preemption_field_key[WAIT_NS], jsonout_number(row->wait_ns));
	if (row->idle_known)
		json_object_set_new(object, preemption_field_key[IDLE_WAIT_NS],
				    jsonout_number(row->idle_ns));
	if (row->unknown_known)
		json_object_set_new(object, preemption_field_key[UNKNOWN_WAIT_NS],
				    jsonout_number(row->unknown_ns));
	return object;
}

void snapjson_put_window(json_t *root, json_t *host, const struct snapshot *snap)
{
	const struct cpu *window = &snap->window;
	json_t *rows, *cpu;
	size_t i;

	if (!window->window_ns)
		return;
	json_object_set_new(root, "window_ns", jsonout_number(window->window_ns));
	cpu = json_object();
	put_facts(cpu, &window->host, cpu_field_key, CPU_FIELDS);
	json_object_set_new(host, "window", cpu);
	if (!window->preemptions_known)
		return;
	rows = json_array();
	for (i = 0; i < window->n_preemptions; i++)
		json_array_append_new(rows, preemption_json(&window->preemptions[i]));
	json_object_set_new(root, "preemptions", rows);
}

/* Reading */

static int read_histogram(const json_t *object, const char *parent, struct histogram *histogram,
			  struct error *err)
{
	const json_t *array;
	char path[JSONIN_PATH];
	size_t i;

	if (jsonin_array(object, parent, "ready_histogram", false, CPU_BUCKETS, &array, err))
		return -1;
	histogram->known = array != NULL;
	for (i = 0; i < json_array_size(array); i++) {
		jsonin_join_index(path, parent, "ready_histogram", i);
		if (jsonin_to_number(json_array_get(array, i), path, INT64_MAX,
				     &histogram->count[i], err))
			return -1;
	}
	return 0;
}

static int read_exits(const json_t *object, const char *parent, struct counters *counters,
		      struct error *err)
{
	json_t *exits = json_object_get(object, "exits_by_reason"), *value;
	char path[JSONIN_PATH];
	const char *name;
	uint64_t count;

	jsonin_join(path, parent, "exits_by_reason");
	if (!exits)
		return 0;
	if (jsonin_check_object(exits, path, err))
		return -1;
	if (json_object_size(exits) > SNAPJSON_EXITS_MAX)
		return jsonin_refuse(err, path, "has %zu entries; at most %d are read",
				     json_object_size(exits), SNAPJSON_EXITS_MAX);
	json_object_foreach(exits, name, value) {
		if (strlen(name) >= CPU_EXIT_NAME)
			return jsonin_refuse(err, path, "has a name longer than %d bytes",
					     CPU_EXIT_NAME - 1);
		if (jsonin_to_number(value, path, INT64_MAX, &count, err))
			return -1;
		if (counters_add_exit(counters, name, count))
			return error_no_memory(err);
	}
	return 0;
}

static int read_counters(const json_t *object, const char *parent, struct counters *counters,
			 unsigned int fields, struct error *err)
{
	if (jsonin_facts(object, parent, &counters->facts, thread_field_key, 0, fields, err) ||
	    read_exits(object, parent, counters, err))
		return -1;
	return fields < THREAD_FIELDS ? 0 : read_histogram(object, parent, &counters->waits, err);
}

static int read_kind(const json_t *object, const char *parent, struct thread *thread,
		     struct error *err)
{
	char *name = NULL, path[JSONIN_PATH];
	uint64_t id = 0;
	int ret = 0;

	if (jsonin_text(object, parent, "kind", &name, err))
		return -1;
	if (!name || !thread_kind_parse(name, &thread->kind))
		ret = jsonin_refuse(err, jsonin_join(path, parent, "kind"),
				    "must be \"vcpu\", \"vmm\" or \"kernel\"");
	free(name);
	if (!ret && thread->kind == THREAD_VCPU)
		ret = jsonin_need_number(object, parent, "vcpu", UINT32_MAX, &id, err);
	thread->vcpu_id = (uint32_t)id;
	return ret;
}

static int read_comm(const json_t *object, const char *parent, struct thread *thread,
		     struct error *err)
{
	char *comm = NULL;

	if (jsonin_text(object, parent, "comm", &comm, err))
		return -1;
	if (comm)
		strncpy(thread->comm, comm, CPU_COMM - 1);
	free(comm);
	return 0;
}

/* The same thread in the time window, with what it did there. */
static int read_window_of(const json_t *value, const char *parent, const struct thread *thread,
			  struct cpu *window, struct error *err)
{
	const json_t *object = json_object_get(value, "window");
	char path[JSONIN_PATH];
	struct thread *row;

	if (!object)
		return 0;
	if (jsonin_check_object(object, jsonin_join(path, parent, "window"), err))
		return -1;
	row = cpu_add_thread(window);
	if (!row)
		return error_no_memory(err);
	*row = *thread;
	memset(&row->counters, 0, sizeof(row->counters));
	return read_counters(object, path, &row->counters, THREAD_FIELDS, err);
}

static int read_thread(const json_t *value, const char *path, uint32_t pid,
		       struct snapshot *snap, struct error *err)
{
	struct thread *thread;
	uint64_t tid;

	if (jsonin_check_object(value, path, err) ||
	    jsonin_need_number(value, path, "tid", INT32_MAX, &tid, err))
		return -1;
	thread = cpu_add_thread(&snap->cpu);
	if (!thread)
		return error_no_memory(err);
	thread->pid = pid;
	thread->tid = (uint32_t)tid;
	if (read_kind(value, path, thread, err) || read_comm(value, path, thread, err) ||
	    read_counters(value, path, &thread->counters, LIFE_FIELDS, err))
		return -1;
	return read_window_of(value, path, thread, &snap->window, err);
}

int snapjson_read_threads(const json_t *object, const char *parent, uint32_t pid,
			  struct snapshot *snap, struct error *err)
{
	const json_t *array;
	char path[JSONIN_PATH];
	size_t i;

	if (jsonin_array(object, parent, "threads", false, SNAPJSON_THREADS_MAX, &array, err))
		return -1;
	for (i = 0; i < json_array_size(array); i++) {
		jsonin_join_index(path, parent, "threads", i);
		if (read_thread(json_array_get(array, i), path, pid, snap, err))
			return -1;
	}
	return 0;
}

static int read_preemption(const json_t *value, const char *path, struct cpu *window,
			   struct error *err)
{
	struct facts facts = {};
	struct preemption *row;
	unsigned int key;

	if (jsonin_check_object(value, path, err) ||
	    jsonin_facts(value, path, &facts, preemption_field_key, 0, PREEMPTION_FIELDS, err))
		return -1;
	for (key = VICTIM; key <= WAIT_NS; key++) {
		if (!(facts.known & 1u << key))
			return jsonin_refuse(err, path, "%s is missing", preemption_field_key[key]);
	}
	if (!facts.value[VICTIM] || facts.value[VICTIM] > INT32_MAX || facts.value[BY] > INT32_MAX)
		return jsonin_refuse(err, path, "victim or by is no pid");
	row = cpu_add_preemption(window);
	if (!row)
		return error_no_memory(err);
	*row = (struct preemption){
		.victim = (uint32_t)facts.value[VICTIM], .by = (uint32_t)facts.value[BY],
		.count = facts.value[COUNT], .wait_ns = facts.value[WAIT_NS],
	};
	row->idle_known = !row->by && facts_get(&facts, IDLE_WAIT_NS, &row->idle_ns);
	row->unknown_known = !row->by &&
			     facts_get(&facts, UNKNOWN_WAIT_NS, &row->unknown_ns);
	return 0;
}

static int read_preemptions(const json_t *document, struct cpu *window, struct error *err)
{
	const json_t *array;
	char path[JSONIN_PATH];
	size_t i;

	if (jsonin_array(document, "", "preemptions", false, SNAPJSON_PREEMPTIONS_MAX, &array, err))
		return -1;
	window->preemptions_known = array != NULL;
	for (i = 0; i < json_array_size(array); i++) {
		jsonin_join_index(path, "", "preemptions", i);
		if (read_preemption(json_array_get(array, i), path, window, err))
			return -1;
	}
	return 0;
}

static int read_host_window(const json_t *document, struct cpu *window, struct error *err)
{
	const json_t *host = json_object_get(document, "host");
	const json_t *object = json_object_get(host, "window");

	if (!object)
		return 0;
	if (jsonin_check_object(object, "host.window", err))
		return -1;
	return jsonin_facts(object, "host.window", &window->host, cpu_field_key, 0, CPU_FIELDS,
			    err);
}

int snapjson_read_window(const json_t *document, struct snapshot *snap, struct error *err)
{
	uint64_t window_ns = 0;

	if (json_object_get(document, "window_ns")) {
		if (jsonin_need_number(document, "", "window_ns", INT64_MAX, &window_ns, err))
			return -1;
		if (!window_ns)
			return jsonin_refuse(err, "window_ns", "must not be 0");
		if (read_preemptions(document, &snap->window, err) ||
		    read_host_window(document, &snap->window, err))
			return -1;
	} else {
		cpu_free(&snap->window);
	}
	snap->window.window_ns = window_ns;
	if (!cpu_sort(&snap->cpu))
		return jsonin_refuse(err, "vms", "the same tid is twice among the threads of a VM");
	if (!cpu_sort(&snap->window))
		return jsonin_refuse(err, "preemptions", "the same victim and by are there twice");
	return 0;
}
