// SPDX-License-Identifier: GPL-2.0
/* The snapshot as a JSON document, out and in. */
#include "snapjson.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "consistency.h"
#include "document.h"
#include "jsonin.h"
#include "jsonout.h"
#include "readall.h"
#include "snapjson_cpu.h"

#define VERSION 1

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

static void put_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, jsonout_text(text));
}

json_t *snapjson_write_vm(const struct snapshot *snap, const struct vm *vm)
{
	json_t *object = json_object();

	put_number(object, "pid", vm->pid);
	put_text(object, "name", vm->name);
	put_text(object, "uuid", vm->uuid);
	put_text(object, "user", vm->user);
	put_text(object, "slice", vm->slice);
	put_facts(object, &vm->facts, vm_field_key, 0, VM_DIRTY_RATE);
	if (vm->vcpus_known)
		json_object_set_new(object, "vcpus", vcpus_json(vm));
	put_facts(object, &vm->facts, vm_field_key, VM_DIRTY_RATE, VM_FIELDS);
	if (vm->pinned)
		json_object_set_new(object, "pinned", json_true());
	snapjson_put_threads(object, snap, vm);
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
		json_array_append_new(vms, snapjson_write_vm(snap, &snap->vms[i]));
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

	put_number(root, "version", VERSION);
	put_facts(root, &snap->host, host_field_key, HOST_GENERATION, HOST_TIME_NS);
	consistency_put(root, snap);
	put_facts(root, &snap->host, host_field_key, HOST_TIME_NS, HOST_CONSISTENT);
	if (snap->kernel)
		json_object_set_new(root, "kernel", jsonout_text(snap->kernel));
	json_object_set_new(root, "host", host_json(snap));
	put_arrays(root, snap);
	snapjson_put_window(root, json_object_get(root, "host"), snap);
	return root;
}

/* Reading */

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
	char path[JSONIN_PATH];
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		const json_t *value = json_array_get(array, i);

		jsonin_join_index(path, parent, name, i);
		places[i].at = i;
		if (jsonin_check_object(value, path, err) ||
		    jsonin_need_number(value, path, key, max, &places[i].key, err))
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
		return errno == EEXIST ? jsonin_refuse(err, path, "has the id of another vCPU") :
					 error_no_memory(err);
	return jsonin_facts(value, path, &vcpu->facts, vcpu_field_key, 0, VCPU_FIELDS, err);
}

static int read_vcpus(const json_t *object, const char *parent, struct vm *vm, struct error *err)
{
	struct place *places;
	const json_t *array;
	char path[JSONIN_PATH];
	size_t i;
	int ret = 0;

	if (jsonin_array(object, parent, "vcpus", false, SNAPJSON_VCPUS_MAX, &array, err))
		return -1;
	if (!array)
		return 0;
	places = places_by(array, parent, "vcpus", "id", UINT32_MAX, err);
	for (i = 0; places && i < json_array_size(array) && !ret; i++) {
		jsonin_join_index(path, parent, "vcpus", places[i].at);
		ret = read_vcpu(json_array_get(array, places[i].at), path, (uint32_t)places[i].key, vm,
				err);
	}
	free(places);
	vm->vcpus_known = true;
	facts_set(&vm->facts, VM_VCPUS, vm->n_vcpus);
	return places ? ret : -1;
}

/* A document whose numbers contradict each other is of no use to anybody. */
static int check_anon(const struct vm *vm, const char *path, struct error *err)
{
	uint64_t anon, unique, self, inter;

	if (!facts_get(&vm->facts, VM_ANON, &anon) || !facts_get(&vm->facts, VM_UNIQUE, &unique) ||
	    !facts_get(&vm->facts, VM_SELF_SHARED, &self) ||
	    !facts_get(&vm->facts, VM_INTER_SHARED, &inter) ||
	    anon == add_saturating(unique, add_saturating(self, inter)))
		return 0;
	return jsonin_refuse(err, path,
			     "anon_bytes is not unique_bytes + self_shared_bytes + inter_shared_bytes");
}

static int read_vm(const json_t *value, const char *path, uint32_t pid, struct snapshot *snap,
		   struct error *err)
{
	struct vm *vm;

	if (!pid)
		return jsonin_refuse(err, path, "pid 0 is no process");
	vm = snapshot_add_vm(snap, pid);
	if (!vm)
		return errno == EEXIST ? jsonin_refuse(err, path, "has the pid of another VM: %u", pid) :
					 error_no_memory(err);
	if (jsonin_text(value, path, "name", &vm->name, err) ||
	    jsonin_text(value, path, "uuid", &vm->uuid, err) ||
	    jsonin_text(value, path, "user", &vm->user, err) ||
	    jsonin_text(value, path, "slice", &vm->slice, err) ||
	    jsonin_bool(value, path, "pinned", &vm->pinned, false, err) ||
	    jsonin_facts(value, path, &vm->facts, vm_field_key, 0, VM_FIELDS, err) ||
	    check_anon(vm, path, err))
		return -1;
	return read_vcpus(value, path, vm, err) ? -1 :
	       snapjson_read_threads(value, path, vm->pid, snap, err);
}

static int read_vms(const json_t *document, struct snapshot *snap, struct error *err)
{
	struct place *places;
	const json_t *array;
	char path[JSONIN_PATH];
	size_t i;
	int ret = 0;

	if (jsonin_array(document, "", "vms", true, SNAPJSON_VMS_MAX, &array, err))
		return -1;
	places = places_by(array, "", "vms", "pid", INT32_MAX, err);
	for (i = 0; places && i < json_array_size(array) && !ret; i++) {
		jsonin_join_index(path, "", "vms", places[i].at);
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
	char path[JSONIN_PATH];
	uint64_t pid;

	if (!pids) {
		error_no_memory(err);
		return NULL;
	}
	for (i = 0; i < count; i++) {
		jsonin_join_index(path, parent, "vms", i);
		if (jsonin_to_number(json_array_get(array, i), path, INT32_MAX, &pid, err))
			break;
		pids[i] = (uint32_t)pid;
		if (!snapshot_vm(snap, pids[i])) {
			jsonin_refuse(err, path, "names pid %u, which is not among the VMs", pids[i]);
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
		return jsonin_refuse(err, path, "has no VMs");
	pids = read_members(array, path, snap, err);
	if (!pids)
		return -1;
	*set = snapshot_add_set(snap, pids, json_array_size(array));
	free(pids);
	if (*set)
		return 0;
	return errno == EEXIST ? jsonin_refuse(err, path, "names a VM twice") : error_no_memory(err);
}

/*
 * Who maps a frame together with others has mappings that are shared with others. What
 * was seen at several moments need not fit together.
 */
static int check_shared(const struct snapshot *snap, const struct set *set, const char *path,
			struct error *err)
{
	uint64_t inter;
	size_t i;

	if (!set->frames_bytes || (set->n_pids == 1 && !set->outside) || consistency_lacks(snap))
		return 0;
	for (i = 0; i < set->n_pids; i++) {
		const struct vm *vm = snapshot_vm(snap, set->pids[i]);

		if (facts_get(&vm->facts, VM_INTER_SHARED, &inter) && !inter)
			return jsonin_refuse(err, path,
					     "names pid %u, whose inter_shared_bytes is 0, as sharing frames with others",
					     vm->pid);
	}
	return 0;
}

static int read_set(const json_t *value, const char *path, struct snapshot *snap,
		    struct error *err)
{
	const json_t *members;
	bool outside = false;
	uint64_t frames;
	struct set *set;

	if (jsonin_check_object(value, path, err) ||
	    jsonin_array(value, path, "vms", true, SNAPJSON_VMS_MAX, &members, err) ||
	    jsonin_bool(value, path, "outside", &outside, true, err) ||
	    jsonin_need_number(value, path, "frames_bytes", INT64_MAX, &frames, err) ||
	    add_members(members, path, snap, &set, err))
		return -1;
	set->outside = outside;
	set->frames_bytes = frames;
	return check_shared(snap, set, path, err);
}

static int check_distinct(struct snapshot *snap, struct error *err)
{
	size_t i;

	snapshot_sort_sets(snap);
	for (i = 1; i < snap->n_sets; i++) {
		if (!set_compare(&snap->sets[i - 1], &snap->sets[i]))
			return jsonin_refuse(err, "sets", "the set of %zu VMs that begins with pid %u is there twice",
				      snap->sets[i].n_pids, snap->sets[i].pids[0]);
	}
	return 0;
}

static int read_sets(const json_t *document, struct snapshot *snap, struct error *err)
{
	char path[JSONIN_PATH];
	const json_t *array;
	size_t i;

	if (jsonin_array(document, "", "sets", false, SIZE_MAX, &array, err))
		return -1;
	for (i = 0; i < json_array_size(array); i++) {
		if (read_set(json_array_get(array, i), jsonin_join_index(path, "", "sets", i), snap, err))
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
		return jsonin_refuse(err, "vms", "the sizes of all VMs and sets add up to more than 8 EiB");
	return 0;
}

static int read_engine(const json_t *host, struct snapshot *snap, struct error *err)
{
	char *name = NULL;
	int ret = jsonin_text(host, "host", "engine", &name, err);

	if (!ret && name && (!engine_parse(name, &snap->engine) || snap->engine == ENGINE_UNKNOWN))
		ret = jsonin_refuse(err, "host.engine", "must be \"tree\" or \"pages\"");
	free(name);
	return ret;
}

static int read_host(const json_t *document, struct snapshot *snap, struct error *err)
{
	const json_t *host = json_object_get(document, "host"), *ksm;

	if (!host)
		return 0;
	if (jsonin_check_object(host, "host", err) || read_engine(host, snap, err) ||
	    jsonin_facts(host, "host", &snap->host, host_field_key, HOST_CPUS, HOST_KSM_RUN, err) ||
	    jsonin_facts(host, "host", &snap->host, host_field_key, HOST_WALK_NS, HOST_FIELDS, err))
		return -1;
	ksm = json_object_get(host, "ksm");
	if (!ksm)
		return 0;
	if (jsonin_check_object(ksm, "host.ksm", err))
		return -1;
	return jsonin_facts(ksm, "host.ksm", &snap->host, host_field_key, HOST_KSM_RUN, HOST_WALK_NS,
			  err);
}

static int read_top(const json_t *document, struct snapshot *snap, struct error *err)
{
	bool consistent = false;
	uint64_t version;

	if (jsonin_check_object(document, "the document", err) ||
	    jsonin_need_number(document, "", "version", INT64_MAX, &version, err))
		return -1;
	if (version != VERSION)
		return jsonin_refuse(err, "version", "is %llu; this program reads version %d",
			      (unsigned long long)version, VERSION);
	if (jsonin_facts(document, "", &snap->host, host_field_key, HOST_GENERATION, HOST_CONSISTENT,
		       err) ||
	    jsonin_text(document, "", "kernel", &snap->kernel, err) ||
	    jsonin_bool(document, "", "consistent", &consistent, false, err))
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
	    snapjson_read_window(document, snap, err) ||
	    check_sums(snap, err)) {
		snapshot_free(snap);
		return -1;
	}
	return 0;
}

int snapjson_load(const char *name, struct snapshot *snap, struct error *err)
{
	const char *shown = readall_name(name);
	json_t *document = document_load(name, err);
	int ret;

	if (!document)
		return error_prefix(err, "snapshot %s: ", shown);
	ret = snapjson_read(document, snap, err);
	json_decref(document);
	return ret ? error_prefix(err, "snapshot %s: ", shown) : 0;
}
