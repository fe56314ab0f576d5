// SPDX-License-Identifier: GPL-2.0
/* Limits by systemd's bus, which is one of our own here. */
#include "test.h"

#include "actuator/actuator.h"

#if __has_include(<systemd/sd-bus.h>)

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

/* Reading a unit's limits is so many calls: where it is, and three properties. */
#define CALLS_OF_A_READ 4

static int answer(sd_bus_message *call, void *data, sd_bus_error *error)
{
	unsigned int *left = data;

	(void)error;
	if (sd_bus_message_is_method_call(call, NULL, "Hello"))
		return sd_bus_reply_method_return(call, "s", ":1.1");
	(*left)--;
	if (sd_bus_message_is_method_call(call, NULL, "GetUnit"))
		return sd_bus_reply_method_return(call, "o", "/unit");
	return sd_bus_reply_method_return(call, "v", "t", UINT64_MAX);
}

/* A bus with systemd on it, until one read was answered. */
static void answer_a_read(int fd)
{
	unsigned int left = CALLS_OF_A_READ;
	sd_id128_t id = { .bytes = "a bus of a test" };
	sd_bus *bus;

	sd_bus_new(&bus);
	sd_bus_set_fd(bus, fd, fd);
	sd_bus_set_server(bus, 1, id);
	sd_bus_add_filter(bus, NULL, answer, &left);
	sd_bus_start(bus);
	while (left) {
		if (!sd_bus_process(bus, NULL))
			sd_bus_wait(bus, UINT64_MAX);
	}
	sd_bus_flush_close_unref(bus);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		abort();
	return fd;
}

/* A bus that begins anew after each read; each end is a byte in the pipe. */
static pid_t start_buses(const char *path, int ends[2])
{
	int listening = listen_at(path);
	pid_t pid;

	if (pipe(ends))
		abort();
	pid = fork();
	while (!pid) {
		answer_a_read(accept(listening, NULL, NULL));
		if (write(ends[1], "", 1) != 1)
			_exit(1);
	}
	close(listening);
	return pid;
}

static void await_end(const int ends[2])
{
	char byte;

	if (read(ends[0], &byte, 1) != 1)
		abort();
}

static void test_bus_begins_anew(const struct actuator *systemd)
{
	char path[100], address[128];
	struct settings now;
	struct error err = {};
	int ends[2];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/bus", test_root());
	snprintf(address, sizeof(address), "unix:path=%s", path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	pid = start_buses(path, ends);
	is_number((uint64_t)-systemd->read("vm.scope", &now, &err), 0, "limits are read: %s", err.message);
	is_text(settings_get(&now, "CPUWeight"), "18446744073709551615", "there is none");
	await_end(ends);
	is_number((uint64_t)-systemd->read("vm.scope", &now, &err), 0,
		  "and read at once of a bus that has begun anew: %s", err.message);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	unlink(path);
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

void test_systemd(void)
{
	const struct actuator *systemd = actuator_by_name("systemd");

	if (systemd)
		test_bus_begins_anew(systemd);
}

#else

void test_systemd(void)
{
}

#endif
