// SPDX-License-Identifier: GPL-2.0
/*
 * The C library's functions by which a program reaches its host, for the program and its
 * libraries. A socket of AF_NETLINK is one end of a pair whose other a peer has; it is
 * known by its type, which the program uses for nothing else.
 */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "../test.h"
#include "clock.h"

/* For a minute: so long a test waits for an answer that comes, and for one that does not. */
#define PATIENCE_S 10
#define IMPATIENCE_US 200000

static bool laid_out, begun;
static enum peer_fault fault;
static char files[PATH_MAX / 2];

static void lay(const char *path, const char *content)
{
	char full[256];

	snprintf(full, sizeof(full), "/host%s", path);
	test_file(full, content, strlen(content));
}

static void lay_group(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cpu.max", name);
	lay(path, "max 100000\n");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cpu.weight", name);
	lay(path, "100\n");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cpu.stat", name);
	lay(path, "usage_usec 1000\nthrottled_usec 0\n");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", name);
	lay(path, "");
}

static void lay_vm(unsigned int number, const char *name)
{
	char path[64], text[256];
	int len;

	snprintf(path, sizeof(path), "/host/proc/%u/cmdline", 5000000 + number);
	len = snprintf(text, sizeof(text), "qemu%c-name%cguest=%s%c-uuid%c"
		       "%08u-0000-4000-8000-000000000000", 0, 0, name, 0, 0, number);
	test_file(path, text, (size_t)len + 1);
	snprintf(path, sizeof(path), "/proc/%u/status", 5000000 + number);
	lay(path, "Name:\tqemu\nUid:\t0\t0\t0\t0\n");
	snprintf(path, sizeof(path), "/proc/%u/cgroup", 5000000 + number);
	snprintf(text, sizeof(text), "0::/%s\n", name);
	lay(path, text);
	snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", 5000000 + number);
	lay(path, "Rss: 4000 kB\nPss: 3000 kB\n");
	snprintf(path, sizeof(path), "/proc/%u/fd/0", 5000000 + number);
	lay(path, "");
	lay_group(name);
}

void host_lay_out(void)
{
	if (laid_out)
		return;
	lay_vm(1, "web1");
	lay_vm(2, "web2");
	lay_vm(3, "db");
	lay("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n");
	lay("/proc/self/mountinfo",
	    "29 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	lay("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu memory\n");
	lay("/proc/uptime", "1000.00 500.00\n");
	lay("/sys/kernel/mm/ksm/run", "1\n");
	lay("/sys/kernel/mm/ksm/pages_shared", "500\n");
	lay("/sys/kernel/mm/ksm/pages_sharing", "1500\n");
	lay("/sys/kernel/mm/ksm/full_scans", "9\n");
	snprintf(files, sizeof(files), "%s/host", test_root());
	laid_out = true;
}

void host_begin(enum peer_fault how)
{
	begun = true;
	fault = how;
}

/* Files */

static bool is_of_host(const char *path)
{
	return begun && (!strncmp(path, "/proc", 5) || !strncmp(path, "/sys/", 5) ||
			 !strncmp(path, "/run/libvirt", 12));
}

int open(const char *path, int flags, ...)
{
	char instead[PATH_MAX];
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
	va_end(args);
	if (is_of_host(path)) {
		snprintf(instead, sizeof(instead), "%s%.1024s", files, path);
		path = instead;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

DIR *opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* The C library's own ends by a signal where it lacks memory. */
struct passwd *getpwuid(uid_t uid)
{
	static struct passwd root = { .pw_name = "root" };

	return uid ? NULL : &root;
}

/* Some verbs print it. */
pid_t getpid(void)
{
	return begun ? 4242 : (pid_t)syscall(SYS_getpid);
}

/* Sockets */

static bool is_netlink(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return begun && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       type == SOCK_SEQPACKET;
}

int socket(int domain, int type, int protocol)
{
	int ends[2];

	if (!begun || domain != AF_NETLINK)
		return (int)syscall(SYS_socket, domain, type, protocol);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	if (!fork()) {
		close(ends[0]);
		peer_serve(ends[1], fault);
	}
	close(ends[1]);
	return ends[0];
}

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	return is_netlink(fd) ? 0 : (int)syscall(SYS_bind, fd, address, len);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_pid = (uint32_t)getpid() };

	if (!is_netlink(fd))
		return (int)syscall(SYS_getsockname, fd, address, len);
	memcpy(address, &own, sizeof(own) < *len ? sizeof(own) : *len);
	*len = sizeof(own);
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	bool in_vain = fault == PEER_SILENT || fault == PEER_BABBLES;
	struct timeval patience = { in_vain ? 0 : PATIENCE_S, in_vain ? IMPATIENCE_US : 0 };

	if (is_netlink(fd) && level != SOL_SOCKET)
		return 0;
	if (is_netlink(fd) && option == SO_RCVTIMEO)
		value = &patience;
	return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

/* A pair's other end has no address. */
ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *address,
	       socklen_t address_len)
{
	bool ours = is_netlink(fd);

	return syscall(SYS_sendto, fd, bytes, len, ours ? flags | MSG_NOSIGNAL : flags,
		       ours ? NULL : address, ours ? 0 : address_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct msghdr copy = *message;

	if (is_netlink(fd)) {
		copy.msg_name = NULL;
		copy.msg_namelen = 0;
		flags |= MSG_NOSIGNAL;
	}
	return syscall(SYS_sendmsg, fd, &copy, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	bool ours = is_netlink(fd);
	ssize_t len = syscall(SYS_recvmsg, fd, message, flags);

	if (!ours || len < 0)
		return len;
	if (fault == PEER_OVERRUN) {
		errno = ENOBUFS;
		return -1;
	}
	if (message->msg_name)
		memcpy(message->msg_name, &kernel, sizeof(kernel));
	message->msg_namelen = sizeof(kernel);
	return len;
}
