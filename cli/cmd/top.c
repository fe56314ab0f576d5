// SPDX-License-Identifier: GPL-2.0
/* vmshare top: the VMs again and again, on a screen or as text. */
#include "cmd.h"

#include <errno.h>
#include <linux/vmshare.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "header.h"
#include "history.h"
#include "jsonout.h"
#include "names.h"
#include "output.h"
#include "screen.h"
#include "source.h"
#include "topstate.h"
#include "units.h"

#define DEFAULT "vm,pid,cpu,ready,guest,vmm,switches,p99,anon,inter,freed,vcpus,unique,self,shmem,swap"
#define PAUSE_MS 250			/* between refreshes when many VMs come at once */

static int set_batch(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->batch = true;
	return 0;
}

static int set_iterations(struct options *options, const char *value, struct error *err)
{
	return units_parse_count(value, INT32_MAX, &options->iterations, err);
}

static int set_delay(struct options *options, const char *value, struct error *err)
{
	return units_parse_seconds(value, &options->delay_ms, err);
}

static int set_no_hooks(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->no_hooks = true;
	return 0;
}

static const struct option options_top[] = {
	{ "batch", 'b', NULL, "print text instead of using the screen", set_batch },
	{ "iterations", 'n', "N", "end after N snapshots", set_iterations },
	{ "delay", 'd', "SEC", "seconds between snapshots (default 2)", set_delay },
	{ "no-hooks", 0, NULL, "do not attach scheduler hooks while it runs", set_no_hooks },
	{ .name = NULL },
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

struct top {
	const struct options *options;
	unsigned int needs;
	struct source *source;
	struct events *events;		/* NULL: not told, only asked */
	struct screen *screen;
	struct topstate state;
	struct history history;
	char notice[sizeof(((struct error *)0)->message) + 32];
	struct snapshot now, before;
	bool have_before;
	uint32_t taken;
	uint64_t taken_ms;		/* when, on the clock that never jumps */
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* The module may hand out the snapshot that another client just had made. */
static bool is_same_walk(const struct snapshot *a, const struct snapshot *b)
{
	uint64_t left, right;

	return facts_get(&a->host, HOST_GENERATION, &left) &&
	       facts_get(&b->host, HOST_GENERATION, &right) && left == right;
}

static const struct snapshot *before(const struct top *top)
{
	return top->have_before ? &top->before : NULL;
}

/*
 * Several clients that look at the same pace share walks, so a young snapshot
 * will do; but not after an event, which it may be older than.
 */
static int take(struct top *top, struct error *err)
{
	uint32_t max_age_ms = top->state.refresh ? 0 : top->options->delay_ms / 4;
	struct snapshot next;

	top->state.refresh = false;
	top->taken_ms = clock_ms(CLOCK_MONOTONIC);
	if (top->options->from && top->taken) {
		/* a document does not change, and standard input ends */
		top->taken++;
		return 0;
	}
	if (source_next(top->source, top->needs | topstate_needs(&top->state), max_age_ms, &next,
			err))
		return -1;
	if (top->taken)
		names_inherit(&next, &top->now);
	if (top->taken && next.cpu.n_threads && top->now.cpu.n_threads &&
	    cpu_difference(&next.cpu, &top->now.cpu, &next.window)) {
		snapshot_free(&next);
		return error_no_memory(err);
	}
	if (top->taken && !is_same_walk(&next, &top->now)) {
		if (top->have_before)
			snapshot_free(&top->before);
		top->before = top->now;
		top->have_before = true;
	} else if (top->taken) {
		snapshot_free(&top->now);
	}
	top->now = next;
	top->taken++;
	return history_add(&top->history, &top->now, before(top)) ? error_no_memory(err) : 0;
}

static int make_view(struct top *top, struct view *view, struct error *err)
{
	if (view_init(view, &top->now, before(top), err))
		return -1;
	topstate_apply(&top->state, view);
	return 0;
}

static void print_table(const struct top *top, const struct view *view)
{
	if (top->taken > 1)
		putchar('\n');
	if (!top->options->no_header)
		header_print(&top->now, before(top), clock_ms(CLOCK_REALTIME) * 1000000,
			     top->options->bytes, stdout);
	view_print(view, &top->state.columns, top->options);
}

static int print_batch(struct top *top, struct error *err)
{
	struct view view;

	if (make_view(top, &view, err))
		return -1;
	if (top->options->json)
		jsonout_print(view_json(&view, &top->now), top->options->pretty);
	else
		print_table(top, &view);
	view_free(&view);
	/* a reader that is gone, or a full disk, ends it: main says why */
	return output_flush() ? 1 : 0;
}

static bool is_done(const struct top *top)
{
	return stopped || (top->options->iterations && top->taken >= top->options->iterations);
}

static int remaining_ms(const struct top *top, uint64_t wait)
{
	uint64_t due = top->taken_ms + wait, now = clock_ms(CLOCK_MONOTONIC);

	return due > now ? (int)(due - now) : 0;
}

static int run_batch(struct top *top, struct error *err)
{
	int ret;

	while (!stopped) {
		if (take(top, err))
			return -1;
		ret = print_batch(top, err);
		if (ret)
			return ret < 0 ? -1 : EXIT_RUNTIME;
		if (is_done(top))
			break;
		while (!stopped && remaining_ms(top, top->options->delay_ms))
			poll(NULL, 0, remaining_ms(top, top->options->delay_ms));
	}
	return EXIT_OK;
}

static int draw(struct top *top, struct error *err)
{
	struct view view;
	struct scene scene = {
		.snap = &top->now,
		.before = before(top),
		.view = &view,
		.history = &top->history,
		.options = top->options,
		.notice = *top->notice ? top->notice : NULL,
		.now_ns = clock_ms(CLOCK_REALTIME) * 1000000,
	};

	if (make_view(top, &view, err))
		return -1;
	screen_draw(top->screen, &scene, &top->state);
	view_free(&view);
	return 0;
}

static int handle_keys(struct top *top, struct error *err)
{
	struct view view;
	int key;

	if (make_view(top, &view, err))
		return -1;
	while ((key = screen_key(top->screen)) >= 0) {
		topstate_key(&top->state, &view, key);
		/* the next key acts on what this one made of the rows */
		view_free(&view);
		if (make_view(top, &view, err))
			return -1;
	}
	view_free(&view);
	return 0;
}

/* Waits for a key, an event or the time; says whether a new snapshot is due. */
static int wait_for_reason(struct top *top, bool *due, struct error *err)
{
	struct pollfd fds[2] = {
		{ .fd = screen_fd(top->screen), .events = POLLIN },
		{ .fd = top->events ? events_fd(top->events) : -1, .events = POLLIN },
	};

	poll(fds, 2, remaining_ms(top, top->options->delay_ms));
	if (fds[0].revents & (POLLHUP | POLLERR))
		stopped = 1;
	if (handle_keys(top, err))
		return -1;
	if ((fds[1].revents & POLLIN) && events_drain(top->events))
		top->state.refresh = true;
	*due = !remaining_ms(top, top->options->delay_ms) ||
	       (top->state.refresh && !remaining_ms(top, PAUSE_MS));
	if (top->state.refresh && !*due) {
		poll(NULL, 0, remaining_ms(top, PAUSE_MS));
		*due = true;
	}
	return 0;
}

/* The first snapshot has been taken already. */
static int run_screen(struct top *top, struct error *err)
{
	bool due;

	while (!stopped && !top->state.quit) {
		if (draw(top, err) || wait_for_reason(top, &due, err))
			return -1;
		if (!due || stopped || top->state.quit)
			continue;
		if (is_done(top))
			break;
		if (take(top, err))
			return -1;
	}
	return EXIT_OK;
}

/* A terminal must be given back also when somebody ends the program. */
static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

/* Without events top only asks; that is no reason to show nothing. */
static void listen_for_events(struct top *top)
{
	struct error ignored;

	if (!top->options->from && events_open(&top->events, &ignored))
		top->events = NULL;
}

static bool wants_screen(const struct options *options)
{
	return !options->batch && !options->json && isatty(STDOUT_FILENO);
}

static int run_either(struct top *top, struct error *err)
{
	int ret;

	catch_signals();
	if (!wants_screen(top->options))
		return run_batch(top, err);
	/* before the first walk: what comes after it is then told */
	listen_for_events(top);
	/* an error that comes at once is better read on an ordinary screen */
	if (take(top, err))
		return -1;
	if (screen_open(&top->screen, top->options->color, err))
		return -1;
	ret = run_screen(top, err);
	screen_close(top->screen);
	return ret;
}

/* Without hooks top shows less; that is no reason to show nothing. */
static void track(struct top *top)
{
	struct error missing, problem;

	if (top->options->from || top->options->no_hooks)
		return;
	if (source_track(top->source, VMSHARE_HOOK_SCHED, &missing, &problem) < 0)
		snprintf(top->notice, sizeof(top->notice), "no scheduler hooks: %s",
			 problem.message);
}

static int prepare(struct top *top, const struct cmd *cmd, struct error *err)
{
	const struct options *options = top->options;
	const struct column *sort;
	struct columns columns;

	if (columns_parse(options->columns ? options->columns : DEFAULT, &columns, err) ||
	    columns_parse_key(options->sort, &sort, err))
		return -1;
	top->needs = cmd->needs | (options->json ? NEED_VCPUS | NEED_OWNER : 0);
	topstate_init(&top->state, &columns, sort);
	if (source_open(&top->source, options, err))
		return -1;
	track(top);
	return 0;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct top top = { .options = options };
	int ret;

	if (prepare(&top, cmd, err))
		return -1;
	ret = run_either(&top, err);
	events_close(top.events);
	source_close(top.source);
	topstate_free(&top.state);
	history_free(&top.history);
	if (top.have_before)
		snapshot_free(&top.before);
	if (top.taken)
		snapshot_free(&top.now);
	return ret;
}

const struct cmd cmd_top = {
	.name = "top",
	.args = "",
	.summary = "live screen of all VMs; -b prints text",
	.needs = NEED_CPU,
	.columns = true,
	.sorts = true,
	.options = options_top,
	.run = run,
};
