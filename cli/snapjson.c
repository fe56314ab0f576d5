// SPDX-License-Identifier: GPL-2.0
/* The snapshot as a JSON document, out and in. */
#include "snapjson.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "jsonout.h"

#define VERSION 1
#define PATH_SIZE 96

/* Writing */

static void put_number(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, jsonout_number(value));
}

static void put_facts(json_t *object, const struct facts *facts, const char *const *keys,
		      unsigned int from, unsigned int to)
{
	unsigned int field;
	uint64_t value;

	for (field = from; field < to; field++) {
		if (keys[field] && facts_get(facts, field, &value))
			put_number(object, keys[field], value);
	}
}

static json_t *host_json(const struct snapshot *snap)
{
	json_t *host = json_object(), *ksm = json_object();

	put_facts(host, &snap->host, host_field_key, HOST_CPUS, HOST_KSM_RUN);
	put_facts(ksm, &snap->host, host_field_key, HOST_KSM_RUN, HOST_WALK_NS);
	json_object_set_new(host, "ksm", ksm);
	if (snap->engine != ENGINE_UNKNOWN)
		json_object_set_new(host, "engine", json_string(engine_name(snap->engine)));
	put_facts(host, &snap->host, host_field_key, HOST_WALK_NS, HOST_FIELDS);
	return host;
}

static json_t *vcpus_json(const struct vm *vm)
{
	json_t *array = json_array(), *vcpu;
	size_t i;

	for (i = 0; i < vm->n_vcpus; i++) {
		vcpu = json_object();
		put_number(vcpu, "id", vm->vcpus[i].id);
		put_facts(vcpu, &vm->vcpus[i].facts, vcpu_field_key, 0, VCPU_FIELDS);
		json_array_append_new(array, vcpu);
	}
	return array;
}

json_t *snapjson_write_vm(const struct vm *vm)
{
	json_t *object = json_object();

	put_number(object, "pid", vm->pid);
	if (vm->name)
		json_object_set_new(object, "name", jsonout_text(vm->name));
	if (vm->uuid)
		json_object_set_new(object, "uuid", jsonout_text(vm->uuid));
	put_facts(object, &vm->facts, vm_field_key, 0, VM_DIRTY_RATE);
	if (vm->vcpus_known)
		json_object_set_new(object, "vcpus", vcpus_json(vm));
	put_facts(object, &vm->facts, vm_field_key, VM_DIRTY_RATE, VM_FIELDS);
	if (vm->pinned)
		json_object_set_new(object, "pinned", json_true());
	return object;
}

static json_t *set_json(const struct set *set)
{
	json_t *object = json_object(), *pids = json_array();
	size_t i;

	for (i = 0; i < set->n_pids; i++)
		json_array_append_new(pids, json_integer(set->pids[i]));
	json_object_set_new(object, "vms", pids);
	json_object_set_new(object, "outside", json_boolean(set->outside));
	put_number(object, "frames_bytes", set->frames_bytes);
	return object;
}

static void put_arrays(json_t *root, const struct snapshot *snap)
{
	json_t *vms = json_array(), *sets;
	size_t i;

	for (i = 0; i < snap->n_vms; i++)
		json_array_append_new(vms, snapjson_write_vm(&snap->vms[i]));
	json_object_set_new(root, "vms", vms);
	if (!snap->sets_known)
		return;
	sets = json_array();
	for (i = 0; i < snap->n_sets; i++)
		json_array_append_new(sets, set_json(&snap->sets[i]));
	json_object_set_new(root, "sets", sets);
}

json_t *snapjson_write(const struct snapshot *snap)
{
	json_t *root = json_object();
	uint64_t consistent;

	put_number(root, "version", VERSION);
	put_facts(root, &snap->host, host_field_key, HOST_GENERATION, HOST_TIME_NS);
	if (facts_get(&snap->host, HOST_CONSISTENT, &consistent))
		json_object_set_new(root, "consistent", json_boolean(consistent));
	put_facts(root, &snap->host, host_field_key, HOST_TIME_NS, HOST_CONSISTENT);
	if (snap->kernel)
		json_object_set_new(root, "kernel", jsonout_text(snap->kernel));
	json_object_set_new(root, "host", host_json(snap));
	put_arrays(root, snap);
	return root;
}

/* Reading: every function is told the path of what it reads */

static int refuse(struct error *err, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct error *err, const char *path, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, EXIT_RUNTIME, "%s: %s", path, text);
}

/* Paths are at most three keys deep, and all keys are known: they always fit. */
static const char *format_path(char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static const char *format_path(char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, PATH_SIZE, fmt, args);
	va_end(args);
	return path;
}

static const char *join(char *path, const char *parent, const char *key)
{
	return format_path(path, "%s%s%s", parent, *parent ? "." : "", key);
}

static const char *join_index(char *path, const char *parent, const char *key, size_t index)
{
	return format_path(path, "%s%s%s[%zu]", parent, *parent ? "." : "", key, index);
}

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number", [JSON_REAL] = "a number with a fraction",
		[JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

/* A whole number from 0 to max. */
static int to_number(const json_t *value, const char *path, uint64_t max, uint64_t *number,
		     struct error *err)
{
	json_int_t integer = json_integer_value(value);

	if (!json_is_integer(value))
		return refuse(err, path, "must be a whole number, not %s", type_name(value));
	if (integer < 0)
		return refuse(err, path, "must not be negative, is %" JSON_INTEGER_FORMAT, integer);
	if ((uint64_t)integer > max)
		return refuse(err, path, "is too large: %" JSON_INTEGER_FORMAT, integer);
	*number = (uint64_t)integer;
	return 0;
}

static int need_number(const json_t *object, const char *parent, const char *key, uint64_t max,
		       uint64_t *number, struct error *err)
{
	const json_t *value = json_object_get(object, key);
	char path[PATH_SIZE];

	join(path, parent, key);
	if (!value)
		return refuse(err, path, "is missing");
	return to_number(value, path, max, number, err);
}

static int read_facts(const json_t *object, const char *parent, struct facts *facts,
		      const char *const *keys, unsigned int from, unsigned int to,
		      struct error *err)
{
	char path[PATH_SIZE];
	unsigned int field;
	const json_t *value;
	uint64_t number;

	for (field = from; field < to; field++) {
		value = keys[field] ? json_object_get(object, keys[field]) : NULL;
		if (!value)
			continue;
		if (to_number(value, join(path, parent, keys[field]), INT64_MAX, &number, err))
			return -1;
		facts_set(facts, field, number);
	}
	return 0;
}

/* An optional string; the copy is the caller's. */
static int read_text(const json_t *object, const char *parent, const char *key, char **text,
		     struct error *err)
{
	const json_t *value = json_object_get(object, key);
	char path[PATH_SIZE];

	if (!value)
		return 0;
	if (!json_is_string(value))
		return refuse(err, join(path, parent, key), "must be a string, not %s",
			      type_name(value));
	if (json_string_length(value) > SNAPJSON_TEXT_MAX)
		return refuse(err, join(path, parent, key), "is longer than %d bytes",
			      SNAPJSON_TEXT_MAX);
	*text = strdup(json_string_value(value));
	return *text ? 0 : error_no_memory(err);
}

static int read_bool(const json_t *object, const char *parent, const char *key, bool *flag,
		     bool needed, struct error *err)
{
	const json_t *value = json_object_get(object, key);
	char path[PATH_SIZE];

	join(path, parent, key);
	if (!value)
		return needed ? refuse(err, path, "is missing") : 0;
	if (!json_is_boolean(value))
		return refuse(err, path, "must be true or false, not %s", type_name(value));
	*flag = json_is_true(value);
	return 0;
}

/* The array, or NULL without an error if it is absent and not needed. */
static int get_array(const json_t *object, const char *parent, const char *key, bool needed,
		     size_t max, const json_t **array, struct error *err)
{
	char path[PATH_SIZE];

	join(path, parent, key);
	*array = json_object_get(object, key);
	if (!*array)
		return needed ? refuse(err, path, "is missing") : 0;
	if (!json_is_array(*array))
		return refuse(err, path, "must be an array, not %s", type_name(*array));
	if (json_array_size(*array) > max)
		return refuse(err, path, "has %zu entries; at most %zu are read",
			      json_array_size(*array), max);
	return 0;
}

static int check_object(const json_t *value, const char *path, struct error *err)
{
	if (json_is_object(value))
		return 0;
	return refuse(err, path, "must be an object, not %s", type_name(value));
}

/*
 * An element's place in its array, and what it is known by. Elements are read by
 * ascending key, so that none has to make room among those there are.
 */
struct place {
	uint64_t key;
	size_t at;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return (left->at > right->at) - (left->at < right->at);
}

static int read_keys(const json_t *array, const char *parent, const char *name, const char *key,
		     uint64_t max, struct place *places, struct error *err)
{
	char path[PATH_SIZE];
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		const json_t *value = json_array_get(array, i);

		join_index(path, parent, name, i);
		places[i].at = i;
		if (check_object(value, path, err) ||
		    need_number(value, path, key, max, &places[i].key, err))
			return -1;
	}
	return 0;
}

/* The elements by their key; NULL with err filled. */
static struct place *places_by(const json_t *array, const char *parent, const char *name,
			       const char *key, uint64_t max, struct error *err)
{
	struct place *places = calloc(json_array_size(array) + 1, sizeof(*places));

	if (!places) {
		error_no_memory(err);
		return NULL;
	}
	if (read_keys(array, parent, name, key, max, places, err)) {
		free(places);
		return NULL;
	}
	qsort(places, json_array_size(array), sizeof(*places), compare_places);
	return places;
}

static int read_vcpu(const json_t *value, const char *path, uint32_t id, struct vm *vm,
		     struct error *err)
{
	struct vcpu *vcpu = vm_add_vcpu(vm, id);

	if (!vcpu)
		return errno == EEXIST ? refuse(err, path, "has the id of another vCPU") :
					 error_no_memory(err);
	return read_facts(value, path, &vcpu->facts, vcpu_field_key, 0, VCPU_FIELDS, err);
}

static int read_vcpus(const json_t *object, const char *parent, struct vm *vm, struct error *err)
{
	struct place *places;
	const json_t *array;
	char path[PATH_SIZE];
	size_t i;
	int ret = 0;

	if (get_array(object, parent, "vcpus", false, SNAPJSON_VCPUS_MAX, &array, err))
		return -1;
	if (!array)
		return 0;
	places = places_by(array, parent, "vcpus", "id", UINT32_MAX, err);
	for (i = 0; places && i < json_array_size(array) && !ret; i++) {
		join_index(path, parent, "vcpus", places[i].at);
		ret = read_vcpu(json_array_get(array, places[i].at), path, (uint32_t)places[i].key, vm,
				err);
	}
	free(places);
	vm->vcpus_known = true;
	facts_set(&vm->facts, VM_VCPUS, vm->n_vcpus);
	return places ? ret : -1;
}

static int read_vm(const json_t *value, const char *path, uint32_t pid, struct snapshot *snap,
		   struct error *err)
{
	struct vm *vm;

	if (!pid)
		return refuse(err, path, "pid 0 is no process");
	vm = snapshot_add_vm(snap, pid);
	if (!vm)
		return errno == EEXIST ? refuse(err, path, "has the pid of another VM: %u", pid) :
					 error_no_memory(err);
	if (read_text(value, path, "name", &vm->name, err) ||
	    read_text(value, path, "uuid", &vm->uuid, err) ||
	    read_bool(value, path, "pinned", &vm->pinned, false, err) ||
	    read_facts(value, path, &vm->facts, vm_field_key, 0, VM_FIELDS, err))
		return -1;
	return read_vcpus(value, path, vm, err);
}

static int read_vms(const json_t *document, struct snapshot *snap, struct error *err)
{
	struct place *places;
	const json_t *array;
	char path[PATH_SIZE];
	size_t i;
	int ret = 0;

	if (get_array(document, "", "vms", true, SNAPJSON_VMS_MAX, &array, err))
		return -1;
	places = places_by(array, "", "vms", "pid", INT32_MAX, err);
	for (i = 0; places && i < json_array_size(array) && !ret; i++) {
		join_index(path, "", "vms", places[i].at);
		ret = read_vm(json_array_get(array, places[i].at), path, (uint32_t)places[i].key, snap,
			      err);
	}
	free(places);
	return places ? ret : -1;
}

/* The members of a set, every one of them a VM of the document. */
static uint32_t *read_members(const json_t *array, const char *parent,
			      const struct snapshot *snap, struct error *err)
{
	size_t count = json_array_size(array), i;
	uint32_t *pids = reallocarray(NULL, count + 1, sizeof(*pids));
	char path[PATH_SIZE];
	uint64_t pid;

	if (!pids) {
		error_no_memory(err);
		return NULL;
	}
	for (i = 0; i < count; i++) {
		join_index(path, parent, "vms", i);
		if (to_number(json_array_get(array, i), path, INT32_MAX, &pid, err))
			break;
		pids[i] = (uint32_t)pid;
		if (!snapshot_vm(snap, pids[i])) {
			refuse(err, path, "names pid %u, which is not among the VMs", pids[i]);
			break;
		}
	}
	if (i == count)
		return pids;
	free(pids);
	return NULL;
}

static int add_members(const json_t *array, const char *path, struct snapshot *snap,
		       struct set **set, struct error *err)
{
	uint32_t *pids;

	if (!json_array_size(array))
		return refuse(err, path, "has no VMs");
	pids = read_members(array, path, snap, err);
	if (!pids)
		return -1;
	*set = snapshot_add_set(snap, pids, json_array_size(array));
	free(pids);
	if (*set)
		return 0;
	return errno == EEXIST ? refuse(err, path, "names a VM twice") : error_no_memory(err);
}

static int read_set(const json_t *value, const char *path, struct snapshot *snap,
		    struct error *err)
{
	const json_t *members;
	bool outside = false;
	uint64_t frames;
	struct set *set;

	if (check_object(value, path, err) ||
	    get_array(value, path, "vms", true, SNAPJSON_VMS_MAX, &members, err) ||
	    read_bool(value, path, "outside", &outside, true, err) ||
	    need_number(value, path, "frames_bytes", INT64_MAX, &frames, err) ||
	    add_members(members, path, snap, &set, err))
		return -1;
	set->outside = outside;
	set->frames_bytes = frames;
	return 0;
}

static int check_distinct(struct snapshot *snap, struct error *err)
{
	size_t i;

	snapshot_sort_sets(snap);
	for (i = 1; i < snap->n_sets; i++) {
		if (!set_compare(&snap->sets[i - 1], &snap->sets[i]))
			return refuse(err, "sets", "the set of %zu VMs that begins with pid %u is there twice",
				      snap->sets[i].n_pids, snap->sets[i].pids[0]);
	}
	return 0;
}

static int read_sets(const json_t *document, struct snapshot *snap, struct error *err)
{
	char path[PATH_SIZE];
	const json_t *array;
	size_t i;

	if (get_array(document, "", "sets", false, SIZE_MAX, &array, err))
		return -1;
	for (i = 0; i < json_array_size(array); i++) {
		if (read_set(json_array_get(array, i), join_index(path, "", "sets", i), snap, err))
			return -1;
	}
	snap->sets_known = array != NULL;
	return check_distinct(snap, err);
}

/*
 * Sums over all VMs and sets are what every verb is about, so they must not
 * overflow: together they have to be less than can be said in a document.
 */
static int check_sums(const struct snapshot *snap, struct error *err)
{
	static const enum vm_field sizes[] = {
		VM_ANON, VM_UNIQUE, VM_SHMEM, VM_PRIVATE_SHMEM, VM_HUGETLB, VM_SWAP, VM_PAGE_TABLES,
	};
	uint64_t sum = 0;
	size_t i, j;

	for (i = 0; i < snap->n_vms; i++) {
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
			sum = add_saturating(sum, facts_or_zero(&snap->vms[i].facts, sizes[j]));
	}
	for (i = 0; i < snap->n_sets; i++)
		sum = add_saturating(sum, snap->sets[i].frames_bytes);
	if (sum > INT64_MAX)
		return refuse(err, "vms", "the sizes of all VMs and sets add up to more than 8 EiB");
	return 0;
}

static int read_engine(const json_t *host, struct snapshot *snap, struct error *err)
{
	char *name = NULL;
	int ret = read_text(host, "host", "engine", &name, err);

	if (!ret && name && (!engine_parse(name, &snap->engine) || snap->engine == ENGINE_UNKNOWN))
		ret = refuse(err, "host.engine", "must be \"tree\" or \"pages\"");
	free(name);
	return ret;
}

static int read_host(const json_t *document, struct snapshot *snap, struct error *err)
{
	const json_t *host = json_object_get(document, "host"), *ksm;

	if (!host)
		return 0;
	if (check_object(host, "host", err) || read_engine(host, snap, err) ||
	    read_facts(host, "host", &snap->host, host_field_key, HOST_CPUS, HOST_KSM_RUN, err) ||
	    read_facts(host, "host", &snap->host, host_field_key, HOST_WALK_NS, HOST_FIELDS, err))
		return -1;
	ksm = json_object_get(host, "ksm");
	if (!ksm)
		return 0;
	if (check_object(ksm, "host.ksm", err))
		return -1;
	return read_facts(ksm, "host.ksm", &snap->host, host_field_key, HOST_KSM_RUN, HOST_WALK_NS,
			  err);
}

static int read_top(const json_t *document, struct snapshot *snap, struct error *err)
{
	bool consistent = false;
	uint64_t version;

	if (check_object(document, "the document", err) ||
	    need_number(document, "", "version", INT64_MAX, &version, err))
		return -1;
	if (version != VERSION)
		return refuse(err, "version", "is %llu; this program reads version %d",
			      (unsigned long long)version, VERSION);
	if (read_facts(document, "", &snap->host, host_field_key, HOST_GENERATION, HOST_CONSISTENT,
		       err) ||
	    read_text(document, "", "kernel", &snap->kernel, err) ||
	    read_bool(document, "", "consistent", &consistent, false, err))
		return -1;
	if (json_object_get(document, "consistent"))
		facts_set(&snap->host, HOST_CONSISTENT, consistent);
	return 0;
}

int snapjson_read(const json_t *document, struct snapshot *snap, struct error *err)
{
	snapshot_init(snap);
	if (read_top(document, snap, err) || read_host(document, snap, err) ||
	    read_vms(document, snap, err) || read_sets(document, snap, err) ||
	    check_sums(snap, err)) {
		snapshot_free(snap);
		return -1;
	}
	return 0;
}

int snapjson_load(const char *name, struct snapshot *snap, struct error *err)
{
	const char *shown = strcmp(name, "-") ? name : "standard input";
	json_t *document = document_load(name, err);
	int ret;

	if (!document)
		return error_prefix(err, "snapshot %s: ", shown);
	ret = snapjson_read(document, snap, err);
	json_decref(document);
	return ret ? error_prefix(err, "snapshot %s: ", shown) : 0;
}
