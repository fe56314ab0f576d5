// SPDX-License-Identifier: GPL-2.0
/* Putting back by itself, in a process of its own, whatever it is told meanwhile. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "outlet.h"
#include "service.h"

static int log_fd;

static void tell(const char *text)
{
	if (write(log_fd, text, strlen(text)) < 0)
		errno = 0;
}

/* A directory with a journal of one VM, whose quota is as the journal says. */
static const char *leave_limit(void)
{
	static char dir[PATH_MAX / 2];
	char journal[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/service", test_root());
	snprintf(journal, sizeof(journal),
		 "{\"version\":1,\"vms\":[{\"pid\":5,\"start_time_ns\":1,\"actuator\":\"cgroup2\","
		 "\"place\":\"%s/vm\",\"found\":{\"cpu.max\":\"max 100000\"},"
		 "\"before\":{\"cpu.max\":\"max 100000\"},\"next\":{\"cpu.max\":\"5000 100000\"}}]}", dir);
	test_file("/service/manage.journal", journal, strlen(journal));
	test_file("/service/vm/cpu.max", "5000 100000\n", 12);
	return dir;
}

static bool is_restored(const char *dir)
{
	char path[PATH_MAX], *text;
	bool restored;

	snprintf(path, sizeof(path), "%s/vm/cpu.max", dir);
	text = test_read(path);
	restored = text && !strncmp(text, "max 100000", 10);
	free(text);
	return restored;
}

/* Runs in a child; returns how that ended. */
static int in_child(void (*run)(const char *dir), const char *dir)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (!child)
		run(dir);
	waitpid(child, &status, 0);
	return status;
}

static void restore(const char *dir)
{
	struct error err;
	size_t failed;

	test_leave(service_restore(dir, tell, &failed, &err) ? 1 : (int)failed);
}

static void restore_unheard(const char *dir)
{
	int ends[2];

	if (pipe(ends))
		test_leave(2);
	close(ends[0]);
	log_fd = ends[1];
	signal(SIGPIPE, SIG_DFL);
	restore(dir);
}

static void test_nobody_listens(void)
{
	const char *dir = leave_limit();

	is_number((uint64_t)in_child(restore_unheard, dir), 0, "nobody hears what is put back");
	ok(is_restored(dir), "it is all the same");
}

static int failures;

static void count_failures(const char *text)
{
	failures += strstr(text, "NOT as they were found") != NULL;
}

static void restore_in_vain(const char *dir)
{
	struct error err;
	size_t failed;

	test_leave(service_restore(dir, count_failures, &failed, &err) || failed != 1 ? 9 : failures);
}

static void test_tried_once(void)
{
	const char *dir = leave_limit();
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/vm/cpu.max", dir);
	unlink(path);
	mkdir(path, 0700);
	is_number((uint64_t)WEXITSTATUS(in_child(restore_in_vain, dir)), 1,
		  "what cannot be put back is tried once");
	snprintf(path, sizeof(path), "%s/manage.journal", dir);
	ok(!access(path, F_OK), "and stays in the journal");
	unlink(path);
	snprintf(path, sizeof(path), "%s/vm/cpu.max", dir);
	rmdir(path);
}

static void end_meanwhile(const char *text)
{
	(void)text;
	raise(SIGTERM);
}

/* Told to end while it restores, and again when it is done. */
static void restore_and_wait(const char *dir)
{
	struct error err;
	size_t failed;

	if (service_restore(dir, end_meanwhile, &failed, &err) || !service_release_signals())
		test_leave(1);
	raise(SIGTERM);
	test_leave(2);
}

static void test_signals(void)
{
	const char *dir = leave_limit();
	int status = in_child(restore_and_wait, dir);

	ok(is_restored(dir), "a signal to end waits until limits are put back");
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "and is not held after that: %d", status);
}

#define CHECK_MS 200

static unsigned int checks, early;

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* The second check finds that the configuration is to be read again. */
static int read_nothing(void *data, struct cpu *cpu, struct error *err)
{
	static uint64_t before;

	(void)data;
	(void)err;
	early += checks && now_ms() - before < CHECK_MS / 4;
	before = now_ms();
	memset(cpu, 0, sizeof(*cpu));
	cpu->taken_ns = before * 1000000;
	checks++;
	if (checks == 2 || checks == 4)
		raise(checks == 2 ? SIGHUP : SIGTERM);
	return 0;
}

static int same_again(void *data, struct manage_options *policy, struct error *err)
{
	(void)data;
	(void)err;
	manage_options_init(policy);
	policy->t_check_ns = CHECK_MS * 1000000;
	return 0;
}

static void run(const char *dir)
{
	struct service_options options = {
		.manager = { .source.read = read_nothing, .root = test_root(), .out = stdout,
			     .say = count_failures },
		.dir = dir, .reload = same_again,
	};
	struct error err;

	same_again(NULL, &options.manager.policy, &err);
	test_leave(service_run(&options, &err) ? 9 : (int)early);
}

static void test_reload(void)
{
	test_file("/proc/self/mountinfo", "", 0);
	is_number((uint64_t)WEXITSTATUS(in_child(run, leave_limit())), 0,
		  "a reload makes no check of a moment");
}

static int fewer_again(void *data, struct manage_options *policy, struct error *err)
{
	(void)data;
	(void)policy;
	return error_set(err, EXIT_USAGE, "a made-up mistake");
}

static int read_always(void *data, struct cpu *cpu, struct error *err)
{
	(void)data;
	(void)err;
	memset(cpu, 0, sizeof(*cpu));
	cpu->taken_ns = now_ms() * 1000000;
	return 0;
}

static struct service_options options_for(const char *dir,
					  int (*read)(void *data, struct cpu *cpu, struct error *err))
{
	struct service_options options = {
		.manager = { .source.read = read, .root = test_root(), .out = stdout, .say = tell },
		.dir = dir, .reload = fewer_again,
	};

	same_again(NULL, &options.manager.policy, NULL);
	return options;
}

static void serve(const char *dir)
{
	struct service_options options = options_for(dir, read_always);
	struct error err;

	test_leave(service_run(&options, &err) ? err.code : 0);
}

/* Whoever has started the service, and is told how it is. */
static int listen_as_starter(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/starter", test_root());
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "100000", 1);
	return fd;
}

static bool is_told(int fd, const char *word)
{
	char got[64];
	ssize_t len;

	while ((len = recv(fd, got, sizeof(got) - 1, 0)) > 0) {
		got[len] = '\0';
		if (!strcmp(got, word))
			return true;
	}
	return false;
}

/* It answers, says that it is well, keeps its settings when it is given wrong ones, and ends. */
static void test_served(void)
{
	const char *dir = leave_limit();
	int starter = listen_as_starter(), said[2], status;
	struct error err = {};
	char text[1024] = "", *answer;
	pid_t child;

	if (pipe(said))
		abort();
	log_fd = said[1];
	fflush(stdout);
	child = fork();
	if (!child)
		serve(dir);
	ok(is_told(starter, "READY=1"), "a service is ready");
	answer = control_ask(dir, &err);
	has_text(answer, "\"apply\":false", "and answers: %s", err.message);
	free(answer);
	kill(child, SIGHUP);
	ok(is_told(starter, "WATCHDOG=1") && is_told(starter, "WATCHDOG=1"), "it says that it is well");
	kill(child, SIGTERM);
	ok(is_told(starter, "STOPPING=1"), "and that it ends");
	waitpid(child, &status, 0);
	is_number((uint64_t)status, 0, "which it does");
	ok(read(said[0], text, sizeof(text) - 1) > 0, "it has said something");
	has_text(text, "has left limits behind", "who only observes puts nothing back, but says so");
	has_text(text, "a made-up mistakethe configuration stays as it was", "a wrong configuration is refused");
	ok(!is_restored(dir), "nothing was put back");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	close(starter);
	close(said[0]);
	close(said[1]);
}

/* Which checks fail, a letter each: no, yes, and for good. After the last one it is ended. */
static const char *course;
static unsigned int told;

static int read_by_course(void *data, struct cpu *cpu, struct error *err)
{
	char now = *course;

	course += now != '\0';
	if (!*course)
		raise(SIGTERM);
	if (now == 'f')
		return error_set(err, EXIT_SUPPORT, "for good");
	return now == 'y' ? error_set(err, EXIT_RUNTIME, "for now") : read_always(data, cpu, err);
}

static void count_told(const char *text)
{
	told += !strcmp(text, "for now");
}

/* Ends with how often it has said that a check failed, and in tens with what it ends with. */
static void follow_course(const char *dir)
{
	struct service_options options = options_for(dir, read_by_course);
	struct error err = {};
	int ret;

	options.manager.say = count_told;
	options.manager.policy.t_check_ns = 100000000;
	ret = service_run(&options, &err);
	test_leave((ret ? 10 * (int)err.code : 0) + (int)told);
}

static void test_failing_checks(void)
{
	static const struct {
		const char *course;
		int wanted;
		const char *what;
	} cases[] = {
		{ "yyn", 2, "two checks that fail do no harm" },
		{ "yyyn", 12, "the third in a row is the last" },
		{ "yynyyn", 4, "but not if one between them did not fail" },
		{ "fn", 40, "what cannot get better is the last at once" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		course = cases[i].course;
		is_number((uint64_t)WEXITSTATUS(in_child(follow_course, leave_limit())),
			  (uint64_t)cases[i].wanted, "%s", cases[i].what);
	}
}

static void serve_and_limit(const char *dir)
{
	struct service_options options = options_for(dir, read_by_course);
	struct error err;

	options.manager.apply = true;
	test_leave(service_run(&options, &err) ? err.code : 0);
}

/* A manager that may limit begins by putting back what another has left. */
static void test_limits_left(void)
{
	const char *dir = leave_limit();
	char text[1024] = "";
	int said[2];

	if (pipe(said))
		abort();
	log_fd = said[1];
	course = "n";
	is_number((uint64_t)in_child(serve_and_limit, dir), 0, "a manager that may limit");
	ok(is_restored(dir), "puts back what one before it has left");
	ok(read(said[0], text, sizeof(text) - 1) > 0, "and says so");
	has_text(text, "limits put back as they were found", "of each VM");
	has_text(text, "all limits are as they were found", "and in the end of all");
	close(said[0]);
	close(said[1]);
}

/* One is there already. */
static void test_second(void)
{
	const char *dir = leave_limit();
	struct control control;
	struct error err;

	ok(!control_open(&control, dir, &err), "a manager");
	is_number((uint64_t)WEXITSTATUS(in_child(serve, dir)), EXIT_RUNTIME, "a second one ends at once");
	control_close(&control);
}

/* A pipe that is full, as of a pager that stands still. */
static FILE *full_pipe(int *reader)
{
	static const char page[4096];
	int ends[2];

	if (pipe(ends))
		test_leave(9);
	*reader = ends[0];
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], page, sizeof(page)) > 0)
		continue;
	fcntl(ends[1], F_SETFL, 0);
	return fdopen(ends[1], "w");
}

static int read_one(void *data, struct cpu *cpu, struct error *err)
{
	(void)data;
	(void)err;
	memset(cpu, 0, sizeof(*cpu));
	cpu->taken_ns = now_ms() * 1000000;
	cpu_add_thread(cpu)->pid = 1000;
	return 0;
}

static void check_unread(const char *dir)
{
	struct manager_options options = { .source.read = read_one, .root = test_root(),
					   .say = count_failures };
	struct manager manager;
	struct error err;
	int reader;

	(void)dir;
	manage_options_init(&options.policy);
	options.out = full_pipe(&reader);
	alarm(5);
	test_leave(manager_open(&manager, &options, &err) || manager_check(&manager, &err) ||
		   manager.n_decisions != 1);
}

static void test_unread(void)
{
	char page[4096];
	FILE *file;
	int reader;

	file = full_pipe(&reader);
	ok(!outlet_has_room(file), "a pipe that is full has no room");
	ok(read(reader, page, sizeof(page)) == sizeof(page) && outlet_has_room(file),
	   "with a page less it has");
	fclose(file);
	close(reader);
	test_file("/proc/self/mountinfo", "", 0);
	test_file("/proc/1000/stat", "1000 (vmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n", 59);
	is_number((uint64_t)in_child(check_unread, ""), 0, "a check does not wait for who reads of it");
}

void test_service(void)
{
	test_unread();
	test_reload();
	test_served();
	test_failing_checks();
	test_limits_left();
	test_second();
	test_signals();
	test_tried_once();
	test_nobody_listens();
}
