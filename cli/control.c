// SPDX-License-Identifier: GPL-2.0
/* One manager at a time, and a way to ask it. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (64ul << 20)
#define ANSWER_SECONDS 5
#define BACKLOG 8

static int refuse(struct error *err, const char *doing, const char *path)
{
	bool denied = errno == EACCES || errno == EPERM;

	return error_set(err, denied ? EXIT_PERMISSION : EXIT_RUNTIME, "cannot %s %s: %s%s", doing,
			 path, strerror(errno), denied ? "; run this as root" : "");
}

/* Who has the lock has written its pid into it. */
static int refuse_second(struct error *err, int fd, const char *dir)
{
	char pid[32] = "";
	ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[got > 0 ? got : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return error_set(err, EXIT_RUNTIME,
			 "another manager (pid %s) holds %s; stop that one first (systemctl stop vmshare)",
			 *pid ? pid : "unknown", dir);
}

static int take_lock(struct control *control, const char *dir, struct error *err)
{
	char path[CONTROL_PATH];

	snprintf(path, sizeof(path), "%s/manage.lock", dir);
	control->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (control->lock_fd < 0)
		return refuse(err, "open", path);
	if (flock(control->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return refuse(err, "lock", path);
		return refuse_second(err, control->lock_fd, dir);
	}
	if (ftruncate(control->lock_fd, 0) || dprintf(control->lock_fd, "%d\n", getpid()) < 0)
		return refuse(err, "write", path);
	return 0;
}

/* Who can write there can plant a journal, by which root would write where they like. */
static int check_owner(const char *dir, struct error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), failed;
	struct stat status;

	if (fd < 0)
		return refuse(err, "open the directory", dir);
	failed = fstat(fd, &status);
	close(fd);
	if (failed)
		return refuse(err, "look at", dir);
	if (status.st_uid == geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return error_set(err, EXIT_PERMISSION,
			 "others can write to %s (owner %u, mode %03o), and what is there says which limits to put back; name a directory of your own, that nobody else can write to",
			 dir, status.st_uid, status.st_mode & 0777);
}

int control_open(struct control *control, const char *dir, struct error *err)
{
	memset(control, 0, sizeof(*control));
	control->lock_fd = control->listen_fd = -1;
	if (strlen(dir) + sizeof("/manage.journal") > CONTROL_PATH)
		return error_set(err, EXIT_USAGE, "the name %s is too long for a directory with a socket in it",
				 dir);
	snprintf(control->journal, sizeof(control->journal), "%s/manage.journal", dir);
	snprintf(control->socket, sizeof(control->socket), "%s/manage.socket", dir);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return refuse(err, "make the directory", dir);
	if (!check_owner(dir, err) && !take_lock(control, dir, err))
		return 0;
	control_close(control);
	return -1;
}

int control_listen(struct control *control, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, control->socket, sizeof(address.sun_path));
	control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listen_fd < 0)
		return refuse(err, "make a socket for", control->socket);
	/* one that is there is of a manager that was killed: we have the lock */
	unlink(control->socket);
	if (bind(control->listen_fd, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(control->socket, 0600) || listen(control->listen_fd, BACKLOG))
		return refuse(err, "listen on", control->socket);
	return 0;
}

void control_answer(const struct control *control, const char *text)
{
	int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int size = (int)strlen(text);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static int refuse_silent(struct error *err)
{
	return error_set(err, EXIT_RUNTIME, "the manager did not answer within %d s; see its messages",
			 ANSWER_SECONDS);
}

static int connect_to(const char *dir, struct error *err)
{
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return refuse(err, "make a socket for", dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/manage.socket", dir);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* connecting waits as sending does, for as long as too many others wait for an answer */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		error_set(err, EXIT_RUNTIME, "no manager runs at %s; start one by vmshare manage (systemctl start vmshare)",
			  dir);
	else if (errno == EAGAIN)
		refuse_silent(err);
	else
		refuse(err, "connect to", address.sun_path);
	close(fd);
	return -1;
}

char *control_ask(const char *dir, struct error *err)
{
	size_t size = 1 << 16, len = 0;
	char *text = NULL, *more = NULL;
	ssize_t got = 1;
	int fd = connect_to(dir, err);

	if (fd < 0)
		return NULL;
	for (; got > 0 && size <= ANSWER_MAX; size *= 2) {
		more = realloc(text, size + 1);
		if (!more)
			break;
		text = more;
		while (len < size && (got = read(fd, text + len, size - len)) > 0)
			len += (size_t)got;
	}
	close(fd);
	if (got || !len) {
		if (more)
			refuse_silent(err);
		else
			error_no_memory(err);
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

void control_close(struct control *control)
{
	if (control->listen_fd >= 0) {
		close(control->listen_fd);
		unlink(control->socket);
	}
	if (control->lock_fd >= 0)
		close(control->lock_fd);
	control->lock_fd = control->listen_fd = -1;
}
