// SPDX-License-Identifier: GPL-2.0
/* Compares what two engines found, number by number. */
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparison {
	const struct snapshot *snap[3];	/* tree, pages, tree */
	struct verification *result;
	bool failed;
};

static bool is_equal(const uint64_t value[3])
{
	return (value[1] >= value[0] && value[1] <= value[2]) ||
	       (value[1] <= value[0] && value[1] >= value[2]);
}

static void report(struct comparison *comparison, const uint64_t value[3], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void report(struct comparison *comparison, const uint64_t value[3], const char *fmt, ...)
{
	struct verification *result = comparison->result;
	struct difference *more;
	char *what = NULL;
	va_list args;

	more = reallocarray(result->difference, result->count + 1, sizeof(*more));
	if (more)
		result->difference = more;
	va_start(args, fmt);
	if (!more || vasprintf(&what, fmt, args) < 0)
		comparison->failed = true;
	va_end(args);
	if (comparison->failed)
		return;
	more[result->count++] = (struct difference){
		.verdict = value[0] == value[2] ? VERDICT_DIFFERS : VERDICT_CHANGED,
		.what = what, .before = value[0], .pages = value[1], .after = value[2],
	};
	result->differing += value[0] == value[2];
}

/* A number that one of the walks does not know cannot be compared. */
static bool all_know(const struct facts *const facts[3], unsigned int field, uint64_t value[3])
{
	return facts_get(facts[0], field, &value[0]) && facts_get(facts[1], field, &value[1]) &&
	       facts_get(facts[2], field, &value[2]);
}

static void compare_host(struct comparison *comparison)
{
	static const enum host_field fields[] = {
		HOST_KSM_MERGED_FRAMES, HOST_KSM_MERGED_MAPPINGS,
	};
	const struct facts *facts[3];
	uint64_t value[3];
	size_t i;

	for (i = 0; i < 3; i++)
		facts[i] = &comparison->snap[i]->host;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!all_know(facts, fields[i], value))
			continue;
		comparison->result->numbers++;
		if (!is_equal(value))
			report(comparison, value, "host %s", host_field_key[fields[i]]);
	}
}

static void compare_vm(struct comparison *comparison, const struct vm *const vm[3])
{
	const struct facts *facts[3] = { &vm[0]->facts, &vm[1]->facts, &vm[2]->facts };
	uint64_t value[3];
	unsigned int field;
	char label[16];

	comparison->result->vms++;
	for (field = VM_ANON; field <= VM_FREED; field++) {
		if (!all_know(facts, field, value))
			continue;
		comparison->result->numbers++;
		if (!is_equal(value))
			report(comparison, value, "VM %s (pid %u) %s",
			       vm_label(vm[1], label, sizeof(label)), vm[1]->pid,
			       vm_field_key[field]);
	}
}

/* A VM is in all three, or it came or went, or one engine does not see it. */
static void compare_vm_of(struct comparison *comparison, const struct vm *one)
{
	const struct vm *vm[3];
	uint64_t there[3];
	char label[16];
	int i;

	for (i = 0; i < 3; i++) {
		vm[i] = snapshot_vm(comparison->snap[i], one->pid);
		there[i] = vm[i] != NULL;
	}
	if (vm[0] && vm[1] && vm[2])
		compare_vm(comparison, vm);
	else if (!is_equal(there))
		report(comparison, there, "VM %s (pid %u) seen",
		       vm_label(one, label, sizeof(label)), one->pid);
}

static const struct set *find_set(const struct snapshot *snap, const struct set *set)
{
	size_t low = 0, high = snap->n_sets;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = set_compare(&snap->sets[middle], set);

		if (!order)
			return &snap->sets[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static char *set_name(const struct set *set)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (i = 0; i < set->n_pids; i++)
		fprintf(out, "%s%u", i ? "," : "", set->pids[i]);
	fputs(set->outside ? " and others" : "", out);
	fclose(out);
	return text;
}

/* A set that a walk did not find has no frames. */
static void compare_set(struct comparison *comparison, const struct set *set)
{
	uint64_t value[3];
	char *name;
	int i;

	for (i = 0; i < 3; i++) {
		const struct set *found = find_set(comparison->snap[i], set);

		value[i] = found ? found->frames_bytes : 0;
	}
	comparison->result->sets++;
	comparison->result->numbers++;
	if (is_equal(value))
		return;
	name = set_name(set);
	if (name)
		report(comparison, value, "set of pids %s", name);
	else
		comparison->failed = true;
	free(name);
}

/* Is it in one of the snapshots before this one, and done already? */
static bool is_done(const struct comparison *comparison, int from, const struct set *set,
		    const struct vm *vm)
{
	while (from--) {
		if (set ? find_set(comparison->snap[from], set) != NULL :
			  snapshot_vm(comparison->snap[from], vm->pid) != NULL)
			return true;
	}
	return false;
}

static void compare_all(struct comparison *comparison)
{
	size_t i;
	int from;

	compare_host(comparison);
	for (from = 0; from < 3; from++) {
		const struct snapshot *snap = comparison->snap[from];

		for (i = 0; i < snap->n_vms; i++) {
			if (!is_done(comparison, from, NULL, &snap->vms[i]))
				compare_vm_of(comparison, &snap->vms[i]);
		}
		for (i = 0; i < snap->n_sets; i++) {
			if (!is_done(comparison, from, &snap->sets[i], NULL))
				compare_set(comparison, &snap->sets[i]);
		}
	}
}

int verify_compare(const struct snapshot *before, const struct snapshot *pages,
		   const struct snapshot *after, struct verification *result)
{
	struct comparison comparison = { { before, pages, after }, result, false };

	memset(result, 0, sizeof(*result));
	compare_all(&comparison);
	if (!comparison.failed)
		return 0;
	verification_free(result);
	return -1;
}

void verification_free(struct verification *result)
{
	size_t i;

	for (i = 0; i < result->count; i++)
		free(result->difference[i].what);
	free(result->difference);
	memset(result, 0, sizeof(*result));
}
