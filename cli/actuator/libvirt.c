// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of a libvirt domain, by libvirt itself, which limits each vCPU in a
 * cgroup of its own and leaves the VMM's threads free. The library is opened when
 * the first such VM is seen, because most hosts lack it and the rest of this
 * program needs none of it; starting virsh for each change would cost more than
 * everything else that the manager does. What is declared here is the part of
 * libvirt's stable interface that it takes.
 */
#include "actuator/actuator.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libvirt.so.0"
#define URI "qemu:///system"
#define AFFECT_LIVE 1u
#define ERROR_NO_DOMAIN 42
#define ERROR_OPERATION_INVALID 55	/* the domain does not run, or is not ready for it */
#define ERROR_TIMEOUT 68		/* somebody else works on the domain */
#define PARAMETERS_MAX 16			/* more are refused by the library */

#define PERIOD "vcpu_period"		/* us */
#define QUOTA "vcpu_quota"		/* us, of one vCPU; negative: none */
#define SHARES "cpu_shares"		/* the weight in v2, shares in v1 */
#define UNLIMITED "-1"
#define QUOTA_MAX 17592186044415ll	/* what libvirt says in v2 where there is none */

enum parameter_type { TYPE_INT = 1, TYPE_UINT, TYPE_LLONG, TYPE_ULLONG };

struct parameter {			/* virTypedParameter */
	char field[80];
	int type;
	union {
		int i;
		unsigned int ui;
		long long l;
		unsigned long long ul;
		double d;
		char *s;
	} value;
};

struct job {				/* virDomainJobInfo */
	int type;			/* 0: none */
	unsigned long long times[2], sizes[9];
};

static struct {
	void *library, *connection;
	void *(*open)(const char *uri);
	int (*close)(void *connection);
	int (*is_alive)(void *connection);
	void *(*lookup)(void *connection, const char *uuid);
	int (*free)(void *domain);
	int (*is_active)(void *domain);
	int (*get)(void *domain, struct parameter *parameters, int *n, unsigned int flags);
	int (*set)(void *domain, struct parameter *parameters, int n, unsigned int flags);
	int (*get_job)(void *domain, struct job *job);
	const char *(*message)(void);
	int (*code)(void);
	void (*on_error)(void *data, void (*report)(void *data, void *error));
} libvirt;

/* Errors are asked for; by default the library also prints each of them. */
static void report_nothing(void *data, void *error)
{
	(void)data;
	(void)error;
}

static bool find_functions(void)
{
	static const struct {
		void *function;
		const char *name;
	} functions[] = {
		{ &libvirt.open, "virConnectOpen" },
		{ &libvirt.close, "virConnectClose" },
		{ &libvirt.is_alive, "virConnectIsAlive" },
		{ &libvirt.lookup, "virDomainLookupByUUIDString" },
		{ &libvirt.free, "virDomainFree" },
		{ &libvirt.is_active, "virDomainIsActive" },
		{ &libvirt.get, "virDomainGetSchedulerParametersFlags" },
		{ &libvirt.set, "virDomainSetSchedulerParametersFlags" },
		{ &libvirt.get_job, "virDomainGetJobInfo" },
		{ &libvirt.message, "virGetLastErrorMessage" },
		{ &libvirt.code, "virGetLastErrorCode" },
		{ &libvirt.on_error, "virSetErrorFunc" },
	};
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *found = dlsym(libvirt.library, functions[i].name);

		if (!found)
			return false;
		memcpy(functions[i].function, &found, sizeof(found));
	}
	return true;
}

static int open_library(struct error *err)
{
	if (libvirt.library)
		return 0;
	libvirt.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!libvirt.library)
		return error_set(err, EXIT_SUPPORT, "cannot load " LIBRARY ": %s; install libvirt's client library",
				 dlerror());
	if (!find_functions()) {
		dlclose(libvirt.library);
		libvirt.library = NULL;
		return error_set(err, EXIT_SUPPORT, LIBRARY " lacks a function: %s", dlerror());
	}
	libvirt.on_error(NULL, report_nothing);
	return 0;
}

/* It may be started anew meanwhile. */
static int connect_libvirt(struct error *err)
{
	if (open_library(err))
		return -1;
	if (libvirt.connection && libvirt.is_alive(libvirt.connection) != 1) {
		libvirt.close(libvirt.connection);
		libvirt.connection = NULL;
	}
	if (!libvirt.connection)
		libvirt.connection = libvirt.open(URI);
	if (libvirt.connection)
		return 0;
	error_set(err, EXIT_RUNTIME, "cannot reach libvirt at " URI ": %s", libvirt.message());
	return -EAGAIN;
}

/*
 * A daemon that has just begun does not know the cgroups of domains that run, and refuses
 * what would be refused of a domain that has ended.
 */
static bool is_gone(int code, void *domain)
{
	if (code == ERROR_OPERATION_INVALID)
		return !domain || libvirt.is_active(domain) == 0;
	return code == ERROR_NO_DOMAIN;
}

/* Without a domain it was not found. */
static int explain(struct error *err, const char *uuid, void *domain, const char *doing)
{
	int code = libvirt.code();

	error_set(err, EXIT_RUNTIME, "cannot %s domain %s: libvirt says: %s", doing, uuid,
		  libvirt.message());
	if (is_gone(code, domain))
		return -ENOENT;
	if (code == ERROR_TIMEOUT || code == ERROR_OPERATION_INVALID)
		return -EBUSY;
	return libvirt.is_alive(libvirt.connection) == 1 ? -1 : -EAGAIN;
}

/* That a daemon was started anew shows only when it is called. */
static int find_domain(const char *uuid, void **domain, struct error *err)
{
	int tries, ret;

	for (tries = 0; tries < 2; tries++) {
		ret = connect_libvirt(err);
		if (ret)
			return ret;
		*domain = libvirt.lookup(libvirt.connection, uuid);
		if (*domain || libvirt.is_alive(libvirt.connection) == 1)
			break;
	}
	return *domain ? 0 : explain(err, uuid, NULL, "find");
}

/* Without a quota libvirt says -1 or all that it takes, depending on the hierarchy. */
static void add_parameter(const struct parameter *parameter, struct settings *now)
{
	bool free = parameter->value.l <= 0 || parameter->value.l >= QUOTA_MAX;

	if (!strcmp(parameter->field, QUOTA) && parameter->type == TYPE_LLONG)
		settings_add(now, QUOTA, "%lld", free ? -1 : parameter->value.l);
	else if ((!strcmp(parameter->field, PERIOD) || !strcmp(parameter->field, SHARES)) &&
		 parameter->type == TYPE_ULLONG)
		settings_add(now, parameter->field, "%llu", parameter->value.ul);
}

static int read_settings(const char *uuid, struct settings *now, struct error *err)
{
	struct parameter parameters[PARAMETERS_MAX] = {};
	int n = PARAMETERS_MAX, i, ret;
	void *domain;

	now->n = 0;
	ret = find_domain(uuid, &domain, err);
	if (ret)
		return ret;
	if (libvirt.get(domain, parameters, &n, AFFECT_LIVE) < 0)
		ret = explain(err, uuid, domain, "read the limits of");
	libvirt.free(domain);
	for (i = 0; !ret && i < n; i++)
		add_parameter(&parameters[i], now);
	if (!ret && (!settings_get(now, QUOTA) || !settings_get(now, PERIOD)))
		return error_set(err, EXIT_SUPPORT,
				 "libvirt limits no vCPUs of domain %s; does it have the cpu controller?",
				 uuid);
	return ret;
}

/*
 * While a domain is migrated or saved libvirt lets a change of it wait, for half a
 * minute, and then refuses it.
 */
static int check_idle(void *domain, const char *uuid, struct error *err)
{
	struct job job = {};

	if (libvirt.get_job(domain, &job) || !job.type)
		return 0;
	error_set(err, EXIT_RUNTIME, "cannot limit domain %s while it is migrated, saved or backed up",
		  uuid);
	return -EBUSY;
}

static int write_settings(const char *uuid, const struct settings *wanted, struct error *err)
{
	struct parameter parameters[SETTINGS_MAX] = {};
	void *domain;
	size_t i;
	int ret;

	for (i = 0; i < wanted->n; i++) {
		const struct setting *item = &wanted->item[i];

		snprintf(parameters[i].field, sizeof(parameters[i].field), "%s", item->key);
		parameters[i].type = strcmp(item->key, QUOTA) ? TYPE_ULLONG : TYPE_LLONG;
		if (parameters[i].type == TYPE_LLONG)
			parameters[i].value.l = strtoll(item->value, NULL, 10);
		else
			parameters[i].value.ul = strtoull(item->value, NULL, 10);
	}
	ret = find_domain(uuid, &domain, err);
	if (ret)
		return ret;
	ret = check_idle(domain, uuid, err);
	if (!ret && libvirt.set(domain, parameters, (int)wanted->n, AFFECT_LIVE) < 0)
		ret = explain(err, uuid, domain, "limit");
	libvirt.free(domain);
	return ret;
}

static bool is_free(const struct settings *now)
{
	return !strcmp(settings_get(now, QUOTA), UNLIMITED);
}

/*
 * vCPU by vCPU, without the VMM's part. libvirt has no burst here. Weights are
 * set in v2 only, where 100 is what libvirt leaves; a chosen one stays.
 */
static void express(const struct limit *limit, const struct settings *found,
		    struct settings *wanted)
{
	const char *weight = settings_get(found, SHARES);

	*wanted = *found;
	if (limit->quota_ns != UINT64_MAX) {
		settings_replace(wanted, PERIOD, "%" PRIu64, limit->period_ns / 1000);
		settings_replace(wanted, QUOTA, "%" PRIu64, limit->vcpu_quota_ns / 1000);
	}
	if (limit->weight && weight && !strcmp(weight, "100"))
		settings_replace(wanted, SHARES, "%" PRIu32, limit->weight);
}

const struct actuator actuator_libvirt = {
	.name = "libvirt",
	.patience = PATIENCE_MINUTES,
	.read = read_settings,
	.write = write_settings,
	.is_free = is_free,
	.express = express,
	.beside = { SHARES },
};
