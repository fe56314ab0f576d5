// SPDX-License-Identifier: GPL-2.0
/* The table of columns: what there is to show of a VM, and how. */
#include "columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "units.h"

static void get_name(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = true;
	value->text = vm_label(row->vm, value->label, sizeof(value->label));
}

static void get_uuid(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = row->vm->uuid != NULL;
	value->text = row->vm->uuid;
}

static void get_pid(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = true;
	value->number = row->vm->pid;
}

static void get_field(const struct column *column, const struct row *row, struct value *value)
{
	value->known = facts_get(&row->vm->facts, column->field, &value->number);
}

/* Nanoseconds gained per nanosecond passed; 100 % is one CPU. */
static void get_rate(const struct column *column, const struct row *row, struct value *value)
{
	uint64_t now, before;

	if (!row->before || !row->elapsed_ns ||
	    !facts_get(&row->vm->facts, column->field, &now) ||
	    !facts_get(&row->before->facts, column->field, &before) || now < before)
		return;
	value->known = true;
	value->number = (uint64_t)((double)(now - before) * 1e4 / (double)row->elapsed_ns + 0.5);
}

#define TEXT(key, title, get, help) { key, title, help, COLUMN_TEXT, 0, get, 0 }
#define FACT(key, title, kind, field, help) { key, title, help, kind, 0, get_field, field }
#define BYTES(key, title, field, help) FACT(key, title, COLUMN_BYTES, field, help)
#define COUNT(key, title, field, help) FACT(key, title, COLUMN_COUNT, field, help)
#define DURATION(key, title, field, help) FACT(key, title, COLUMN_DURATION, field, help)
#define RATE(key, title, field, help) { key, title, help, COLUMN_PERCENT, 0, get_rate, field }

const struct column columns_all[] = {
	TEXT("vm", "VM", get_name, "name of the VM, or its pid"),
	TEXT("uuid", "UUID", get_uuid, "UUID of the VM"),
	{ "pid", "PID", "process id of its VMM", COLUMN_COUNT, 0, get_pid, 0 },
	COUNT("vcpus", "VCPUS", VM_VCPUS, "number of vCPUs"),
	BYTES("anon", "ANON", VM_ANON, "resident anonymous memory: UNIQ + SELF + INTER"),
	BYTES("unique", "UNIQ", VM_UNIQUE, "mappings of frames that KSM has not merged"),
	BYTES("self", "SELF", VM_SELF_SHARED, "mappings of merged frames of this VM alone"),
	BYTES("self_frames", "SELFFRM", VM_SELF_FRAMES, "the frames behind SELF"),
	BYTES("inter", "INTER", VM_INTER_SHARED,
	      "mappings of merged frames that others map as well"),
	BYTES("freed", "FREED", VM_FREED, "what the host gets back when this VM alone leaves"),
	BYTES("shmem", "SHMEM", VM_SHMEM, "resident shared memory"),
	BYTES("private_shmem", "PRIVSHM", VM_PRIVATE_SHMEM, "shared memory that goes with the VM"),
	BYTES("hugetlb", "HUGETLB", VM_HUGETLB, "pages of the hugetlb pool"),
	BYTES("swap", "SWAP", VM_SWAP, "swapped out"),
	BYTES("page_tables", "PGTBL", VM_PAGE_TABLES, "page tables of the process"),
	{ "pss", "PSS", "proportional set size (walks the page tables)", COLUMN_BYTES, NEED_PSS,
	  get_field, VM_PSS },
	RATE("cpu", "CPU%", VM_RUN_NS, "time on a CPU; 100 is one CPU"),
	RATE("ready", "RDY%", VM_READY_NS, "time runnable but not running"),
	RATE("guest", "GUEST%", VM_GUEST_NS, "time in guest mode"),
	DURATION("time", "TIME", VM_RUN_NS, "time on a CPU since its birth"),
	DURATION("ready_time", "RDYTIME", VM_READY_NS, "time waiting for a CPU since its birth"),
	DURATION("guest_time", "GSTTIME", VM_GUEST_NS, "time in guest mode since its birth"),
	DURATION("vmm_time", "VMMTIME", VM_VMM_NS, "run time of all but the vCPUs"),
	COUNT("voluntary", "VCSW", VM_VOLUNTARY_SWITCHES, "voluntary context switches"),
	COUNT("involuntary", "IVCSW", VM_INVOLUNTARY_SWITCHES, "involuntary context switches"),
	COUNT("migrations", "MIGR", VM_MIGRATIONS, "migrations between CPUs"),
	BYTES("dirty", "DIRTY/s", VM_DIRTY_RATE, "memory dirtied per second"),
	COUNT("cost", "COST", VM_COST, "cost of moving it, as the document gives it"),
	{ .key = NULL },
};

const struct column *columns_find(const char *key)
{
	const struct column *column;

	for (column = columns_all; column->key; column++) {
		if (!strcmp(column->key, key))
			return column;
	}
	return NULL;
}

static int unknown_column(const char *key, struct error *err)
{
	const struct column *column;
	struct nearest near = {};
	char list[512] = "";
	size_t used = 0;

	for (column = columns_all; column->key; column++) {
		text_offer(&near, key, column->key);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 used ? "," : "", column->key);
	}
	if (near.word)
		return error_set(err, EXIT_USAGE, "there is no column \"%s\"; did you mean %s?", key,
				 near.word);
	return error_set(err, EXIT_USAGE, "there is no column \"%s\"; there are %s", key, list);
}

int columns_parse_key(const char *key, const struct column **column, struct error *err)
{
	*column = NULL;
	if (!key)
		return 0;
	*column = columns_find(key);
	return *column ? 0 : unknown_column(key, err);
}

int columns_parse(const char *list, struct columns *columns, struct error *err)
{
	const char *end;
	char key[64];

	columns->count = 0;
	for (;; list = end + 1) {
		end = strchrnul(list, ',');
		snprintf(key, sizeof(key), "%.*s", (int)(end - list), list);
		if (columns->count == COLUMNS_MAX)
			return error_set(err, EXIT_USAGE, "more than %d columns", COLUMNS_MAX);
		if (columns_parse_key(key, &columns->column[columns->count++], err))
			return -1;
		if (!*end)
			return 0;
	}
}

unsigned int columns_needs(const struct columns *columns)
{
	unsigned int needs = 0;
	size_t i;

	for (i = 0; i < columns->count; i++)
		needs |= columns->column[i]->needs;
	return needs;
}

static int compare_values(const struct column *column, const struct row *a, const struct row *b)
{
	struct value left = {}, right = {};
	int order;

	column->get(column, a, &left);
	column->get(column, b, &right);
	if (!left.known || !right.known)
		return right.known - left.known;
	if (column->kind == COLUMN_TEXT)
		return strcmp(left.text, right.text);
	order = (left.number > right.number) - (left.number < right.number);
	return column->get == get_pid ? order : -order;
}

int columns_compare(const struct column *column, const struct row *a, const struct row *b)
{
	int order = compare_values(column, a, b);

	return order ? order : (a->vm->pid > b->vm->pid) - (a->vm->pid < b->vm->pid);
}

static void format_number(enum column_kind kind, uint64_t number, bool exact, char *out,
			  size_t size)
{
	char text[UNITS_TEXT];

	if (kind == COLUMN_PERCENT)
		snprintf(out, size, "%.1f", (double)number / 100);
	else if (kind == COLUMN_BYTES && !exact)
		snprintf(out, size, "%s", units_bytes(number, text));
	else if (kind == COLUMN_DURATION && !exact)
		snprintf(out, size, "%s", units_duration(number, text));
	else
		snprintf(out, size, "%" PRIu64, number);
}

void columns_format(const struct column *column, const struct row *row, bool exact, char *out,
		    size_t size)
{
	struct value value = {};

	column->get(column, row, &value);
	if (!value.known)
		snprintf(out, size, "-");
	else if (column->kind == COLUMN_TEXT)
		text_escape(value.text, out, size);
	else
		format_number(column->kind, value.number, exact, out, size);
}
