/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_ACTUATOR_H
#define VMSHARE_ACTUATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup.h"
#include "error.h"

/*
 * Ways to limit a VM's CPU time. What is set is text under names, as the way in
 * question has them: so it can be kept in a file, compared, and put back as it
 * was found without being understood.
 */
#define SETTINGS_MAX 5
#define SETTING_KEY 32
#define SETTING_VALUE 1024		/* a list of CPUs is the longest */
#define ACTUATOR_PLACE CGROUP_PATH
#define ACTUATOR_WHY 320

struct setting {
	char key[SETTING_KEY];
	char value[SETTING_VALUE];
};

struct settings {
	size_t n;
	struct setting item[SETTINGS_MAX];
};

/* What a VM shall have, in the policies' terms. */
struct limit {
	uint64_t quota_ns;		/* per period, of the whole VM; UINT64_MAX: as found */
	uint64_t period_ns;
	uint64_t burst_ns;		/* ignored where it cannot be set */
	uint64_t vcpu_quota_ns;		/* per period, of one vCPU */
	uint32_t weight;		/* 1 to 10000, 100 is the default; 0: as found */
	const char *cpus;		/* a list of CPUs to run on; NULL: as found */
};

/* How long whoever is asked may let us wait: who waits longest is asked last. */
enum actuator_patience {
	PATIENCE_NONE,			/* files */
	PATIENCE_SECONDS,
	PATIENCE_MINUTES,
	PATIENCES
};

/*
 * place says which VM's settings: a directory, a unit, a UUID. The functions
 * return 0; -ENOENT if the place is gone; -EBUSY if it may go later; -EAGAIN likewise,
 * since whoever is asked does not answer, of other places neither; else -1. err is
 * filled if not 0.
 */
struct actuator {
	const char *name;
	enum actuator_patience patience;

	/* All settings of the place. */
	int (*read)(const char *place, struct settings *now, struct error *err);

	/* Those given, which may be some only, one after the other. */
	int (*write)(const char *place, const struct settings *wanted, struct error *err);

	/* Does nobody limit it? */
	bool (*is_free)(const struct settings *now);

	/* Puts a limit into words. What it does not name stays as found. */
	void (*express)(const struct limit *limit, const struct settings *found,
			struct settings *wanted);

	/* Names of settings beside the quota: somebody else's stay, without letting go of the rest. */
	const char *beside[2];

	/* Are the VM's threads vmshare's to move, too? Their CPUs are a setting of its own: affinity.h. */
	bool pins;
};

extern const struct actuator actuator_cgroup1;
extern const struct actuator actuator_cgroup2;
extern const struct actuator actuator_libvirt;
extern const struct actuator actuator_systemd;

const struct actuator *actuator_by_name(const char *name);

/*
 * The way for the VM in that cgroup, and its place; or NULL, and why there is
 * none. uuid may be NULL.
 */
const struct actuator *actuator_choose(const struct cgroup *cgroup, const char *uuid,
				       char place[ACTUATOR_PLACE], char why[ACTUATOR_WHY]);

void settings_add(struct settings *settings, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The value, or NULL. */
const char *settings_get(const struct settings *settings, const char *key);
void settings_remove(struct settings *settings, const char *key);
void settings_replace(struct settings *settings, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool settings_equal(const struct settings *a, const struct settings *b);

/* Keeps those of wanted that are not so already. */
void settings_drop_equal(struct settings *wanted, const struct settings *now);

#endif
