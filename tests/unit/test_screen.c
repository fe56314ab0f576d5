// SPDX-License-Identifier: GPL-2.0
/* vmshare top on a terminal: drawn, resized, steered by keys, and left as it should. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 20

struct terminal {
	int fd;
	pid_t pid;
	size_t len;
	char shown[1 << 20];		/* all that was written since the last key */
};

static uint64_t seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec;
}

/* Reads what there is; false when the other side has gone. */
static bool read_some(struct terminal *terminal)
{
	struct pollfd fd = { .fd = terminal->fd, .events = POLLIN };
	size_t room = sizeof(terminal->shown) - 1 - terminal->len;
	ssize_t got;

	if (poll(&fd, 1, 100) <= 0)
		return true;
	got = read(terminal->fd, terminal->shown + terminal->len, room);
	if (got <= 0)
		return got < 0 && errno == EINTR;
	terminal->len += (size_t)got;
	terminal->shown[terminal->len] = '\0';
	return true;
}

static bool wait_for(struct terminal *terminal, const char *text)
{
	uint64_t end = seconds() + DEADLINE_S;

	while (!strstr(terminal->shown, text) && seconds() < end) {
		if (!read_some(terminal))
			break;
	}
	return strstr(terminal->shown, text) != NULL;
}

static void start(struct terminal *terminal, const char *term, unsigned short rows,
		  unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	memset(terminal, 0, sizeof(*terminal));
	fflush(stdout);
	terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
	if (terminal->pid)
		return;
	setenv("TERM", term, 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	execl(PROGRAM, PROGRAM, "top", "--from", GOLDEN "/busy.json", (char *)NULL);
	_exit(127);
}

static void press(struct terminal *terminal, const char *keys)
{
	terminal->len = 0;
	terminal->shown[0] = '\0';
	if (write(terminal->fd, keys, strlen(keys)) < 0)
		perror("write");
}

/* The exit code, within the deadline; 1000 + signal, or 999 if it went on. */
static int finish(struct terminal *terminal)
{
	uint64_t end = seconds() + DEADLINE_S;
	int status = 0;
	pid_t pid = 0;

	while (!(pid = waitpid(terminal->pid, &status, WNOHANG)) && seconds() < end)
		read_some(terminal);
	while (pid && seconds() < end && read_some(terminal))
		continue;	/* what it wrote last */
	if (!pid) {
		kill(terminal->pid, SIGKILL);
		waitpid(terminal->pid, &status, 0);
	}
	close(terminal->fd);
	if (!pid)
		return 999;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void test_keys(void)
{
	static struct terminal terminal;

	start(&terminal, "vt100", 24, 80);
	ok(wait_for(&terminal, "Quit"), "a screen of 80x24");
	has_text(terminal.shown, "saved of", "with the host");
	has_text(terminal.shown, "db1", "and the VMs");
	press(&terminal, "?");
	ok(wait_for(&terminal, "this help"), "?: help");
	press(&terminal, "x");
	ok(wait_for(&terminal, "FREED"), "and back");
	press(&terminal, "M");
	ok(wait_for(&terminal, "ANON"), "M: sorted by memory");
	press(&terminal, "\\web2\r");
	ok(wait_for(&terminal, "filter: web2"), "\\: filtered");
	press(&terminal, " ");
	ok(wait_for(&terminal, "tagged 1 VM"), "space: tagged");
	press(&terminal, "\r");
	ok(wait_for(&terminal, "ran while this VM was ready"), "enter: one VM");
	press(&terminal, "q");
	ok(wait_for(&terminal, "Filter"), "q: back");
	press(&terminal, "t");
	ok(wait_for(&terminal, "machine.slice"), "t: by owner");
	press(&terminal, "f");
	ok(wait_for(&terminal, "[x]"), "f: fields");
	press(&terminal, "q");
	ok(wait_for(&terminal, "Filter"), "q: back");
	press(&terminal, "q");
	is_number((uint64_t)finish(&terminal), 0, "q: quit");
}

/* Colours where there are any, unless NO_COLOR says no. */
static void test_colors(void)
{
	static struct terminal terminal;

	unsetenv("NO_COLOR");
	start(&terminal, "xterm-256color", 24, 80);
	ok(wait_for(&terminal, "Quit") && strstr(terminal.shown, "\033[30m\033[42m"),
	   "black on green titles");
	press(&terminal, "q");
	finish(&terminal);
	setenv("NO_COLOR", "1", 1);
	start(&terminal, "xterm-256color", 24, 80);
	ok(wait_for(&terminal, "Quit") && !strstr(terminal.shown, "[42m"), "none with NO_COLOR");
	press(&terminal, "q");
	finish(&terminal);
	unsetenv("NO_COLOR");
}

/* Sizes at which nothing useful fits must do no harm either. */
static void test_sizes(void)
{
	static const unsigned short sizes[][2] = { { 1, 1 }, { 3, 10 }, { 6, 200 }, { 60, 20 } };
	static struct terminal terminal;
	size_t i;

	start(&terminal, "vt100", 24, 80);
	wait_for(&terminal, "Quit");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct winsize size = { .ws_row = sizes[i][0], .ws_col = sizes[i][1] };

		ioctl(terminal.fd, TIOCSWINSZ, &size);
		press(&terminal, "?xtfqSq \rq");
		read_some(&terminal);
	}
	press(&terminal, "q");
	is_number((uint64_t)finish(&terminal), 0, "resized to 1x1 and other sizes");
}

static void test_endings(void)
{
	static struct terminal terminal;

	start(&terminal, "vt100", 24, 80);
	wait_for(&terminal, "Quit");
	kill(terminal.pid, SIGTERM);
	is_number((uint64_t)finish(&terminal), 0, "ended from outside, the terminal is given back");
	start(&terminal, "no-such-terminal", 24, 80);
	is_number((uint64_t)finish(&terminal), 1, "a terminal that nobody knows");
	has_text(terminal.shown, "try vmshare top -b", "with advice");
	start(&terminal, "vt100", 24, 80);
	wait_for(&terminal, "Quit");
	close(terminal.fd);
	terminal.fd = open("/dev/null", 0);
	ok(finish(&terminal) != 999, "the terminal went away: no program stays behind");
}

void test_screen(void)
{
	test_keys();
	test_colors();
	test_sizes();
	test_endings();
}
