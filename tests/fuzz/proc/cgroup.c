// SPDX-License-Identifier: GPL-2.0
/*
 * Whose a process's limits are, by mountinfo and its cgroup's name, which in a
 * container or below a user's systemd is anybody's; and what limits are found.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actuator/actuator.h"
#include "cgroup.h"
#include "gauge.h"
#include "proc/readers.h"
#include "proc/scratch.h"
#include "roster.h"

#define UUID "12345678-abcd-4bcd-8bcd-123456789abc"
#define LOOKS 11			/* in the tenth it is asked again where a VM is */

static bool has_end(const char *part, size_t len, const char *end)
{
	return len > strlen(end) && !strncmp(part + len - strlen(end), end, strlen(end));
}

static bool is_slice(const char *part, size_t len)
{
	return has_end(part, len, ".slice");
}

static bool is_word(const char *part, size_t len, const char *word)
{
	return len == strlen(word) && !strncmp(part, word, len);
}

/* Where libvirt of the machine has its domains, with systemd or without. */
static bool is_libvirts(const char *part, size_t len)
{
	return is_slice(part, len) || has_end(part, len, ".partition") ||
	       is_word(part, len, "machine") || is_word(part, len, "system") ||
	       is_word(part, len, "user");
}

/* What follows the parts of the path that are such; none of it is anybody else's to make. */
static const char *below(const char *path, bool (*is)(const char *part, size_t len))
{
	size_t len;

	for (; *path == '/'; path += 1 + len) {
		len = strcspn(path + 1, "/\n");
		if (!is(path + 1, len))
			break;
	}
	return path + (*path == '/');
}

/* Is it the process's own unit, or one that its own is below, in slices from the root on? */
static bool is_unit_of(const char *text, const char *unit)
{
	const char *at, *name;

	for (at = strstr(text, ":/"); at; at = strstr(at + 1, ":/")) {
		name = below(at + 1, is_slice);
		name += *name == '_';
		if (!strncmp(name, unit, strlen(unit)) && strchr("/\n", name[strlen(unit)]))
			return true;
	}
	return false;
}

static void check_domain(const struct cgroup *cgroup, const char *place)
{
	if (strcmp(place, UUID) || !strncmp(cgroup->path, "/user.slice/", 12) ||
	    strchr(below(cgroup->path, is_libvirts), '/'))
		abort();
}

static void check_unit(const char *text, const char *place)
{
	if (strchr(place, '/') || !is_unit_of(text, place) ||
	    !(has_end(place, strlen(place), ".service") || has_end(place, strlen(place), ".scope")))
		abort();
}

/* A cgroup that cannot be limited has its reason; there are no files here to be written. */
static void check_choice(const char *text, const struct cgroup *cgroup)
{
	char place[ACTUATOR_PLACE], why[ACTUATOR_WHY];
	const struct actuator *way = actuator_choose(cgroup, UUID, place, why);

	if (!way == !*why)
		abort();
	if (!way)
		return;
	if (way == &actuator_libvirt)
		check_domain(cgroup, place);
	else if (way == actuator_by_name("systemd"))
		check_unit(text, place);
	else
		abort();
}

static bool is_even(uint32_t pid, const void *data)
{
	(void)data;
	return pid % 2 == 0;
}

static void check_company(const struct cgroup *cgroup)
{
	uint32_t stranger;

	if (!cgroup_stranger(cgroup, is_even, NULL, &stranger) && stranger &&
	    is_even(stranger, NULL))
		abort();
}

void read_cgroup(const char *text, size_t size)
{
	struct cgroups cgroups;
	struct cgroup cgroup;

	(void)size;
	if (cgroups_find(&cgroups, NOWHERE))
		abort();
	cgroups.systemd = true;
	if (cgroup_of(&cgroups, PID, &cgroup))
		return;
	if (cgroup.version == CGROUP_NONE || *cgroup.path != '/' || strstr(cgroup.path, "/..") ||
	    strncmp(cgroup.dir, NOWHERE, strlen(NOWHERE)))
		abort();
	check_choice(text, &cgroup);
	check_company(&cgroup);
}

/* The files of a cgroup, which all have the text. */
static void make_cgroup(enum cgroup_version version, const char *text, size_t size)
{
	static const char *const files[][5] = {
		[CGROUP_V1] = { "1/cpu.cfs_period_us", "1/cpu.cfs_quota_us", "1/cpu.shares",
				"1/cpu.cfs_burst_us", "1/cpu.stat" },
		[CGROUP_V2] = { "2/cpu.max", "2/cpu.max.burst", "2/cpu.weight", "2/cpu.stat" },
	};
	size_t i;

	for (i = 0; i < 5 && files[version][i]; i++)
		scratch_put(files[version][i], text, size);
}

static void measure(const struct cgroup *cgroup, struct gauge_reading *reading)
{
	struct gauge_reading again;
	struct gauge gauge;

	if (gauge_open(&gauge, cgroup, 0) || gauge_read(&gauge, reading) ||
	    gauge_read(&gauge, &again))
		abort();
	gauge_close(&gauge);
	if (reading->quota_ns != again.quota_ns || reading->period_ns != again.period_ns ||
	    (reading->quota_ns == UINT64_MAX && reading->period_ns))
		abort();
}

/* What is written is what is read then. */
static void check_written(const struct actuator *way, const char *place,
			  const struct settings *wanted)
{
	struct settings now;
	struct error err;

	if (way->write(place, wanted, &err) || way->read(place, &now, &err) ||
	    !settings_equal(&now, wanted))
		abort();
}

static void check_limit(const struct actuator *way, const struct cgroup *cgroup,
			const struct settings *found, size_t size)
{
	struct limit limit = {
		.quota_ns = (1000 + size) * 1000, .period_ns = 100000000, .burst_ns = size * 1000,
		.vcpu_quota_ns = 1000000, .weight = 200,
	};
	struct gauge_reading reading;
	struct settings wanted;

	way->express(&limit, found, &wanted);
	check_written(way, cgroup->dir, &wanted);
	measure(cgroup, &reading);
	if (reading.quota_ns != limit.quota_ns || reading.period_ns != limit.period_ns)
		abort();
	check_written(way, cgroup->dir, found);
}

/* Limits as they are found, set, and put back; the gauge reads them by itself. */
static void check_way(const struct actuator *way, enum cgroup_version version, const char *text,
		      size_t size)
{
	struct cgroup cgroup = { .version = version };
	struct gauge_reading reading;
	struct settings found;
	struct error err;

	make_cgroup(version, text, size);
	snprintf(cgroup.dir, sizeof(cgroup.dir), "%.512s/%d", scratch_dir(), (int)version);
	if (way->read(cgroup.dir, &found, &err))
		abort();
	measure(&cgroup, &reading);
	if (way->is_free(&found) && reading.quota_ns != UINT64_MAX)
		abort();
	check_limit(way, &cgroup, &found, size);
}

void read_limits(const char *text, size_t size)
{
	check_way(&actuator_cgroup2, CGROUP_V2, text, size);
	check_way(&actuator_cgroup1, CGROUP_V1, text, size);
}

static void ignore_vm(struct managed *vm, void *data)
{
	(void)vm;
	(void)data;
}

/* Either it can be limited, in some place, or it is said why not. */
static void check_managed(const struct managed *vm)
{
	if (!vm->actuator != !vm->place || !vm->actuator == !*vm->why)
		abort();
}

static void check_sample(const struct roster *roster)
{
	struct manage_sample sample;
	struct error err;

	if (roster_sample(roster, 1, &sample, &err) || sample.n_vms != roster->n)
		abort();
	manage_sample_free(&sample);
}

static void follow(struct roster *roster, const struct cpu *cpu)
{
	struct roster_events events = { ignore_vm, ignore_vm, NULL };
	struct error err;
	size_t i;

	for (i = 0; i < LOOKS; i++) {
		if (roster_update(roster, cpu, &events, &err))
			abort();
	}
	if (roster->n)
		check_managed(&roster->vms[0]);
	check_sample(roster);
}

/* The manager meets a VM: all that it reads of it, one after the other. */
void read_managed(const char *text, size_t size)
{
	struct thread vcpu = { .pid = PID, .tid = PID + 1, .kind = THREAD_VCPU };
	struct cpu cpu = { .threads = &vcpu, .n_threads = 1 };
	struct roster roster;
	struct error err;

	(void)text;
	(void)size;
	if (roster_init(&roster, NOWHERE, &err))
		abort();
	roster.cgroups.systemd = true;
	follow(&roster, &cpu);
	roster_free(&roster);
}
