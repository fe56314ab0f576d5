// SPDX-License-Identifier: GPL-2.0
/* The threads of one VM as a table: vCPUs, the VMM's others, kernel threads. */
#include "threads_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "table.h"
#include "text.h"
#include "units.h"
#include "usage.h"

#define REASONS 3			/* the most frequent ones */
#define CELL 128

static const struct {
	const char *title;
	bool right;
} heads[] = {
	{ "KIND", false }, { "VCPU", true }, { "TID", true }, { "NAME", false },
	{ "CPU%", true }, { "RDY%", true }, { "GUEST%", true }, { "SW/s", true },
	{ "INV%", true }, { "MIGR", true }, { "P50", true }, { "P99", true },
	{ "EXIT/s", true }, { "OF WHICH", false },
};

#define HEADS (sizeof(heads) / sizeof(heads[0]))

static void hundredths_cell(struct table *table, bool known, uint64_t value)
{
	char text[32] = "-";

	if (known)
		snprintf(text, sizeof(text), value >= 100000 ? "%.0f" : "%.1f",
			 (double)value / 100);
	table_cell(table, text);
}

static void number_cell(struct table *table, bool known, uint64_t value)
{
	char text[32] = "-";

	if (known)
		snprintf(text, sizeof(text), "%" PRIu64, value);
	table_cell(table, text);
}

static void wait_cell(struct table *table, const struct histogram *waits, double part, bool exact)
{
	char text[UNITS_TEXT];
	uint64_t ns;

	table_cell(table, histogram_quantile(waits, part, &ns) ? units_time(ns, exact, text) : "-");
}

static int compare_exits(const void *a, const void *b)
{
	const struct exit_count *left = a, *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* "io 120, hlt 80" per second, most frequent first. */
static void reasons_cell(struct table *table, const struct counters *counters,
			 uint64_t elapsed_ns)
{
	char text[CELL] = "-", name[2 * CPU_EXIT_NAME];
	struct counters sorted;
	size_t used = 0, i;

	if (!elapsed_ns) {
		table_cell(table, "-");
		return;
	}
	if (counters_copy(&sorted, counters))
		memory_missing();
	if (sorted.n_exits)
		qsort(sorted.exits, sorted.n_exits, sizeof(*sorted.exits), compare_exits);
	for (i = 0; i < sorted.n_exits && i < REASONS && sorted.exits[i].count; i++) {
		text_escape(sorted.exits[i].name, name, sizeof(name));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %.0f",
					 i ? ", " : "", name,
					 (double)sorted.exits[i].count * 1e9 / (double)elapsed_ns);
		if (used >= sizeof(text))
			break;
	}
	table_cell(table, text);
	counters_free(&sorted);
}

static void who_cells(struct table *table, const struct thread *thread)
{
	char name[4 * CPU_COMM];

	text_escape(thread->tid ? thread->comm : "(ended)", name, sizeof(name));
	table_cell(table, thread_kind_name(thread->kind));
	number_cell(table, thread->kind == THREAD_VCPU, thread->vcpu_id);
	number_cell(table, thread->tid != 0, thread->tid);
	table_cell(table, name);
}

static void percent_cell(struct table *table, const struct counters *counters,
			 enum thread_field field, uint64_t elapsed_ns)
{
	uint64_t value = 0;
	bool known = usage_percent(elapsed_ns, counters, field, &value);

	hundredths_cell(table, known, value);
}

static void guest_cell(struct table *table, const struct thread *thread, uint64_t elapsed_ns)
{
	uint64_t ns = 0;
	bool known = thread->kind == THREAD_VCPU && elapsed_ns &&
		     usage_guest_ns(&thread->counters, &ns);

	hundredths_cell(table, known,
			known ? round_saturating((double)ns * 1e4 / (double)elapsed_ns) : 0);
}

static void switch_cells(struct table *table, const struct counters *counters,
			 uint64_t elapsed_ns)
{
	uint64_t voluntary = 0, involuntary = 0, part = 0, moves = 0;
	bool known = usage_rate(elapsed_ns, counters, THREAD_VOLUNTARY_SWITCHES, &voluntary) &&
		     usage_rate(elapsed_ns, counters, THREAD_INVOLUNTARY_SWITCHES, &involuntary);

	hundredths_cell(table, known, add_saturating(voluntary, involuntary));
	known = usage_involuntary(counters, &part);
	hundredths_cell(table, known, part);
	known = facts_get(&counters->facts, THREAD_MIGRATIONS, &moves);
	number_cell(table, known, moves);
}

static void thread_cells(struct table *table, const struct thread *thread, uint64_t elapsed_ns,
			 bool exact)
{
	const struct counters *counters = &thread->counters;
	uint64_t exits = 0;
	bool known;

	who_cells(table, thread);
	percent_cell(table, counters, THREAD_RUN_NS, elapsed_ns);
	percent_cell(table, counters, THREAD_READY_NS, elapsed_ns);
	guest_cell(table, thread, elapsed_ns);
	switch_cells(table, counters, elapsed_ns);
	wait_cell(table, &counters->waits, 0.5, exact);
	wait_cell(table, &counters->waits, 0.99, exact);
	known = usage_rate(elapsed_ns, counters, THREAD_EXITS, &exits);
	hundredths_cell(table, known, exits);
	reasons_cell(table, counters, elapsed_ns);
}

/* Threads that ended long ago have no part in what happens now. */
static bool is_idle_sum(const struct thread *thread)
{
	return !thread->tid && !facts_or_zero(&thread->counters.facts, THREAD_RUN_NS);
}

/* vCPUs by their id, then the VMM's threads, then the kernel's; the ended ones last. */
static int compare_threads(const void *a, const void *b)
{
	const struct thread *left = *(const struct thread *const *)a;
	const struct thread *right = *(const struct thread *const *)b;

	if (!left->tid || !right->tid)
		return right->tid ? 1 : -1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->kind == THREAD_VCPU && left->vcpu_id != right->vcpu_id)
		return left->vcpu_id < right->vcpu_id ? -1 : 1;
	return left->tid < right->tid ? -1 : 1;
}

void threads_view_print(FILE *out, const struct snapshot *snap, const struct vm *vm,
			const struct options *options)
{
	const struct cpu *cpu = snap->window.window_ns ? &snap->window : &snap->cpu;
	uint64_t elapsed_ns = usage_life_ns(snap, vm);
	const struct thread *threads, **order;
	struct table *table;
	size_t count, shown = 0, i;

	threads = cpu_threads_of(cpu, vm->pid, &count);
	if (!count)
		return;
	order = memory_checked(calloc(count, sizeof(*order)));
	for (i = 0; i < count; i++) {
		if (!is_idle_sum(&threads[i]))
			order[shown++] = &threads[i];
	}
	qsort(order, shown, sizeof(*order), compare_threads);
	table = table_new(HEADS);
	for (i = 0; i < HEADS; i++)
		table_title(table, i, heads[i].title, heads[i].right);
	for (i = 0; i < shown; i++)
		thread_cells(table, order[i], elapsed_ns, options->bytes);
	table_print(table, out, !options->no_header, options->color);
	table_free(table);
	free(order);
}
