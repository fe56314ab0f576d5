// SPDX-License-Identifier: GPL-2.0
/* Limits in the files of a v1 cgroup: Documentation/scheduler/sched-bwc.rst. */
#include "actuator/actuator.h"

#include <inttypes.h>
#include <string.h>

#include "actuator/cgroupfiles.h"

#define PERIOD "cpu.cfs_period_us"
#define QUOTA "cpu.cfs_quota_us"	/* -1: none */
#define SHARES "cpu.shares"
#define BURST "cpu.cfs_burst_us"	/* since 5.14 */
#define DEFAULT_SHARES "1024"		/* what weight 100 is in v2 */
#define SHARES_MIN 2
#define SHARES_MAX 262144

static const char *const keys[] = { PERIOD, QUOTA, SHARES, BURST };

static int read_settings(const char *place, struct settings *now, struct error *err)
{
	return cgroupfiles_read(place, keys, 4, now, err);
}

static bool is_free(const struct settings *now)
{
	const char *quota = settings_get(now, QUOTA);

	return quota && !strcmp(quota, "-1");
}

static uint32_t shares_of(uint32_t weight)
{
	uint64_t shares = (uint64_t)weight * 1024 / 100;

	if (shares < SHARES_MIN)
		return SHARES_MIN;
	return shares > SHARES_MAX ? SHARES_MAX : (uint32_t)shares;
}

/* Shares that somebody has chosen stay. */
static void express(const struct limit *limit, const struct settings *found,
		    struct settings *wanted)
{
	const char *shares = settings_get(found, SHARES);

	*wanted = *found;
	if (limit->quota_ns != UINT64_MAX) {
		settings_replace(wanted, PERIOD, "%" PRIu64, limit->period_ns / 1000);
		settings_replace(wanted, QUOTA, "%" PRIu64, limit->quota_ns / 1000);
		settings_replace(wanted, BURST, "%" PRIu64, limit->burst_ns / 1000);
	}
	if (limit->weight && shares && !strcmp(shares, DEFAULT_SHARES))
		settings_replace(wanted, SHARES, "%" PRIu32, shares_of(limit->weight));
}

const struct actuator actuator_cgroup1 = {
	.name = "cgroup1",
	.read = read_settings,
	.write = cgroupfiles_write,
	.is_free = is_free,
	.express = express,
	.beside = { SHARES },
};
