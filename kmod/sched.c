// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler already measures how long each thread waits: it adds every wait
 * to the thread's run delay when it gives it a CPU. So waits are not measured a
 * second time; what is added here is who ran meanwhile.
 *
 * Each CPU keeps a log of its last segments: who ran from when on, neighbours of
 * one owner in one segment. When a VM's thread leaves its CPU, its run delay has
 * grown by the wait before its run, which ended where its run began; so the
 * log, read backwards from there for as long as the wait, says who ran instead.
 * All times are the scheduler's own, so the pieces add up to its run delay.
 *
 *	log	| host        | VM 5  | idle | VM 7 ...
 *	VM 7	              ^ woken        ^ runs: VM 5 had it, then nobody
 *
 * A wait that is continued on another CPU is cut there: the scheduler adds its
 * first piece to the run delay before it moves the thread.
 *
 * Locks: none of ours. A log is written with its CPU's run queue locked and
 * interrupts off, or when that CPU is dead; another CPU reads it only to cut a
 * wait, under the same run queue lock. The same lock passes a runner from CPU to
 * CPU. A displacement table is written by its own CPU only. No allocation, no
 * sleeping lock: right under PREEMPT_RT too.
 *
 * A thread that belongs to no VM costs one test, and nothing is written if
 * another of these ran before.
 */
#include <linux/cpu.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>
#include <linux/smp.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "compat/schedinfo.h"
#include "compat/tracepoints.h"
#include "large.h"
#include "sched.h"

#define SEGMENTS	4096	/* a wait is followed through so many */
#define GATHERED	16	/* owners summed up before they go to the table */
#define LOOKS_A_TICK	SEGMENTS /* of waits that end by moving: see looks_left() */

struct segment {
	u64 start;
	u32 owner;
};

/* By owner; that of all VMs, and of nobody knows whom, is the last. */
struct times {
	u64 ns[VMSHARE_OWNER_UNKNOWN + 1];
};

struct cpu_log {
	bool ready;
	struct segment *newest;
	/* who runs now: not yet in the log */
	u32 owner;
	struct vmshare_runner *runner;
	struct task_struct *task;
	u64 since;			/* if the scheduler does not note it */

	u64 looks_since;		/* looks are counted, of waits that */
	u32 looks;			/* ended as this CPU moved a thread */

	struct times times;		/* of segments that have ended */
	struct times sum;		/* of all, when asked for, */
	u64 until;			/* and when that was */
	struct vmshare_displace displace;
	struct segment *segments;
};

static DEFINE_PER_CPU(struct cpu_log *, logs);
static bool have_logs;
static u64 began;
static bool begun_everywhere;
static int hotplug_state;	/* of ours, among those that CPUs go through */
static void (*tell_new_thread)(void);
static struct tracepoint *switch_tp, *migrate_tp;

/* ---- the log ---- */

static struct cpu_log *log_of(int cpu)
{
	return per_cpu(logs, cpu);
}

static struct cpu_log *this_log(void)
{
	return __this_cpu_read(logs);
}

static bool is_idle(const struct task_struct *t)
{
	return !t->pid;
}

static u64 clock(void)
{
	return sched_clock_cpu(raw_smp_processor_id());
}

static void add_time(struct times *times, u32 owner, u64 ns)
{
	times->ns[min_t(u32, owner, VMSHARE_OWNER_UNKNOWN)] += ns;
}

static u64 time_between(u64 start, u64 end)
{
	return end > start ? end - start : 0;
}

/* The segment that was begun @back segments before the newest one. */
static struct segment *segment_before(const struct cpu_log *log, u32 back)
{
	u32 newest = log->newest - log->segments;

	return &log->segments[(newest - back) % SEGMENTS];
}

/*
 * Who runs on @log's CPU does so since @start, which ends the newest segment if
 * that is another one's. Inline: it is part of every switch.
 */
static __always_inline void log_run(struct cpu_log *log, u64 start)
{
	struct segment *newest = log->newest, *next = newest + 1;

	if (newest->owner == log->owner)
		return;
	start = max(start, newest->start);
	add_time(&log->times, newest->owner, start - newest->start);
	if (next == log->segments + SEGMENTS)
		next = log->segments;
	*next = (struct segment) { start, log->owner };
	log->newest = next;
}

/* When the run of who runs on @log's CPU began. */
static u64 run_start(const struct cpu_log *log)
{
	return log->since ? log->since : vmshare_last_arrival(log->task);
}

/* Of a thread that is none of a VM's that we know. */
static __always_inline void note_stranger(struct cpu_log *log,
					  const struct task_struct *t)
{
	if (is_idle(t)) {
		log->owner = VMSHARE_OWNER_IDLE;
	} else if (likely(!vmshare_may_be_of_vm(t))) {
		log->owner = VMSHARE_OWNER_HOST;
	} else {
		log->owner = vmshare_runners_owner_of(t->mm);
		tell_new_thread();
	}
}

/*
 * Who runs from now on. Inline: it is part of every switch. The scheduler reads
 * its clock, a moment later, for those that it knows to have waited.
 */
static __always_inline void note_current(struct cpu_log *log, struct task_struct *t)
{
	log->task = t;
	log->since = vmshare_is_waiting(t) ? 0 : clock();
	log->runner = vmshare_may_be_of_vm(t) ? vmshare_runner_of(t) : NULL;
	if (log->runner)
		log->owner = log->runner->vm->number;
	else
		note_stranger(log, t);
}

static void begin_log(struct cpu_log *log, struct task_struct *t)
{
	note_current(log, t);
	*log->newest = (struct segment) { began, log->owner };
	/* Who moves a thread away from here reads the log from then on. */
	smp_store_release(&log->ready, true);
}

/* A CPU that was not there when the hooks were attached has been idle. */
static void begin_late(struct cpu_log *log, struct task_struct *next)
{
	if (!READ_ONCE(begun_everywhere))
		return;
	begin_log(log, next);
	log->newest->owner = VMSHARE_OWNER_IDLE;
}

/* ---- waits ---- */

/* A part of a VM's waits: so many pieces while @by ran. The table may be full. */
static __always_inline void displace(struct vmshare_displace *here,
				     struct vmshare_tracked *vm, u32 by,
				     u32 count, u64 ns)
{
	if (likely(vmshare_displace_add(here, vm->number, by, count, ns)))
		return;
	atomic64_add(ns, &vm->unknown_ns);
	atomic64_add(count, &vm->unknown_pieces);
}

/* A wait by owners: a long one has many segments of few owners. */
struct gathered {
	struct vmshare_tracked *victim;
	u32 nr;
	struct {
		u32 owner, count;
		u64 ns;
	} by[GATHERED];
};

static void begin_gathering(struct gathered *g, struct vmshare_tracked *victim)
{
	g->victim = victim;
	g->nr = 0;
}

static void hand_over(struct gathered *g)
{
	struct vmshare_displace *here = &this_log()->displace;
	u32 i;

	for (i = 0; i < g->nr; i++)
		displace(here, g->victim, g->by[i].owner, g->by[i].count,
			 g->by[i].ns);
	g->nr = 0;
}

static void gather(struct gathered *g, u32 owner, u64 ns)
{
	u32 i;

	for (i = 0; i < g->nr; i++)
		if (g->by[i].owner == owner)
			break;
	if (i == GATHERED) {
		hand_over(g);
		i = 0;
	}
	if (i == g->nr) {
		g->by[i].owner = owner;
		g->by[i].count = 0;
		g->by[i].ns = 0;
		g->nr++;
	}
	g->by[i].count++;
	g->by[i].ns += ns;
}

/*
 * The part of a wait, from @start to @end, that is in the last @looks segments of
 * @log. Return: how many were looked at.
 */
static u32 gather_log(struct gathered *g, const struct cpu_log *log, u64 start,
		      u64 end, u32 looks)
{
	u32 back;

	for (back = 0; back < looks && end > start; back++) {
		const struct segment *s = segment_before(log, back);
		u64 from = max(s->start, start);

		if (!s->start)
			break;	/* older than the log */
		if (from >= end)
			continue;
		gather(g, s->owner, end - from);
		end = from;
	}
	if (end > start)
		gather(g, VMSHARE_OWNER_UNKNOWN, end - start);
	return back;
}

/* Not inline: kernels that clear the stack would clear all of @g for every wait. */
static noinline void attribute_pieces(const struct cpu_log *log,
				      struct vmshare_tracked *victim, u64 end,
				      u64 ns)
{
	struct gathered g;

	begin_gathering(&g, victim);
	gather_log(&g, log, end - ns, end, SEGMENTS);
	hand_over(&g);
}

/* The last @ns of a wait that ended at @end, by who ran here, as @log says. */
static __always_inline void attribute(struct cpu_log *log,
				      struct vmshare_tracked *victim, u64 end,
				      u64 ns)
{
	const struct segment *newest = log->newest;

	if (likely(newest->start <= end - ns))
		displace(&log->displace, victim, newest->owner, 1, ns);
	else
		attribute_pieces(log, victim, end, ns);
}

/*
 * Balancing moves dozens of threads with one run queue locked, each of which may have
 * waited through thousands of runs. So a CPU looks back so far in one tick, and the
 * rest is booked on nobody.
 */
static u32 looks_left(struct cpu_log *here, u64 now)
{
	if (time_between(here->looks_since, now) >= TICK_NSEC) {
		here->looks_since = now;
		here->looks = 0;
	}
	return LOOKS_A_TICK - here->looks;
}

/*
 * The same for a wait that ends now, while somebody runs on @log's CPU. Whose lock
 * is held, and for longer if the wait was long among many short runs: where a thread
 * is moved such a wait is the rule on a busy host, and cutting each short would book
 * a part of it on nobody.
 */
static void attribute_until_now(const struct cpu_log *log,
				struct vmshare_tracked *victim, u64 now, u64 ns)
{
	struct cpu_log *here = this_log();
	u64 start = now - ns, run;
	struct gathered g;
	u32 looks;

	begin_gathering(&g, victim);
	if (smp_load_acquire(&log->ready)) {	/* begin_log() */
		run = clamp(run_start(log), start, now);
		if (run < now)
			gather(&g, log->owner, now - run);
		looks = looks_left(here, now);
		here->looks += gather_log(&g, log, start, run, looks);
	} else {
		gather(&g, VMSHARE_OWNER_UNKNOWN, ns);
	}
	hand_over(&g);
}

/* What the run delay has grown by since it was looked at last. */
static u64 take_delay(struct vmshare_runner *r)
{
	u64 delay = vmshare_run_delay(r->task);
	u64 ns = time_between(r->seen_delay, delay);

	r->seen_delay = delay;
	r->pending_ns += ns;
	r->waits.wait_ns += ns;
	return ns;
}

static void count_wait(struct vmshare_runner *r)
{
	u64 sleeps = READ_ONCE(r->task->nvcsw);
	int bucket = r->pending_ns ? fls64(r->pending_ns) - 1 : 0;

	r->waits.waits++;
	r->waits.wakeups += r->slept;
	r->waits.histogram[min(bucket, VMSHARE_WAIT_BUCKETS - 1)]++;
	r->pending_ns = 0;
	r->slept = sleeps != r->seen_sleeps;
	r->seen_sleeps = sleeps;
}

void vmshare_sched_leave_guest(struct vmshare_runner *r)
{
	u64 entered = READ_ONCE(r->entered);

	if (!entered)
		return;
	r->waits.in_guest_ns += time_between(entered, clock());
	r->entered = 0;
}

/* A VM's thread leaves its CPU: the wait before its run is complete. */
static void settle(struct cpu_log *log, u64 start)
{
	struct vmshare_runner *r = log->runner;
	u64 ns = take_delay(r);

	if (ns)
		attribute(log, r->vm, start, ns);
	count_wait(r);
	vmshare_sched_leave_guest(r);
}

static void on_switch(void *data, bool preempt, struct task_struct *prev,
#ifdef VMSHARE_HAVE_SWITCH_PREV_STATE
		      struct task_struct *next, unsigned int prev_state)
#else
		      struct task_struct *next)
#endif
{
	struct cpu_log *log = this_log();

	if (unlikely(!log->ready)) {
		begin_late(log, next);
		return;
	}
	if (log->runner || log->owner != log->newest->owner) {
		u64 start = run_start(log);

		if (log->runner)
			settle(log, start);
		log_run(log, start);
	}
	note_current(log, next);
}

/*
 * A thread is moved to another CPU. If it was queued, its run delay has just
 * been given what it waited here.
 */
static void on_migrate(void *data, struct task_struct *p, int dest_cpu)
{
	struct vmshare_runner *r;
	u64 ns;

	if (!vmshare_may_be_of_vm(p))
		return;
	r = vmshare_runner_of(p);
	if (!r || !READ_ONCE(p->on_rq))
		return;
	ns = take_delay(r);
	if (ns)
		attribute_until_now(log_of(task_cpu(p)), r->vm,
				    sched_clock_cpu(task_cpu(p)), ns);
}

/* ---- from outside ---- */

/* Run on the log's CPU with interrupts off, or while that is off-line. */
static void sum_up(struct cpu_log *log)
{
	const struct segment *newest = log->newest;
	u64 now = clock(), start = max(run_start(log), newest->start);

	log->sum = log->times;
	log->until = now;
	add_time(&log->sum, newest->owner, time_between(newest->start, start));
	add_time(&log->sum, log->owner, time_between(start, now));
}

static void sum_up_here(void *unused)
{
	if (this_log()->ready)
		sum_up(this_log());
}

static void add_cpu_times(struct vmshare_sched_totals *totals, int cpu)
{
	struct cpu_log *log = log_of(cpu);

	if (!log->ready)
		return;
	if (!cpu_online(cpu))
		sum_up(log);
	totals->cpus++;
	totals->tracked_ns += time_between(began, log->until);
	totals->vms_ns += log->sum.ns[VMSHARE_OWNER_UNKNOWN];
	totals->host_ns += log->sum.ns[VMSHARE_OWNER_HOST];
	totals->idle_ns += log->sum.ns[VMSHARE_OWNER_IDLE];
}

void vmshare_sched_totals(struct vmshare_sched_totals *totals)
{
	int cpu;

	*totals = (struct vmshare_sched_totals) {};
	cpus_read_lock();
	on_each_cpu(sum_up_here, NULL, 1);
	for_each_possible_cpu(cpu)
		add_cpu_times(totals, cpu);
	cpus_read_unlock();
	/* A busy CPU answers later than others: the mean of their times. */
	totals->tracked_ns = div_u64(totals->tracked_ns, max(totals->cpus, 1U));
}

u32 vmshare_sched_room(int cpu)
{
	return vmshare_displace_size(&log_of(cpu)->displace);
}

static void read_row(const struct vmshare_displacement *from,
		     struct vmshare_displacement *to)
{
	to->victim = smp_load_acquire(&from->victim);	/* add_row() */
	to->by = to->victim ? from->by : 0;
	to->count = READ_ONCE(from->count);
	to->ns = READ_ONCE(from->ns);
}

void vmshare_sched_for_each(int cpu,
			    void (*take)(const struct vmshare_displacement *row,
					 void *data), void *data)
{
	const struct vmshare_displace *d = &log_of(cpu)->displace;
	u32 i;

	for (i = 0; i < vmshare_displace_size(d); i++) {
		struct vmshare_displacement row;

		read_row(&d->table[i], &row);
		if (row.victim)
			take(&row, data);
	}
}

static bool is_tight(int cpu)
{
	return vmshare_displace_is_tight(&log_of(cpu)->displace);
}

static bool any_is_tight(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (is_tight(cpu))
			return true;
	return false;
}

static bool is_moving(int cpu, void *unused)
{
	return vmshare_displace_is_moving(&log_of(cpu)->displace);
}

static bool any_is_moving(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (is_moving(cpu, NULL))
			return true;
	return false;
}

/*
 * Who ran and is gone keeps its name until its number is dropped, and then loses
 * it on all CPUs together: a pair may vanish from a report, but does not shrink.
 */
static void move_some(int cpu, bool forget)
{
	vmshare_displace_move(&log_of(cpu)->displace, vmshare_runners_is_kept,
			      forget ? vmshare_runners_is_kept :
				       vmshare_runners_has_number);
}

static void move_here(void *forget)
{
	move_some(smp_processor_id(), *(bool *)forget);
}

/* Those that are tight, made larger; or, to forget who is gone, all. */
static void change_tables(bool forget)
{
	int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu)
		if (forget || is_tight(cpu))
			vmshare_displace_prepare(&log_of(cpu)->displace);
	while (any_is_moving()) {
		on_each_cpu_cond(is_moving, move_here, &forget, 1);
		cond_resched();
	}
	for_each_possible_cpu(cpu) {
		while (is_moving(cpu, NULL))	/* off-line */
			move_some(cpu, forget);
		vmshare_displace_finish(&log_of(cpu)->displace);
	}
	cpus_read_unlock();
}

void vmshare_sched_grow(void)
{
	if (have_logs && any_is_tight())
		change_tables(false);
}

void vmshare_sched_forget(void)
{
	change_tables(true);
}

struct vmshare_runner *vmshare_sched_current(void)
{
	return this_log()->runner;
}

u64 vmshare_sched_clock(void)
{
	return clock();
}

/* ---- attached and detached ---- */

static void free_log(struct cpu_log *log)
{
	if (!log)
		return;
	vmshare_displace_free(&log->displace);
	kvfree(log->segments);
	kfree(log);
}

void vmshare_sched_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_log(log_of(cpu));
		per_cpu(logs, cpu) = NULL;
	}
	have_logs = false;
}

static struct cpu_log *new_log(int node)
{
	struct cpu_log *log = kzalloc_node(sizeof(*log), GFP_KERNEL, node);

	if (!log)
		return NULL;
	log->segments = kvzalloc_node(SEGMENTS * sizeof(*log->segments),
				      VMSHARE_GFP_LARGE, node);
	log->newest = log->segments;
	if (log->segments)
		return log;
	kfree(log);
	return NULL;
}

static int make_logs(void (*tight)(void), u32 nr_vms)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cpu_log *log = new_log(cpu_to_node(cpu));

		per_cpu(logs, cpu) = log;
		if (!log || vmshare_displace_init(&log->displace, nr_vms, tight)) {
			vmshare_sched_free();
			return -ENOMEM;
		}
	}
	have_logs = true;
	return 0;
}

/* Who runs here was given its CPU before. */
static void begin_here(void *unused)
{
	begin_log(this_log(), current);
	if (!is_idle(current))
		this_log()->since = 0;
}

/*
 * A CPU has gone off-line. Its last switch, to nobody, is not traced. Its log is
 * ours: nothing runs there, and whoever reads it has locked out what goes on.
 */
static int on_dead_cpu(unsigned int cpu)
{
	struct cpu_log *log = log_of(cpu);

	if (!log->ready)
		return 0;
	log_run(log, run_start(log));
	log->owner = VMSHARE_OWNER_IDLE;
	log->runner = NULL;
	log->since = clock();
	return 0;
}

/* From before the probes are there until after: a CPU may go at any time. */
static int follow_cpus(void)
{
	int state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "vmshare:sched",
					      NULL, on_dead_cpu);

	hotplug_state = state;
	return state < 0 ? state : 0;
}

static void unfollow_cpus(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
}

static int attach_probes(void)
{
	int err = tracepoint_probe_register(switch_tp, on_switch, NULL);

	if (err)
		return err;
	err = tracepoint_probe_register(migrate_tp, on_migrate, NULL);
	if (err)
		tracepoint_probe_unregister(switch_tp, on_switch, NULL);
	return err;
}

int vmshare_sched_attach(void (*new_thread)(void), void (*tight)(void),
			 u32 nr_vms)
{
	int err = make_logs(tight, nr_vms);

	if (err)
		return err;
	tell_new_thread = new_thread;
	began = clock();
	err = follow_cpus();
	if (err)
		return err;
	vmshare_runners_begin();
	err = attach_probes();
	if (err) {
		tracepoint_synchronize_unregister();
		unfollow_cpus();
		return err;
	}
	/* Until its log has begun a CPU's probes do nothing. */
	cpus_read_lock();
	on_each_cpu(begin_here, NULL, 1);
	WRITE_ONCE(begun_everywhere, true);
	cpus_read_unlock();
	return 0;
}

void vmshare_sched_detach(void)
{
	tracepoint_probe_unregister(migrate_tp, on_migrate, NULL);
	tracepoint_probe_unregister(switch_tp, on_switch, NULL);
	tracepoint_synchronize_unregister();
	unfollow_cpus();
	begun_everywhere = false;
}

const char *vmshare_sched_init(void)
{
	if (!IS_ENABLED(CONFIG_SCHED_INFO))
		return "this kernel does not measure how long threads wait (CONFIG_SCHED_INFO)";
	switch_tp = vmshare_kernel_tracepoint("sched_switch");
	migrate_tp = vmshare_kernel_tracepoint("sched_migrate_task");
	if (!switch_tp)
		return "this kernel has no tracepoint sched_switch (CONFIG_TRACEPOINTS)";
	if (!migrate_tp)
		return "this kernel has no tracepoint sched_migrate_task";
	return NULL;
}
