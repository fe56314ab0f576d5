// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of a unit that systemd owns, by org.freedesktop.systemd1(5). It writes
 * the cgroup's files itself, now and whenever it sees fit; who writes them behind
 * its back is overruled. Set until the next boot only.
 */
#include "actuator/actuator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define SERVICE "org.freedesktop.systemd1"
#define MANAGER SERVICE ".Manager"
#define ROOT "/org/freedesktop/systemd1"
#define NO_UNIT SERVICE ".NoSuchUnit"
#define NOT_STARTED "org.freedesktop.DBus.Error.Spawn."
#define TIMEOUT_US (5 * 1000 * 1000)

#define QUOTA "CPUQuotaPerSecUSec"	/* us of CPU per second; all ones: none */
#define PERIOD "CPUQuotaPeriodUSec"	/* us; all ones: systemd's own choice */
#define WEIGHT "CPUWeight"		/* all ones: not set */
#define UNSET "18446744073709551615"
#define PERCENT 10000			/* of a CPU, in us per second */

static const char *const keys[] = { QUOTA, PERIOD, WEIGHT };

static sd_bus *bus;

/*
 * A bus that was started anew has closed the connection, which shows only when it is
 * read from. Nothing else comes in here: answers are waited for.
 */
static bool is_connected(void)
{
	while (bus && sd_bus_process(bus, NULL) > 0)
		;
	return bus && sd_bus_is_open(bus) > 0;
}

static int connect_bus(struct error *err)
{
	int ret;

	if (is_connected())
		return 0;
	bus = sd_bus_flush_close_unref(bus);
	ret = sd_bus_open_system(&bus);
	if (ret >= 0) {
		sd_bus_set_method_call_timeout(bus, TIMEOUT_US);
		return 0;
	}
	error_set(err, ret == -EACCES || ret == -EPERM ? EXIT_PERMISSION : EXIT_RUNTIME,
		  "cannot reach the system bus: %s; does dbus run?", strerror(-ret));
	return err->code == EXIT_PERMISSION ? -1 : -EAGAIN;
}

/*
 * It, or the bus, is started anew, or has too much to do. While it is not on the bus
 * that tries to start it, by a program that does nothing but fail.
 */
static bool is_away(int ret, const sd_bus_error *reply)
{
	if (reply->name && !strncmp(reply->name, NOT_STARTED, strlen(NOT_STARTED)))
		return true;
	return ret == -ETIMEDOUT || ret == -ECONNRESET || ret == -ENOTCONN || ret == -EPIPE ||
	       ret == -EHOSTUNREACH || ret == -ENXIO;
}

static int explain(struct error *err, const char *unit, const char *doing, int ret,
		   sd_bus_error *reply)
{
	bool gone = sd_bus_error_has_name(reply, NO_UNIT), away = is_away(ret, reply);
	bool refused = sd_bus_error_has_name(reply, SD_BUS_ERROR_ACCESS_DENIED) || ret == -EACCES;

	error_set(err, refused ? EXIT_PERMISSION : EXIT_RUNTIME, "cannot %s %s: systemd says: %s",
		  doing, unit, reply->message ? reply->message : strerror(-ret));
	sd_bus_error_free(reply);
	return gone ? -ENOENT : away ? -EAGAIN : -1;
}

static bool is_scope(const char *unit)
{
	size_t len = strlen(unit);

	return len > 6 && !strcmp(unit + len - 6, ".scope");
}

static const char *interface_of(const char *unit)
{
	return is_scope(unit) ? SERVICE ".Scope" : SERVICE ".Service";
}

/* Asks by a method of the manager for the path of a unit. */
static int ask_path(const char *method, const char *unit, char **path, struct error *err)
{
	sd_bus_error reply = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	const char *found;
	int ret;

	ret = sd_bus_call_method(bus, SERVICE, ROOT, MANAGER, method, &reply, &message, "s", unit);
	if (ret >= 0)
		ret = sd_bus_message_read(message, "o", &found);
	if (ret < 0)
		return explain(err, unit, "find", ret, &reply);
	*path = strdup(found);
	sd_bus_message_unref(message);
	return *path ? 0 : error_no_memory(err);
}

static int check_loaded(const char *unit, const char *path, struct error *err)
{
	sd_bus_error reply = SD_BUS_ERROR_NULL;
	char *state = NULL;
	int ret;

	ret = sd_bus_get_property_string(bus, SERVICE, path, SERVICE ".Unit", "LoadState", &reply,
					 &state);
	if (ret < 0)
		return explain(err, unit, "find", ret, &reply);
	ret = strcmp(state, "loaded") ? -ENOENT : 0;
	if (ret)
		error_set(err, EXIT_RUNTIME, "there is no unit %s any more", unit);
	free(state);
	return ret;
}

/*
 * Asking for a unit by its path would load one that is gone, with defaults. A service
 * that has a file and does not run is not loaded, but what was set for it is kept.
 */
static int find_unit(const char *unit, char **path, struct error *err)
{
	int ret = ask_path("GetUnit", unit, path, err);

	if (ret != -ENOENT || is_scope(unit))
		return ret;
	ret = ask_path("LoadUnit", unit, path, err);
	if (ret)
		return ret;
	ret = check_loaded(unit, *path, err);
	if (ret)
		free(*path);
	return ret;
}

static int read_property(const char *unit, const char *path, const char *key,
			 struct settings *now, struct error *err)
{
	sd_bus_error reply = SD_BUS_ERROR_NULL;
	uint64_t value;
	int ret;

	ret = sd_bus_get_property_trivial(bus, SERVICE, path, interface_of(unit), key, &reply, 't',
					  &value);
	if (ret < 0)
		return explain(err, unit, "read the limits of", ret, &reply);
	settings_add(now, key, "%" PRIu64, value);
	return 0;
}

static int read_settings(const char *unit, struct settings *now, struct error *err)
{
	char *path;
	size_t i;
	int ret;

	now->n = 0;
	ret = connect_bus(err);
	if (!ret)
		ret = find_unit(unit, &path, err);
	if (ret)
		return ret;
	for (i = 0; !ret && i < sizeof(keys) / sizeof(keys[0]); i++)
		ret = read_property(unit, path, keys[i], now, err);
	free(path);
	return ret;
}

/* SetUnitProperties(name, runtime, properties): all of them or none. */
static int make_call(const char *unit, const struct settings *wanted, sd_bus_message **call)
{
	int ret = sd_bus_message_new_method_call(bus, call, SERVICE, ROOT, MANAGER,
						 "SetUnitProperties");
	size_t i;

	if (ret >= 0)
		ret = sd_bus_message_append(*call, "sb", unit, 1);
	if (ret >= 0)
		ret = sd_bus_message_open_container(*call, 'a', "(sv)");
	for (i = 0; ret >= 0 && i < wanted->n; i++)
		ret = sd_bus_message_append(*call, "(sv)", wanted->item[i].key, "t",
					    (uint64_t)strtoull(wanted->item[i].value, NULL, 10));
	return ret >= 0 ? sd_bus_message_close_container(*call) : ret;
}

static int write_settings(const char *unit, const struct settings *wanted, struct error *err)
{
	sd_bus_error reply = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL;
	int ret = connect_bus(err);

	if (ret)
		return ret;
	ret = make_call(unit, wanted, &call);
	if (ret >= 0)
		ret = sd_bus_call(bus, call, 0, &reply, NULL);
	sd_bus_message_unref(call);
	return ret < 0 ? explain(err, unit, "limit", ret, &reply) : 0;
}

static bool is_free(const struct settings *now)
{
	return !strcmp(settings_get(now, QUOTA), UNSET);
}

/*
 * systemd writes whole percents into its drop-in, and has what it reads there after
 * a daemon-reload: anything else would look like somebody else's then.
 */
static uint64_t per_second_us(const struct limit *limit)
{
	uint64_t us = (uint64_t)((__uint128_t)limit->quota_ns * 1000000 / limit->period_ns);

	return (us + PERCENT - 1) / PERCENT * PERCENT;
}

/* systemd has no word for a burst. A weight that somebody has chosen stays. */
static void express(const struct limit *limit, const struct settings *found,
		    struct settings *wanted)
{
	const char *weight = settings_get(found, WEIGHT);

	*wanted = *found;
	if (limit->quota_ns != UINT64_MAX) {
		settings_replace(wanted, QUOTA, "%" PRIu64, per_second_us(limit));
		settings_replace(wanted, PERIOD, "%" PRIu64, limit->period_ns / 1000);
	}
	if (limit->weight && weight && !strcmp(weight, UNSET))
		settings_replace(wanted, WEIGHT, "%" PRIu32, limit->weight);
}

const struct actuator actuator_systemd = {
	.name = "systemd",
	.patience = PATIENCE_SECONDS,
	.read = read_settings,
	.write = write_settings,
	.is_free = is_free,
	.express = express,
	.beside = { WEIGHT },
};
