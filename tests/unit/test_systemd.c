// SPDX-License-Identifier: GPL-2.0
/* Limits by systemd's bus, which is one of our own here. */
#include "test.h"

#include "actuator/actuator.h"

#if __has_include(<systemd/sd-bus.h>)

#include <errno.h>
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
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define NO_UNIT "org.freedesktop.systemd1.NoSuchUnit"
#define NO_START "org.freedesktop.DBus.Error.Spawn.ChildExited"

/* The limits of the bus's one unit. */
static struct limits {
	uint64_t quota, period, weight;
} limits = { UINT64_MAX, UINT64_MAX, UINT64_MAX };

static uint64_t *limit_of(const char *key)
{
	if (!strcmp(key, "CPUWeight"))
		return &limits.weight;
	return strcmp(key, "CPUQuotaPerSecUSec") ? &limits.period : &limits.quota;
}

/* Units are named after what is to be said of them; a service that does not run is not loaded. */
static int answer_unit(sd_bus_message *call, const char *unit)
{
	bool load = sd_bus_message_is_method_call(call, NULL, "LoadUnit");

	if (!strcmp(unit, "gone.scope") || (!load && strstr(unit, ".service")))
		return sd_bus_reply_method_errorf(call, NO_UNIT, "%s not loaded", unit);
	if (!strcmp(unit, "denied.scope"))
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED, "not you");
	if (!strcmp(unit, "away.scope"))
		return sd_bus_reply_method_errorf(call, NO_START, "it fails");
	return sd_bus_reply_method_return(call, "o", strcmp(unit, "no.service") ? "/unit" : "/none");
}

static int answer_property(sd_bus_message *call)
{
	const char *interface, *key;

	sd_bus_message_read(call, "ss", &interface, &key);
	if (!strcmp(key, "LoadState")) {
		bool there = strcmp(sd_bus_message_get_path(call), "/none");

		return sd_bus_reply_method_return(call, "v", "s", there ? "loaded" : "not-found");
	}
	return sd_bus_reply_method_return(call, "v", "t", *limit_of(key));
}

/* All of it or nothing, and until the next boot only. */
static int take_limits(sd_bus_message *call, const char *unit)
{
	const char *key;
	uint64_t value;
	int runtime;

	sd_bus_message_read(call, "b", &runtime);
	if (!runtime || strcmp(unit, "vm.scope"))
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "not this");
	sd_bus_message_enter_container(call, 'a', "(sv)");
	while (sd_bus_message_read(call, "(sv)", &key, "t", &value) > 0)
		*limit_of(key) = value;
	return sd_bus_reply_method_return(call, NULL);
}

static int answer(sd_bus_message *call, void *data, sd_bus_error *error)
{
	unsigned int *left = data;
	const char *unit;

	(void)error;
	if (sd_bus_message_is_method_call(call, NULL, "Hello"))
		return sd_bus_reply_method_return(call, "s", ":1.1");
	(*left)--;
	if (sd_bus_message_is_method_call(call, PROPERTIES, NULL))
		return answer_property(call);
	sd_bus_message_read(call, "s", &unit);
	if (sd_bus_message_is_method_call(call, NULL, "SetUnitProperties"))
		return take_limits(call, unit);
	return answer_unit(call, unit);
}

/* A bus with systemd on it, until so many calls were answered. */
static void answer_calls(int fd, unsigned int left)
{
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

/* A bus that begins anew after so many calls; each end is a byte in the pipe. */
static pid_t start_buses(const char *path, unsigned int calls, int ends[2])
{
	int listening = listen_at(path);
	pid_t pid;

	if (pipe(ends))
		abort();
	fflush(stdout);
	pid = fork();
	while (!pid) {
		answer_calls(accept(listening, NULL, NULL), calls);
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

/* The system's bus for whoever asks after this. */
struct buses {
	char path[100];
	int ends[2];
	pid_t pid;
};

static void buses_start(struct buses *buses, unsigned int calls)
{
	char address[128];

	snprintf(buses->path, sizeof(buses->path), "%s/bus", test_root());
	snprintf(address, sizeof(address), "unix:path=%s", buses->path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	buses->pid = start_buses(buses->path, calls, buses->ends);
}

static void buses_end(struct buses *buses)
{
	kill(buses->pid, SIGKILL);
	waitpid(buses->pid, NULL, 0);
	close(buses->ends[0]);
	close(buses->ends[1]);
	unlink(buses->path);
}

static void test_bus_begins_anew(const struct actuator *systemd)
{
	struct settings now;
	struct error err = {};
	struct buses buses;

	buses_start(&buses, CALLS_OF_A_READ);
	is_number((uint64_t)-systemd->read("vm.scope", &now, &err), 0, "limits are read: %s", err.message);
	is_text(settings_get(&now, "CPUWeight"), "18446744073709551615", "there is none");
	await_end(buses.ends);
	is_number((uint64_t)-systemd->read("vm.scope", &now, &err), 0,
		  "and read at once of a bus that has begun anew: %s", err.message);
	buses_end(&buses);
}

static void test_limits(const struct actuator *systemd)
{
	struct settings wanted = {}, now;
	struct error err = {};

	settings_add(&wanted, "CPUQuotaPerSecUSec", "500000");
	settings_add(&wanted, "CPUQuotaPeriodUSec", "50000");
	settings_add(&wanted, "CPUWeight", "300");
	is_number((uint64_t)-systemd->write("vm.scope", &wanted, &err), 0, "limits are set: %s", err.message);
	is_number((uint64_t)-systemd->read("vm.scope", &now, &err), 0, "and read: %s", err.message);
	ok(settings_equal(&now, &wanted), "and are the same");
	ok(systemd->write("other.service", &wanted, &err) == -1 && err.code == EXIT_RUNTIME, "a refusal");
	has_text(err.message, "cannot limit other.service: systemd says: not this", "in its words");
}

static void test_states(const struct actuator *systemd)
{
	static const struct {
		const char *unit;
		int code;
		const char *message;
	} units[] = {
		{ "stopped.service", 0, NULL },
		{ "no.service", ENOENT, "there is no unit no.service any more" },
		{ "gone.scope", ENOENT, "cannot find gone.scope: systemd says: gone.scope not loaded" },
		{ "away.scope", EAGAIN, "it fails" },
		{ "denied.scope", 1, "not you" },
	};
	struct settings now;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct error err = {};

		is_number((uint64_t)-systemd->read(units[i].unit, &now, &err), (uint64_t)units[i].code,
			  "%s: %s", units[i].unit, err.message);
		if (units[i].message)
			has_text(err.message, units[i].message, "%s: the reason", units[i].unit);
		is_number(err.code == EXIT_PERMISSION, !strncmp(units[i].unit, "denied", 6),
			  "%s: whether permission is missing", units[i].unit);
	}
}

static void test_no_bus(const struct actuator *systemd)
{
	struct settings now = {};
	struct error err;

	is_number((uint64_t)-systemd->read("vm.scope", &now, &err), EAGAIN, "without a bus it is tried again");
	has_text(err.message, "does dbus run?", "which is said");
	is_number((uint64_t)-systemd->write("vm.scope", &now, &err), EAGAIN, "to set, too");
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

void test_systemd(void)
{
	const struct actuator *systemd = actuator_by_name("systemd");
	struct buses buses;

	if (!systemd)
		return;
	test_bus_begins_anew(systemd);
	buses_start(&buses, UINT32_MAX);
	test_limits(systemd);
	test_states(systemd);
	buses_end(&buses);
	test_no_bus(systemd);
}

#else

void test_systemd(void)
{
}

#endif
