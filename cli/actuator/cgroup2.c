// SPDX-License-Identifier: GPL-2.0
/* Limits in the files of a v2 cgroup: Documentation/admin-guide/cgroup-v2.rst. */
#include "actuator/actuator.h"

#include <inttypes.h>
#include <string.h>

#include "actuator/cgroupfiles.h"
#include "affinity.h"

#define MAX "cpu.max"			/* "QUOTA PERIOD" or "max PERIOD", in us */
#define BURST "cpu.max.burst"		/* us; since 5.14 */
#define WEIGHT "cpu.weight"
#define DEFAULT_WEIGHT "100"

static const char *const keys[] = { MAX, BURST, WEIGHT };

static int read_settings(const char *place, struct settings *now, struct error *err)
{
	return cgroupfiles_read(place, keys, 3, now, err);
}

static bool is_free(const struct settings *now)
{
	const char *max = settings_get(now, MAX);

	return max && !strncmp(max, "max", 3);
}

/* A weight that somebody has chosen stays; CPUs that somebody has are not among what was found. */
static void express(const struct limit *limit, const struct settings *found,
		    struct settings *wanted)
{
	const char *weight = settings_get(found, WEIGHT);

	*wanted = *found;
	if (limit->quota_ns != UINT64_MAX) {
		settings_replace(wanted, MAX, "%" PRIu64 " %" PRIu64, limit->quota_ns / 1000,
				 limit->period_ns / 1000);
		settings_replace(wanted, BURST, "%" PRIu64, limit->burst_ns / 1000);
	}
	if (limit->weight && weight && !strcmp(weight, DEFAULT_WEIGHT))
		settings_replace(wanted, WEIGHT, "%" PRIu32, limit->weight);
	if (limit->cpus)
		settings_replace(wanted, AFFINITY_KEY, "%s", limit->cpus);
}

const struct actuator actuator_cgroup2 = {
	.name = "cgroup2",
	.read = read_settings,
	.write = cgroupfiles_write,
	.is_free = is_free,
	.express = express,
	.beside = { WEIGHT, AFFINITY_KEY },
	.pins = true,
};
