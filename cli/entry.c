// SPDX-License-Identifier: GPL-2.0
/* Where the settings of a journal's entry are. */
#include "entry.h"

#include <errno.h>

#include "affinity.h"

/* A list that is set, or about to be, may have reached some threads only. */
static struct affinity affinity_of(const struct journal_entry *entry)
{
	return (struct affinity){
		.dir = entry->place,
		.pid = entry->pid,
		.start_time_ns = entry->start_time_ns,
		.ours = { settings_get(&entry->before, AFFINITY_KEY),
			  settings_get(&entry->next, AFFINITY_KEY) },
	};
}

static bool has_cpus(const struct journal_entry *entry)
{
	return entry->actuator->pins && settings_get(&entry->found, AFFINITY_KEY);
}

int entry_read(const struct journal_entry *entry, struct settings *now, struct error *err)
{
	const struct affinity affinity = affinity_of(entry);
	int ret = entry->actuator->read(entry->place, now, err), cpus;
	char value[SETTING_VALUE];
	struct error own;

	if (ret == -ENOENT)
		now->n = 0;
	if ((ret && ret != -ENOENT) || !has_cpus(entry))
		return ret;
	cpus = affinity_read(&affinity, value, sizeof(value), &own);
	if (!cpus)
		settings_add(now, AFFINITY_KEY, "%s", value);
	if (cpus && cpus != -ENOENT) {
		*err = own;
		return cpus;
	}
	return ret;
}

int entry_write(const struct journal_entry *entry, const struct settings *wanted,
		struct error *err)
{
	const struct affinity affinity = affinity_of(entry);
	const char *list = settings_get(wanted, AFFINITY_KEY);
	struct settings rest = *wanted;
	int ret = 0, cpus = 0;
	struct error own;

	if (entry->actuator->pins)
		settings_remove(&rest, AFFINITY_KEY);
	if (rest.n)
		ret = entry->actuator->write(entry->place, &rest, err);
	if (list && entry->actuator->pins)
		cpus = affinity_write(&affinity, list, &own);
	/* of a cgroup that is gone nothing is left to be done, but of threads there is */
	if (!cpus || (ret && !(ret == -ENOENT && cpus == -1)))
		return ret;
	*err = own;
	return cpus;
}

const char *entry_take_cpus(struct journal_entry *entry, const char *list)
{
	const struct affinity affinity = affinity_of(entry);
	char value[SETTING_VALUE];
	struct error err;

	if (!entry->actuator->pins)
		return "only VMs in cgroups that are vmshare's to write can be pinned";
	if (affinity_is_chosen(entry->place))
		return "somebody has chosen them, in cpuset.cpus of its cgroup";
	if (!affinity_is_allowed(entry->place, list))
		return "its cgroup may use none of those that it was to have";
	if (has_cpus(entry))
		return NULL;
	if (affinity_read(&affinity, value, sizeof(value), &err))
		return "the CPUs of its threads cannot be read";
	if (*value)
		return "somebody has chosen them, for one of its threads at least";
	settings_add(&entry->found, AFFINITY_KEY, "%s", value);
	settings_add(&entry->next, AFFINITY_KEY, "%s", value);
	return NULL;
}
