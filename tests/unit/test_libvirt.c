// SPDX-License-Identifier: GPL-2.0
/* Limits by libvirt, whose library is one of our own here. */
#include "test.h"

#include <dlfcn.h>
#include <errno.h>

#include "actuator/actuator.h"

#define UUID "6f60b765-328e-4cb7-a653-1afcda0e749a"

static void test_daemon_begins_anew(unsigned int *daemon)
{
	struct settings now;
	struct error err = {};

	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), 0, "limits are read: %s",
		  err.message);
	is_text(settings_get(&now, "vcpu_quota"), "-1", "there is none");
	*daemon = 2;
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), 0,
		  "and read at once of a daemon that has begun anew: %s", err.message);
	*daemon = 0;
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), EAGAIN,
		  "while there is none it is tried again");
	*daemon = 3;
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), 0, "until there is one: %s", err.message);
}

/* libvirt says the same of a domain that does not run. */
static void test_daemon_begins(int *begins, int *active)
{
	struct settings now;
	struct error err;

	*begins = 1;
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), EBUSY,
		  "a daemon that does not know the domain's cgroups yet is asked again");
	has_text(err.message, "not mounted", "and says why");
	*active = -1;
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), EBUSY,
		  "so is one that does not say whether the domain runs");
	*begins = *active = 0;
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), ENOENT,
		  "a domain that has ended is gone");
	*active = 1;
}

static int set(const char *quota, const char *period, const char *weight, struct error *err)
{
	struct settings wanted = {};

	settings_add(&wanted, "vcpu_quota", "%s", quota);
	settings_add(&wanted, "vcpu_period", "%s", period);
	settings_add(&wanted, "cpu_shares", "%s", weight);
	return actuator_libvirt.write(UUID, &wanted, err);
}

/* What is set is what is there, in libvirt's own types, which it insists on. */
static void test_limits(long long *quota)
{
	struct settings now;
	struct error err = {};

	is_number((uint64_t)-set("25000", "50000", "300", &err), 0, "limits are set: %s", err.message);
	is_number((uint64_t)*quota, 25000, "each in its type");
	is_number((uint64_t)-actuator_libvirt.read(UUID, &now, &err), 0, "and read");
	is_text(settings_get(&now, "vcpu_quota"), "25000", "the quota");
	is_text(settings_get(&now, "vcpu_period"), "50000", "the period");
	is_text(settings_get(&now, "cpu_shares"), "300", "the weight");
	set("-1", "100000", "100", &err);
	is_number((uint64_t)*quota, UINT64_MAX, "and taken away");
	*quota = 17592186044415;
	actuator_libvirt.read(UUID, &now, &err);
	is_text(settings_get(&now, "vcpu_quota"), "-1", "all that it takes is no quota");
	*quota = -1;
}

/* Of a domain without the CPU controller libvirt knows a weight at most. */
static void test_no_controller(int *known)
{
	struct settings now;
	struct error err;

	*known = 1;
	ok(actuator_libvirt.read(UUID, &now, &err) == -1 && err.code == EXIT_SUPPORT,
	   "a domain that cannot be limited");
	has_text(err.message, "does it have the cpu controller", "and why");
	*known = 2;
	ok(actuator_libvirt.read(UUID, &now, &err) == -1, "nor can one without a period");
	*known = 3;
}

static void test_refusals(int *job, int *lost, int *refuses, long long *quota)
{
	struct error err;

	*job = 2;
	is_number((uint64_t)-set("25000", "50000", "300", &err), EBUSY, "while a domain is migrated it waits");
	has_text(err.message, "while it is migrated", "which is said");
	*job = 0;
	*refuses = 68;
	is_number((uint64_t)-set("25000", "50000", "300", &err), EBUSY, "and while somebody else works on it");
	*refuses = 1;
	is_number((uint64_t)-set("25000", "50000", "300", &err), 1, "another refusal is one");
	has_text(err.message, "cannot limit domain " UUID ": libvirt says: ", "in libvirt's words");
	*refuses = 0;
	*lost = 42;
	is_number((uint64_t)-set("25000", "50000", "300", &err), ENOENT, "a domain that is gone");
	*lost = 55;
	is_number((uint64_t)-set("25000", "50000", "300", &err), ENOENT, "or is not even to be found");
	*lost = 0;
	is_number((uint64_t)*quota, UINT64_MAX, "none of it has set anything");
}

/* Who opens libvirt's library by its name gets the one that is there already. */
void test_libvirt(void)
{
	void *fake = dlopen(FAKE_LIBVIRT, RTLD_NOW | RTLD_GLOBAL);

	if (!ok(fake, "the library is opened: %s", fake ? "" : dlerror()))
		return;
	test_daemon_begins_anew(dlsym(fake, "fake_daemon"));
	test_daemon_begins(dlsym(fake, "fake_begins"), dlsym(fake, "fake_active"));
	test_limits(dlsym(fake, "fake_quota"));
	test_no_controller(dlsym(fake, "fake_known"));
	test_refusals(dlsym(fake, "fake_job"), dlsym(fake, "fake_lost"), dlsym(fake, "fake_refuses"),
		      dlsym(fake, "fake_quota"));
}
