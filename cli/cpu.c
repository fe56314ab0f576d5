// SPDX-License-Identifier: GPL-2.0
/* Threads and preemptions: kept, summed, and subtracted. Pure functions. */
#include "cpu.h"

#include <stdlib.h>
#include <string.h>

const char *const cpu_field_key[CPU_FIELDS] = {
	[CPU_TRACKED_NS] = "tracked_ns",
	[CPU_CPUS] = "cpus",
	[CPU_VMS_NS] = "vms_ns",
	[CPU_HOST_NS] = "host_ns",
	[CPU_IDLE_NS] = "idle_ns",
};

const char *const thread_field_key[THREAD_FIELDS] = {
	[THREAD_RUN_NS] = "run_ns",
	[THREAD_READY_NS] = "ready_ns",
	[THREAD_GUEST_NS] = "guest_ns",
	[THREAD_VOLUNTARY_SWITCHES] = "voluntary_switches",
	[THREAD_INVOLUNTARY_SWITCHES] = "involuntary_switches",
	[THREAD_MIGRATIONS] = "migrations",
	[THREAD_EXITS] = "exits",
	[THREAD_WAITS] = "waits",
	[THREAD_WAKEUPS] = "wakeups",
	[THREAD_WAIT_NS] = "wait_ns",
	[THREAD_ENTRIES] = "entries",
	[THREAD_IN_GUEST_NS] = "in_guest_ns",
};

static const char *const kind_names[THREAD_KINDS] = {
	[THREAD_VCPU] = "vcpu", [THREAD_VMM] = "vmm", [THREAD_KERNEL] = "kernel",
};

const char *thread_kind_name(enum thread_kind kind)
{
	return kind_names[kind];
}

bool thread_kind_parse(const char *name, enum thread_kind *kind)
{
	unsigned int i;

	for (i = 0; i < THREAD_KINDS; i++) {
		if (!strcmp(name, kind_names[i])) {
			*kind = (enum thread_kind)i;
			return true;
		}
	}
	return false;
}

void counters_free(struct counters *counters)
{
	free(counters->exits);
	counters->exits = NULL;
	counters->n_exits = 0;
}

int counters_copy(struct counters *to, const struct counters *from)
{
	*to = *from;
	to->exits = NULL;
	if (!from->n_exits)
		return 0;
	to->exits = reallocarray(NULL, from->n_exits, sizeof(*to->exits));
	if (!to->exits) {
		to->n_exits = 0;
		return -1;
	}
	memcpy(to->exits, from->exits, from->n_exits * sizeof(*to->exits));
	return 0;
}

int counters_add_exit(struct counters *counters, const char *name, uint64_t count)
{
	struct exit_count *exits;
	size_t at = 0;

	while (at < counters->n_exits && strcmp(counters->exits[at].name, name) < 0)
		at++;
	if (at < counters->n_exits && !strcmp(counters->exits[at].name, name)) {
		counters->exits[at].count = add_saturating(counters->exits[at].count, count);
		return 0;
	}
	exits = reallocarray(counters->exits, counters->n_exits + 1, sizeof(*exits));
	if (!exits)
		return -1;
	counters->exits = exits;
	memmove(exits + at + 1, exits + at, (counters->n_exits - at) * sizeof(*exits));
	counters->n_exits++;
	memset(&exits[at], 0, sizeof(*exits));
	strncpy(exits[at].name, name, CPU_EXIT_NAME - 1);
	exits[at].count = count;
	return 0;
}

static void add_histogram(struct histogram *sum, const struct histogram *more)
{
	size_t i;

	sum->known |= more->known;
	for (i = 0; i < CPU_BUCKETS; i++)
		sum->count[i] = add_saturating(sum->count[i], more->count[i]);
}

int counters_add(struct counters *sum, const struct counters *more)
{
	unsigned int field;
	uint64_t value;
	size_t i;

	for (field = 0; field < THREAD_FIELDS; field++) {
		if (facts_get(&more->facts, field, &value))
			facts_add(&sum->facts, field, value);
	}
	add_histogram(&sum->waits, &more->waits);
	for (i = 0; i < more->n_exits; i++) {
		if (counters_add_exit(sum, more->exits[i].name, more->exits[i].count))
			return -1;
	}
	return 0;
}

/* The first of the counters that hooks keep, which begin at 0 */
#define HOOKED THREAD_WAITS

/* A counter that went backwards began anew. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static void subtract_facts(struct facts *facts, const struct facts *before, unsigned int fields)
{
	unsigned int field;

	for (field = 0; field < fields; field++)
		facts->value[field] = grown(facts->value[field], facts_or_zero(before, field));
}

static void subtract_exits(struct counters *counters, const struct counters *before)
{
	size_t i, j = 0;

	for (i = 0; i < counters->n_exits; i++) {
		struct exit_count *exit = &counters->exits[i];

		while (j < before->n_exits && strcmp(before->exits[j].name, exit->name) < 0)
			j++;
		if (j < before->n_exits && !strcmp(before->exits[j].name, exit->name))
			exit->count = grown(exit->count, before->exits[j].count);
	}
}

static void counters_subtract(struct counters *counters, const struct counters *before)
{
	size_t i;

	counters->facts.known &= before->facts.known | ~((1u << HOOKED) - 1);
	subtract_facts(&counters->facts, &before->facts, THREAD_FIELDS);
	subtract_exits(counters, before);
	for (i = 0; i < CPU_BUCKETS; i++)
		counters->waits.count[i] = grown(counters->waits.count[i], before->waits.count[i]);
}

void cpu_free(struct cpu *cpu)
{
	size_t i;

	for (i = 0; i < cpu->n_threads; i++)
		counters_free(&cpu->threads[i].counters);
	free(cpu->threads);
	free(cpu->preemptions);
	memset(cpu, 0, sizeof(*cpu));
}

/* Room for one more; grows to the next power of two when count is one. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? 2 * count : 1, size);
}

struct thread *cpu_add_thread(struct cpu *cpu)
{
	struct thread *threads = grow(cpu->threads, cpu->n_threads, sizeof(*threads));

	if (!threads)
		return NULL;
	cpu->threads = threads;
	threads += cpu->n_threads++;
	memset(threads, 0, sizeof(*threads));
	return threads;
}

struct preemption *cpu_add_preemption(struct cpu *cpu)
{
	struct preemption *rows = grow(cpu->preemptions, cpu->n_preemptions, sizeof(*rows));

	if (!rows)
		return NULL;
	cpu->preemptions = rows;
	rows += cpu->n_preemptions++;
	memset(rows, 0, sizeof(*rows));
	return rows;
}

static int compare_pairs(uint32_t a, uint32_t a_second, uint32_t b, uint32_t b_second)
{
	if (a != b)
		return a < b ? -1 : 1;
	return (a_second > b_second) - (a_second < b_second);
}

static int compare_threads(const void *a, const void *b)
{
	const struct thread *left = a, *right = b;

	return compare_pairs(left->pid, left->tid, right->pid, right->tid);
}

static int compare_preemptions(const void *a, const void *b)
{
	const struct preemption *left = a, *right = b;

	return compare_pairs(left->victim, left->by, right->victim, right->by);
}

static bool sort(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	const char *row = rows;
	size_t i;

	if (count < 2)
		return true;
	qsort(rows, count, size, compare);
	for (i = 1; i < count; i++) {
		if (!compare(row + (i - 1) * size, row + i * size))
			return false;
	}
	return true;
}

bool cpu_sort(struct cpu *cpu)
{
	bool threads = sort(cpu->threads, cpu->n_threads, sizeof(*cpu->threads), compare_threads);

	return sort(cpu->preemptions, cpu->n_preemptions, sizeof(*cpu->preemptions),
		    compare_preemptions) && threads;
}

void cpu_keep(struct cpu *cpu, bool (*keep)(uint32_t pid, const void *data), const void *data)
{
	size_t kept = 0, i;

	for (i = 0; i < cpu->n_threads; i++) {
		if (keep(cpu->threads[i].pid, data))
			cpu->threads[kept++] = cpu->threads[i];
		else
			counters_free(&cpu->threads[i].counters);
	}
	cpu->n_threads = kept;
	for (i = kept = 0; i < cpu->n_preemptions; i++) {
		if (keep(cpu->preemptions[i].victim, data))
			cpu->preemptions[kept++] = cpu->preemptions[i];
	}
	cpu->n_preemptions = kept;
}

/* Where the thread is, or would have to be put. */
static size_t thread_position(const struct cpu *cpu, uint32_t pid, uint32_t tid)
{
	size_t low = 0, high = cpu->n_threads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct thread *thread = &cpu->threads[middle];

		if (compare_pairs(thread->pid, thread->tid, pid, tid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct thread *cpu_threads_of(const struct cpu *cpu, uint32_t pid, size_t *count)
{
	size_t first = thread_position(cpu, pid, 0), last = first;

	while (last < cpu->n_threads && cpu->threads[last].pid == pid)
		last++;
	*count = last - first;
	return *count ? cpu->threads + first : NULL;
}

const struct thread *cpu_thread(const struct cpu *cpu, uint32_t pid, uint32_t tid)
{
	size_t at = thread_position(cpu, pid, tid);

	if (at == cpu->n_threads || cpu->threads[at].pid != pid || cpu->threads[at].tid != tid)
		return NULL;
	return &cpu->threads[at];
}

static void take_off(uint64_t *value, uint64_t what)
{
	*value -= *value < what ? *value : what;
}

/* The kernel sums these up itself, of a process's threads; the rest the hooks do, of all. */
static bool is_processes(unsigned int field)
{
	return field == THREAD_RUN_NS || field == THREAD_GUEST_NS ||
	       field == THREAD_VOLUNTARY_SWITCHES || field == THREAD_INVOLUNTARY_SWITCHES;
}

/*
 * What a thread had done before the window is in the sum of the ended ones, and
 * was not done in it.
 */
static void forget_ended(struct thread *ended, const struct thread *thread)
{
	unsigned int field;
	size_t i;

	for (field = 0; field < THREAD_FIELDS; field++) {
		if (is_processes(field) && !thread->in_process)
			continue;
		take_off(&ended->counters.facts.value[field],
			 facts_or_zero(&thread->counters.facts, field));
	}
	for (i = 0; i < CPU_BUCKETS; i++)
		take_off(&ended->counters.waits.count[i], thread->counters.waits.count[i]);
}

static void forget_all_ended(struct cpu *window, const struct cpu *before)
{
	size_t i, at;

	for (i = 0; i < before->n_threads; i++) {
		const struct thread *thread = &before->threads[i];

		if (!thread->tid || cpu_thread(window, thread->pid, thread->tid))
			continue;
		at = thread_position(window, thread->pid, 0);
		if (at < window->n_threads && window->threads[at].pid == thread->pid &&
		    !window->threads[at].tid)
			forget_ended(&window->threads[at], thread);
	}
}

static int subtract_threads(struct cpu *window, const struct cpu *now, const struct cpu *before)
{
	size_t i;

	for (i = 0; i < now->n_threads; i++) {
		const struct thread *thread = &now->threads[i];
		const struct thread *old = cpu_thread(before, thread->pid, thread->tid);
		struct thread *row = cpu_add_thread(window);

		if (!row)
			return -1;
		*row = *thread;
		if (counters_copy(&row->counters, &thread->counters))
			return -1;
		if (old)
			counters_subtract(&row->counters, &old->counters);
	}
	return 0;
}

static const struct preemption *find_preemption(const struct cpu *cpu,
						const struct preemption *like)
{
	return cpu->n_preemptions ? bsearch(like, cpu->preemptions, cpu->n_preemptions,
					    sizeof(*like), compare_preemptions) : NULL;
}

/* All of a row are counted together, so they begin anew together. */
static bool has_begun_anew(const struct preemption *now, const struct preemption *before)
{
	return now->wait_ns < before->wait_ns || now->count < before->count;
}

/* Where the rows of that victim begin. */
static size_t first_of(const struct cpu *cpu, uint32_t victim)
{
	size_t low = 0, high = cpu->n_preemptions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cpu->preemptions[middle].victim < victim)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The module forgets VMs that are long gone; for whom they ran instead, that time is of
 * nobody knows whom from then on. What has vanished and did not come there was not
 * forgotten, but began anew.
 */
static void take_off_forgotten(struct preemption *nobody, const struct cpu *now,
			       const struct cpu *before)
{
	uint64_t wait_ns = 0, count = 0;
	size_t i = first_of(before, nobody->victim);

	for (; i < before->n_preemptions && before->preemptions[i].victim == nobody->victim; i++) {
		const struct preemption *old = &before->preemptions[i], *same;

		same = old->by ? find_preemption(now, old) : old;
		if (same && !has_begun_anew(same, old))
			continue;
		wait_ns += old->wait_ns;
		count += old->count;
	}
	if (nobody->unknown_ns < wait_ns)
		return;
	take_off(&nobody->wait_ns, wait_ns);
	take_off(&nobody->unknown_ns, wait_ns);
	take_off(&nobody->count, count);
}

static int subtract_preemptions(struct cpu *window, const struct cpu *now,
				const struct cpu *before)
{
	size_t i;

	for (i = 0; i < now->n_preemptions; i++) {
		const struct preemption *old = find_preemption(before, &now->preemptions[i]);
		struct preemption row = now->preemptions[i], *added;
		bool is_anew = old && has_begun_anew(&row, old);

		if (old && !is_anew) {
			row.wait_ns -= old->wait_ns;
			row.count -= old->count;
			take_off(&row.idle_ns, old->idle_ns);
			take_off(&row.unknown_ns, old->unknown_ns);
		}
		if (!row.by && !is_anew)
			take_off_forgotten(&row, now, before);
		if (!row.wait_ns && !row.count)
			continue;
		added = cpu_add_preemption(window);
		if (!added)
			return -1;
		*added = row;
	}
	return 0;
}

/* The kernel's own clock if the hooks were there all the time, else the program's. */
static uint64_t time_between(const struct cpu *now, const struct cpu *before)
{
	uint64_t late, early;

	if (facts_get(&now->host, CPU_TRACKED_NS, &late) &&
	    facts_get(&before->host, CPU_TRACKED_NS, &early) && late > early)
		return late - early;
	return now->taken_ns > before->taken_ns ? now->taken_ns - before->taken_ns : 1;
}

/*
 * A CPU that came in the window counts as idle since the hooks were attached: from then to the
 * window's begin is to be taken off. Not where they were attached in the window.
 */
static void forget_cpus_that_came(struct facts *window, const struct facts *now,
				  const struct facts *before)
{
	uint64_t tracked = facts_or_zero(before, CPU_TRACKED_NS);
	uint64_t cpus = facts_or_zero(now, CPU_CPUS), old = facts_or_zero(before, CPU_CPUS);
	uint64_t idle;

	if (cpus <= old || facts_or_zero(now, CPU_TRACKED_NS) < tracked ||
	    !facts_get(window, CPU_IDLE_NS, &idle))
		return;
	take_off(&idle, (cpus - old) * tracked);
	facts_set(window, CPU_IDLE_NS, idle);
}

int cpu_difference(const struct cpu *now, const struct cpu *before, struct cpu *window)
{
	uint64_t cpus, tracked;

	memset(window, 0, sizeof(*window));
	window->window_ns = time_between(now, before);
	window->hooks = now->hooks & before->hooks;
	window->preemptions_known = facts_get(&now->host, CPU_TRACKED_NS, &tracked);
	window->host = now->host;
	subtract_facts(&window->host, &before->host, CPU_FIELDS);
	if (facts_get(&now->host, CPU_CPUS, &cpus))
		facts_set(&window->host, CPU_CPUS, cpus);
	forget_cpus_that_came(&window->host, &now->host, &before->host);
	if (subtract_threads(window, now, before) || subtract_preemptions(window, now, before)) {
		cpu_free(window);
		return -1;
	}
	forget_all_ended(window, before);
	return 0;
}

bool histogram_quantile(const struct histogram *histogram, double part, uint64_t *ns)
{
	double total = 0, rank, inside = 1;
	size_t i, at = 0;

	for (i = 0; i < CPU_BUCKETS; i++)
		total += (double)histogram->count[i];
	if (!histogram->known || total == 0)
		return false;
	rank = part * total;
	for (i = 0; i < CPU_BUCKETS; i++) {
		if (!histogram->count[i])
			continue;
		at = i;
		if (rank <= (double)histogram->count[i]) {
			inside = rank / (double)histogram->count[i];
			break;
		}
		rank -= (double)histogram->count[i];
	}
	*ns = at ? (1ull << at) + (uint64_t)(inside * (double)(1ull << at)) :
		   (uint64_t)(inside * 2);
	return true;
}
