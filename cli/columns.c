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

static void get_user(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = row->vm->user != NULL;
	value->text = row->vm->user;
}

static void get_slice(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = row->vm->slice != NULL;
	value->text = row->vm->slice;
}

/* Nanoseconds per nanosecond of all threads; 100 % is one CPU. */
static void get_percent(const struct column *column, const struct row *row, struct value *value)
{
	value->known = row->usage &&
		       usage_percent(row->usage->elapsed_ns, &row->usage->process,
				     (enum thread_field)column->field, &value->number);
}

static uint64_t hundredths(double part)
{
	return round_saturating(part * 1e4);
}

static void get_guest(const struct column *column, const struct row *row, struct value *value)
{
	const struct usage *usage = row->usage;
	uint64_t ns;

	(void)column;
	if (!usage || !usage->elapsed_ns ||
	    !usage_guest_ns(usage->by_thread ? &usage->vcpus : &usage->process, &ns))
		return;
	value->known = true;
	value->number = hundredths((double)ns / (double)usage->elapsed_ns);
}

static void get_vmm(const struct column *column, const struct row *row, struct value *value)
{
	const struct usage *usage = row->usage;
	uint64_t ns;

	(void)column;
	if (!usage || !usage->elapsed_ns || !usage_vmm_ns(usage, &ns))
		return;
	value->known = true;
	value->number = hundredths((double)ns / (double)usage->elapsed_ns);
}

/* As the guest sees it: what its vCPUs waited, per vCPU. */
static void get_steal(const struct column *column, const struct row *row, struct value *value)
{
	const struct usage *usage = row->usage;
	uint64_t ready;

	(void)column;
	if (!usage || !usage->n_vcpus || !usage->elapsed_ns ||
	    !facts_get(&usage->vcpus.facts, THREAD_READY_NS, &ready))
		return;
	value->known = true;
	value->number = hundredths((double)ready / usage->n_vcpus / (double)usage->elapsed_ns);
}

static void get_switches(const struct column *column, const struct row *row, struct value *value)
{
	uint64_t voluntary, involuntary;

	(void)column;
	if (!row->usage ||
	    !usage_rate(row->usage->elapsed_ns, &row->usage->process, THREAD_VOLUNTARY_SWITCHES,
			&voluntary) ||
	    !usage_rate(row->usage->elapsed_ns, &row->usage->process, THREAD_INVOLUNTARY_SWITCHES,
			&involuntary))
		return;
	value->known = true;
	value->number = add_saturating(voluntary, involuntary);
}

static void get_involuntary(const struct column *column, const struct row *row,
			    struct value *value)
{
	(void)column;
	value->known = row->usage && usage_involuntary(&row->usage->process, &value->number);
}

static void get_rate(const struct column *column, const struct row *row, struct value *value)
{
	value->known = row->usage &&
		       usage_rate(row->usage->elapsed_ns, &row->usage->process,
				  (enum thread_field)column->field, &value->number);
}

static void get_p50(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = row->usage &&
		       histogram_quantile(&row->usage->vcpus.waits, 0.5, &value->number);
}

static void get_p99(const struct column *column, const struct row *row, struct value *value)
{
	(void)column;
	value->known = row->usage &&
		       histogram_quantile(&row->usage->vcpus.waits, 0.99, &value->number);
}

#define TEXT(key, title, get, help) { key, title, help, COLUMN_TEXT, 0, get, 0, false }
#define OWNER(key, title, get, help) { key, title, help, COLUMN_TEXT, NEED_OWNER, get, 0, false }
#define FACT(key, title, kind, field, help) { key, title, help, kind, 0, get_field, field, false }
#define BYTES(key, title, field, help) FACT(key, title, COLUMN_BYTES, field, help)
#define COUNT(key, title, field, help) FACT(key, title, COLUMN_COUNT, field, help)
#define DURATION(key, title, field, help) FACT(key, title, COLUMN_DURATION, field, help)
#define USE(key, title, kind, get, field, help) { key, title, help, kind, NEED_CPU, get, field, true }

const struct column columns_all[] = {
	TEXT("vm", "VM", get_name, "name of the VM, or its pid"),
	TEXT("uuid", "UUID", get_uuid, "UUID of the VM"),
	{ "pid", "PID", "process id of its VMM", COLUMN_COUNT, 0, get_pid, 0, false },
	OWNER("user", "USER", get_user, "user that its process runs as"),
	OWNER("slice", "SLICE", get_slice, "its slice, or outermost control group"),
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
	  get_field, VM_PSS, false },
	USE("cpu", "CPU%", COLUMN_PERCENT, get_percent, THREAD_RUN_NS,
	    "time on a CPU; 100 is one CPU"),
	USE("ready", "RDY%", COLUMN_PERCENT, get_percent, THREAD_READY_NS,
	    "time runnable but not running"),
	USE("guest", "GUEST%", COLUMN_PERCENT, get_guest, 0, "time in guest mode"),
	USE("vmm", "VMM%", COLUMN_PERCENT, get_vmm, 0,
	    "time of all but the vCPUs: emulator, I/O and kernel threads"),
	USE("steal", "STEAL%", COLUMN_PERCENT, get_steal, 0,
	    "time runnable but not running, per vCPU: steal as the guest sees it"),
	USE("switches", "SW/s", COLUMN_RATE, get_switches, 0, "context switches per second"),
	USE("inv", "INV%", COLUMN_PERCENT, get_involuntary, 0,
	    "involuntary ones among the context switches"),
	USE("wakeups", "WAKE/s", COLUMN_RATE, get_rate, THREAD_WAKEUPS, "wake-ups per second (hooks)"),
	USE("exits", "EXIT/s", COLUMN_RATE, get_rate, THREAD_EXITS,
	    "exits from guest mode per second"),
	USE("p50", "P50", COLUMN_DURATION, get_p50, 0,
	    "half of the vCPUs' waits for a CPU are not longer (hooks)"),
	USE("p99", "P99", COLUMN_DURATION, get_p99, 0,
	    "99 of 100 of the vCPUs' waits are not longer (hooks)"),
	DURATION("time", "TIME", VM_RUN_NS, "time on a CPU since its birth"),
	DURATION("ready_time", "RDYTIME", VM_READY_NS, "time waiting for a CPU since its birth"),
	DURATION("guest_time", "GSTTIME", VM_GUEST_NS, "time in guest mode since its birth"),
	{ "vmm_time", "VMMTIME", "run time of all but the vCPUs since birth", COLUMN_DURATION,
	  NEED_CPU, get_field, VM_VMM_NS, false },
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
	char list[1024] = "";
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

bool columns_have_use(const struct columns *columns)
{
	bool use = false;
	size_t i;

	for (i = 0; i < columns->count; i++)
		use |= columns->column[i]->use;
	return use;
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

	if (kind == COLUMN_PERCENT || kind == COLUMN_RATE)
		snprintf(out, size, kind == COLUMN_RATE && number >= 10000 ? "%.0f" : "%.1f",
			 (double)number / 100);
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
