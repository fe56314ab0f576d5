// SPDX-License-Identifier: GPL-2.0
/* What makes checks happen: a timer, signals, ends of processes, questions. */
#include "service.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "notify.h"

/* So many checks in a row may fail. */
#define FAILURES_MAX 3

enum what { TIMER, SIGNAL, WATCHDOG, QUESTION, DEATH };

struct service {
	struct service_options *options;
	struct manager manager;
	struct control control;
	int epoll_fd, timer_fd, signal_fd, watchdog_fd;
	unsigned int failures;
	uint64_t checked_ns;		/* when the last check began; 0: never */
	bool stopping;
};

/* What an event is of, and of which process. */
static uint64_t tag(enum what what, uint32_t pid)
{
	return (uint64_t)what << 32 | pid;
}

static int watch(struct service *service, int fd, enum what what, uint32_t pid)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = tag(what, pid) };

	return epoll_ctl(service->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* A closed descriptor leaves the set by itself. */
static void on_born(struct managed *vm, void *data)
{
	if (vm->pidfd >= 0)
		watch(data, vm->pidfd, DEATH, vm->pid);
}

static int set_timer(int fd, uint64_t interval_ns)
{
	struct itimerspec time = {
		.it_value.tv_nsec = 1,
		.it_interval.tv_sec = (time_t)(interval_ns / 1000000000),
		.it_interval.tv_nsec = (long)(interval_ns % 1000000000),
	};

	return timerfd_settime(fd, 0, &time, NULL);
}

static sigset_t our_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return set;
}

/*
 * Whoever has begun to put limits back, or to set them, is told by signals but not
 * ended: they are held from the first change on, and read when there is time.
 */
static sigset_t hold_signals(void)
{
	sigset_t set = our_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	/* who no longer reads our lines is no reason to leave limits behind */
	signal(SIGPIPE, SIG_IGN);
	return set;
}

bool service_release_signals(void)
{
	const struct timespec now = {};
	sigset_t set = our_signals();
	bool told = false;
	int number;

	while ((number = sigtimedwait(&set, NULL, &now)) > 0)
		told |= number != SIGHUP;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return told;
}

static int open_signals(void)
{
	sigset_t set = hold_signals();

	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Several descriptors stay open for each VM. */
static void allow_many_descriptors(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int open_events(struct service *service, struct error *err)
{
	uint64_t watchdog_us = notify_watchdog_us();

	service->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	service->signal_fd = open_signals();
	service->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	service->watchdog_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch(service, service->signal_fd, SIGNAL, 0) ||
	    watch(service, service->timer_fd, TIMER, 0) ||
	    watch(service, service->watchdog_fd, WATCHDOG, 0) ||
	    watch(service, service->control.listen_fd, QUESTION, 0) ||
	    set_timer(service->timer_fd, service->options->manager.policy.t_check_ns) ||
	    (watchdog_us && set_timer(service->watchdog_fd, watchdog_us * 1000 / 2)))
		return error_set(err, EXIT_RUNTIME, "cannot wait for events: %s", strerror(errno));
	return 0;
}

static void close_events(struct service *service)
{
	close(service->epoll_fd);
	close(service->signal_fd);
	close(service->timer_fd);
	close(service->watchdog_fd);
}

static void say(const struct service *service, const char *text)
{
	service->options->manager.say(text);
}

/*
 * After a reload, or when the last check began late, the next one would be of a moment
 * too short to say anything.
 */
static bool is_too_early(struct service *service)
{
	struct timespec time;
	uint64_t now, since;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
	since = now - service->checked_ns;
	if (service->checked_ns && since < service->options->manager.policy.t_check_ns / 2)
		return true;
	service->checked_ns = now;
	return false;
}

/* One failed check does no harm: limits stay as they are until the next. */
static int on_timer(struct service *service, struct error *err)
{
	uint64_t missed;

	if (read(service->timer_fd, &missed, sizeof(missed)) < 0 || is_too_early(service))
		return 0;
	if (!manager_check(&service->manager, err)) {
		service->failures = 0;
		return 0;
	}
	if (err->code == EXIT_SUPPORT || err->code == EXIT_PERMISSION ||
	    ++service->failures == FAILURES_MAX)
		return -1;
	say(service, err->message);
	return 0;
}

static void reload(struct service *service)
{
	struct manage_options policy;
	struct error err;

	if (service->options->reload(service->options->data, &policy, &err)) {
		say(service, err.message);
		say(service, "the configuration stays as it was");
		return;
	}
	manage_options_free(&service->options->manager.policy);
	service->options->manager.policy = policy;
	set_timer(service->timer_fd, policy.t_check_ns);
	say(service, "the configuration was read again");
}

static void on_signal(struct service *service)
{
	struct signalfd_siginfo info;

	if (read(service->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(service);
	else
		service->stopping = true;
}

static void on_watchdog(struct service *service)
{
	uint64_t missed;

	if (read(service->watchdog_fd, &missed, sizeof(missed)) > 0)
		notify("WATCHDOG=1");
}

static void on_question(struct service *service)
{
	json_t *status = manager_status(&service->manager);
	char *text = json_dumps(status, JSON_COMPACT);

	if (text)
		control_answer(&service->control, text);
	free(text);
	json_decref(status);
}

static int handle(struct service *service, uint64_t event, struct error *err)
{
	switch ((enum what)(event >> 32)) {
	case TIMER:
		return on_timer(service, err);
	case SIGNAL:
		on_signal(service);
		break;
	case WATCHDOG:
		on_watchdog(service);
		break;
	case QUESTION:
		on_question(service);
		break;
	case DEATH:
		manager_gone(&service->manager, (uint32_t)event);
		break;
	}
	return 0;
}

static int loop(struct service *service, struct error *err)
{
	struct epoll_event event;
	int n;

	while (!service->stopping) {
		n = epoll_wait(service->epoll_fd, &event, 1, -1);
		if (n < 0 && errno != EINTR)
			return error_set(err, EXIT_RUNTIME, "cannot wait for events: %s",
					 strerror(errno));
		if (n == 1 && handle(service, event.data.u64, err))
			return -1;
	}
	return EXIT_OK;
}

int service_check_restored(size_t failed, struct error *err)
{
	return !failed ? 0 : error_set(err, EXIT_RUNTIME,
			 "the limits of %zu VM%s could not be put back; vmshare manage --restore tries again",
			 failed, failed == 1 ? "" : "s");
}

static int run_locked(struct service *service, struct error *err)
{
	struct manager_options *options = &service->options->manager;
	size_t failed;
	int ret;

	options->journal = service->control.journal;
	options->born = on_born;
	options->data = service;
	if (open_events(service, err) || manager_open(&service->manager, options, err)) {
		close_events(service);
		return -1;
	}
	notify("READY=1");
	ret = loop(service, err);
	notify("STOPPING=1");
	failed = manager_close(&service->manager);
	close_events(service);
	if (options->apply && !failed)
		say(service, "all limits are as they were found");
	return ret < 0 ? ret : service_check_restored(failed, err);
}

/* Who only observes changes nothing, not even back. */
static void tell_of_left(const struct service *service)
{
	if (!service->options->manager.apply && !access(service->control.journal, F_OK))
		say(service, "a manager before this one has left limits behind; end this one, then vmshare manage --restore puts them back, or start it with --apply");
}

int service_run(struct service_options *options, struct error *err)
{
	struct service service = { .options = options };
	int ret;

	allow_many_descriptors();
	if (control_open(&service.control, options->dir, err))
		return -1;
	tell_of_left(&service);
	ret = control_listen(&service.control, err) ? -1 : run_locked(&service, err);
	control_close(&service.control);
	return ret;
}

int service_once(struct service_options *options, json_t **status, struct error *err)
{
	uint64_t wait_ns = options->manager.policy.t_check_ns;
	struct timespec time = { (time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000) };
	struct manager manager;
	int ret;

	allow_many_descriptors();
	if (manager_open(&manager, &options->manager, err))
		return -1;
	ret = manager_check(&manager, err);
	if (!ret) {
		while (nanosleep(&time, &time) && errno == EINTR)
			;
		ret = manager_check(&manager, err);
	}
	if (!ret)
		*status = manager_status(&manager);
	manager_close(&manager);
	return ret;
}

int service_restore(const char *dir, void (*tell)(const char *text), size_t *failed,
		    struct error *err)
{
	struct control control;
	struct limiter limiter;
	int ret;

	hold_signals();
	if (control_open(&control, dir, err))
		return -1;
	ret = limiter_open(&limiter, control.journal, tell, err);
	/* one try each: whoever does not answer now may let us wait as long again */
	*failed = ret ? 0 : limiter_leave(&limiter);
	control_close(&control);
	return ret;
}
