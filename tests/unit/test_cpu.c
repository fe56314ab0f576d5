// SPDX-License-Identifier: GPL-2.0
/* Counters of threads: summed, subtracted, and their waits ranked. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

#define SAMPLES 1000

static struct thread *thread(struct cpu *cpu, uint32_t pid, uint32_t tid, uint64_t run_ns)
{
	struct thread *thread = cpu_add_thread(cpu);

	thread->pid = pid;
	thread->tid = tid;
	thread->kind = THREAD_VMM;
	thread->in_process = true;
	facts_set(&thread->counters.facts, THREAD_RUN_NS, run_ns);
	return thread;
}

static void preempt(struct cpu *cpu, uint32_t victim, uint32_t by, uint64_t count,
		    uint64_t wait_ns)
{
	struct preemption *row = cpu_add_preemption(cpu);

	row->victim = victim;
	row->by = by;
	row->count = count;
	row->wait_ns = wait_ns;
}

static uint64_t run_ns(const struct cpu *cpu, uint32_t pid, uint32_t tid)
{
	const struct thread *found = cpu_thread(cpu, pid, tid);

	return found ? facts_or_zero(&found->counters.facts, THREAD_RUN_NS) : UINT64_MAX;
}

static void test_difference(void)
{
	struct cpu before = { .taken_ns = 5000 }, now = { .taken_ns = 8000 }, window;
	struct thread *row;
	uint64_t value;

	thread(&before, 20, 21, 100);
	thread(&before, 10, 11, 1000);
	thread(&before, 10, 12, 500);		/* ends in the window, having run 40 more */
	row = thread(&before, 10, 13, 900);	/* its number is given to another thread */
	counters_add_exit(&row->counters, "io", 5);
	thread(&before, 10, 0, 70);
	thread(&now, 10, 11, 1300);
	row = thread(&now, 10, 13, 25);
	counters_add_exit(&row->counters, "io", 2);
	counters_add_exit(&row->counters, "hlt", 1);
	thread(&now, 10, 14, 33);		/* begins in the window */
	facts_set(&thread(&now, 10, 0, 610)->counters.facts, THREAD_WAITS, 4);
	row = thread(&now, 20, 21, 100);
	facts_set(&row->counters.facts, THREAD_READY_NS, 99);
	facts_set(&row->counters.facts, THREAD_WAIT_NS, 7);
	ok(cpu_sort(&before) && cpu_sort(&now), "no thread is there twice");
	ok(!cpu_difference(&now, &before, &window), "a difference");
	is_number(window.window_ns, 3000, "its length by the program's clock");
	is_number(run_ns(&window, 10, 11), 300, "a thread that went on");
	is_number(run_ns(&window, 10, 13), 25, "a counter that went backwards began anew");
	is_number(run_ns(&window, 10, 14), 33, "a thread that came");
	is_number(run_ns(&window, 10, 12), UINT64_MAX, "one that went has no row");
	is_number(run_ns(&window, 10, 0), 40, "but what it did until it ended is there");
	is_number(run_ns(&window, 20, 21), 0, "one that did nothing");
	row = (struct thread *)cpu_thread(&window, 20, 21);
	ok(!facts_get(&row->counters.facts, THREAD_READY_NS, &value),
	   "what was not known at first is not known");
	ok(facts_get(&row->counters.facts, THREAD_WAIT_NS, &value) && value == 7,
	   "but what hooks count began at 0");
	row = (struct thread *)cpu_thread(&window, 10, 13);
	ok(row->counters.n_exits == 2 && row->counters.exits[0].count == 1 &&
	   row->counters.exits[1].count == 2, "exits began anew with it");
	cpu_free(&window);
	cpu_free(&before);
	cpu_free(&now);
}

static void host_times(struct cpu *cpu, uint64_t tracked_ns, uint64_t cpus, uint64_t idle_ns)
{
	facts_set(&cpu->host, CPU_TRACKED_NS, tracked_ns);
	facts_set(&cpu->host, CPU_CPUS, cpus);
	facts_set(&cpu->host, CPU_IDLE_NS, idle_ns);
}

/* It counts as idle since the hooks were attached, of which the window is a part. */
static void test_cpu_that_comes(void)
{
	struct cpu before = {}, now = {}, window;

	host_times(&before, 5000, 2, 7000);
	host_times(&now, 6000, 3, 13900);
	cpu_difference(&now, &before, &window);
	is_number(facts_or_zero(&window.host, CPU_IDLE_NS), 1900, "idle time in the window alone");
	cpu_free(&window);
	/* attached anew meanwhile */
	host_times(&now, 400, 3, 1200);
	cpu_difference(&now, &before, &window);
	is_number(facts_or_zero(&window.host, CPU_IDLE_NS), 1200, "all of it after hooks were attached anew");
	cpu_free(&window);
}

static void test_preemptions(void)
{
	struct cpu before = {}, now = {}, window;

	host_times(&before, 100, 2, 60);
	host_times(&now, 1100, 2, 660);
	preempt(&before, 10, 20, 5, 500);
	preempt(&before, 10, 0, 1, 100);
	before.preemptions[1].idle_ns = 30;
	preempt(&now, 10, 30, 1, 10);
	preempt(&now, 10, 20, 5, 500);
	preempt(&now, 10, 0, 4, 400);
	now.preemptions[2].idle_ns = 90;
	ok(cpu_sort(&before) && cpu_sort(&now), "rows in order");
	cpu_difference(&now, &before, &window);
	is_number(window.window_ns, 1000, "the length by the kernel's clock");
	ok(facts_or_zero(&window.host, CPU_CPUS) == 2 &&
	   facts_or_zero(&window.host, CPU_IDLE_NS) == 600, "the host's time");
	is_number(window.n_preemptions, 2, "a pair where nothing happened has no row");
	ok(window.preemptions[0].by == 0 && window.preemptions[0].count == 3 &&
	   window.preemptions[0].wait_ns == 300 && window.preemptions[0].idle_ns == 60,
	   "by no VM");
	ok(window.preemptions[1].by == 30 && window.preemptions[1].wait_ns == 10, "a new pair");
	cpu_free(&window);
	cpu_difference(&before, &now, &window);
	ok(window.window_ns && window.preemptions[0].wait_ns == 100 &&
	   facts_or_zero(&window.host, CPU_IDLE_NS) == 60, "hooks that were attached anew");
	cpu_free(&window);
	cpu_free(&before);
	cpu_free(&now);
}

/* A VM that was long gone is forgotten: no time of this window. */
static void test_forgotten(void)
{
	struct cpu before = {}, now = {}, window;

	facts_set(&before.host, CPU_TRACKED_NS, 100000);
	facts_set(&now.host, CPU_TRACKED_NS, 101000);
	preempt(&before, 10, 20, 500, 40000);
	preempt(&before, 10, 30, 50, 9000);
	preempt(&before, 10, 0, 3, 300);
	before.preemptions[2].unknown_ns = 100;
	preempt(&now, 10, 30, 1, 20);		/* another VM of that pid */
	preempt(&now, 10, 0, 555, 49370);	/* 70 in two pieces are new, 30 by nobody */
	now.preemptions[1].unknown_ns = 49140;
	ok(cpu_sort(&before) && cpu_sort(&now), "rows in order");
	cpu_difference(&now, &before, &window);
	is_number(window.n_preemptions, 2, "a VM that was forgotten has no row");
	ok(window.preemptions[0].by == 0 && window.preemptions[0].wait_ns == 70 &&
	   window.preemptions[0].unknown_ns == 40 && window.preemptions[0].count == 2,
	   "what it had displaced before is not by nobody now");
	ok(window.preemptions[1].by == 30 && window.preemptions[1].wait_ns == 20,
	   "a namesake of one that was forgotten begins anew");
	cpu_free(&window);
	now.preemptions[0].unknown_ns = 120;
	cpu_difference(&now, &before, &window);
	ok(window.preemptions[0].by == 0 && window.preemptions[0].wait_ns == 49070 &&
	   window.preemptions[0].unknown_ns == 20,
	   "nothing is taken off where what has vanished did not come to nobody");
	cpu_free(&window);
	cpu_free(&before);
	cpu_free(&now);
}

/* One of the VM's process, of the kernel in it, or a kernel thread beside it. */
static void live(struct cpu *cpu, uint32_t tid, unsigned int sort, uint64_t ns)
{
	struct thread *row = thread(cpu, 7, tid, ns);

	row->kind = sort ? THREAD_KERNEL : THREAD_VMM;
	row->in_process = sort < 2;
	facts_set(&row->counters.facts, THREAD_WAIT_NS, 2 * ns);
}

static uint64_t sum_of(const struct cpu *window, enum thread_field field)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < window->n_threads; i++)
		sum += facts_or_zero(&window->threads[i].counters.facts, field);
	return sum;
}

/*
 * Over random lives of threads, what all did is conserved, whoever came and went. Of a
 * kernel thread beside the process that ends, the hooks know what it did, and nobody else.
 */
static void test_conserved(void)
{
	unsigned int run, wrong = 0;

	for (run = 0; run < 500; run++) {
		uint64_t ended = test_random_below(1000), waited = 2 * ended;
		uint64_t total = 0, lost = 0, old, more;
		struct cpu before = {}, now = {}, window;
		uint32_t tid;

		live(&before, 0, 0, ended);
		for (tid = 1; tid < 12; tid++) {
			bool was = test_random_below(3), stays = test_random_below(3);
			unsigned int sort = test_random_below(3);

			old = was ? test_random_below(1000) : 0;
			more = test_random_below(1000);
			total += more;
			if (was)
				live(&before, tid, sort, old);
			if (stays) {
				live(&now, tid, sort, old + more);
				continue;
			}
			waited += 2 * (old + more);
			if (sort < 2)
				ended += old + more;
			else
				lost += more;
		}
		live(&now, 0, 0, ended);
		facts_set(&now.threads[now.n_threads - 1].counters.facts, THREAD_WAIT_NS, waited);
		cpu_sort(&before);
		cpu_sort(&now);
		cpu_difference(&now, &before, &window);
		wrong += sum_of(&window, THREAD_RUN_NS) != total - lost ||
			 sum_of(&window, THREAD_WAIT_NS) != 2 * total;
		cpu_free(&window);
		cpu_free(&before);
		cpu_free(&now);
	}
	is_number(wrong, 0, "500 histories: the parts sum up to what was run");
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Against all samples, sorted: never off by a factor of 2. */
static void test_quantiles(void)
{
	static const double parts[] = { 0.01, 0.25, 0.5, 0.9, 0.99, 1 };
	uint64_t samples[SAMPLES], got = 0;
	unsigned int run, wrong = 0;
	size_t i;

	for (run = 0; run < 100; run++) {
		struct histogram histogram = { .known = true };

		for (i = 0; i < SAMPLES; i++) {
			samples[i] = 2 + (test_random() >> (20 + test_random_below(40)));
			histogram.count[63 - __builtin_clzll(samples[i])]++;
		}
		qsort(samples, SAMPLES, sizeof(*samples), compare_u64);
		for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
			double truth = (double)samples[(size_t)(parts[i] * SAMPLES + 0.5) - 1];

			wrong += !histogram_quantile(&histogram, parts[i], &got) ||
				 (double)got > 2 * truth || 2 * (double)got < truth;
		}
	}
	is_number(wrong, 0, "600 quantiles are within a factor of 2 of the sorted samples'");
}

static void test_quantile_edges(void)
{
	struct histogram histogram = {};
	uint64_t ns = 1;

	ok(!histogram_quantile(&histogram, 0.5, &ns), "no histogram");
	histogram.known = true;
	ok(!histogram_quantile(&histogram, 0.5, &ns), "no waits");
	histogram.count[10] = 100;
	ok(histogram_quantile(&histogram, 0.5, &ns) && ns == 1536, "the middle of a bucket");
	ok(histogram_quantile(&histogram, 0, &ns) && ns == 1024, "the shortest");
	ok(histogram_quantile(&histogram, 1, &ns) && ns == 2048, "the longest");
	histogram.count[0] = 300;
	ok(histogram_quantile(&histogram, 0.5, &ns) && ns == 1, "in the first bucket");
	histogram.count[CPU_BUCKETS - 1] = UINT64_MAX;
	ok(histogram_quantile(&histogram, 1, &ns) && ns == 1ull << 63, "in the last");
}

static void test_sums(void)
{
	struct counters sum = {}, one = {}, copy;
	uint64_t value;

	facts_set(&one.facts, THREAD_RUN_NS, UINT64_MAX - 1);
	one.waits.known = true;
	one.waits.count[3] = 2;
	counters_add_exit(&one, "hlt", 2);
	counters_add_exit(&one, "a reason with a name that has no end at all", 1);
	ok(!counters_add(&sum, &one) && !counters_add(&sum, &one), "a sum");
	is_number(facts_or_zero(&sum.facts, THREAD_RUN_NS), UINT64_MAX, "that does not wrap");
	ok(!facts_get(&sum.facts, THREAD_READY_NS, &value), "nothing of what nobody knows");
	ok(sum.waits.known && sum.waits.count[3] == 4, "waits");
	ok(!counters_copy(&copy, &sum) && copy.n_exits == 2 && copy.exits != sum.exits, "a copy");
	is_number(copy.exits[1].count, 4, "of the exits too");
	counters_free(&copy);
	counters_free(&sum);
	counters_free(&one);
}

static bool is_even(uint32_t pid, const void *data)
{
	(void)data;
	return pid % 2 == 0;
}

static void test_keeping(void)
{
	struct cpu cpu = {};
	size_t count;
	uint32_t pid;

	ok(!cpu_threads_of(&cpu, 5, &count) && !count, "where nothing is known there are no threads");
	for (pid = 1; pid < 9; pid++) {
		thread(&cpu, pid, 100 + pid, 1);
		thread(&cpu, pid, 200 + pid, 1);
		preempt(&cpu, pid, 3, 1, 1);
	}
	cpu_sort(&cpu);
	cpu_threads_of(&cpu, 5, &count);
	is_number(count, 2, "the threads of one VM");
	cpu_keep(&cpu, is_even, NULL);
	cpu_threads_of(&cpu, 5, &count);
	ok(!count && cpu.n_threads == 8 && cpu.n_preemptions == 4, "only what is to be kept is");
	ok(cpu_thread(&cpu, 6, 206) && !cpu_thread(&cpu, 6, 207), "and is still found");
	cpu_free(&cpu);
}

void test_cpu(void)
{
	test_difference();
	test_cpu_that_comes();
	test_preemptions();
	test_forgotten();
	test_conserved();
	test_quantiles();
	test_quantile_edges();
	test_sums();
	test_keeping();
}
