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

/* Who opens libvirt's library by its name gets the one that is there already. */
void test_libvirt(void)
{
	void *fake = dlopen(FAKE_LIBVIRT, RTLD_NOW | RTLD_GLOBAL);

	if (!ok(fake, "the library is opened: %s", fake ? "" : dlerror()))
		return;
	test_daemon_begins_anew(dlsym(fake, "fake_daemon"));
	test_daemon_begins(dlsym(fake, "fake_begins"), dlsym(fake, "fake_active"));
}
