// SPDX-License-Identifier: GPL-2.0
/* Which way to limit a VM: that of whoever its cgroup belongs to. */
#include "actuator/actuator.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static const struct actuator *const all[] = {
	&actuator_libvirt,
#ifdef HAVE_SYSTEMD
	&actuator_systemd,
#endif
	&actuator_cgroup2,
	&actuator_cgroup1,
};

const struct actuator *actuator_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(all[i]->name, name))
			return all[i];
	}
	return NULL;
}

static const struct actuator *refuse(char *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static const struct actuator *refuse(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, ACTUATOR_WHY, fmt, args);
	va_end(args);
	return NULL;
}

static const struct actuator *choose_libvirt(const char *uuid, char *place, char *why)
{
	if (!uuid)
		return refuse(why, "libvirt has made its cgroup, but its UUID is not known, and libvirt is asked by UUID");
	snprintf(place, ACTUATOR_PLACE, "%s", uuid);
	return &actuator_libvirt;
}

static const struct actuator *choose_systemd(const struct cgroup *cgroup, char *place, char *why)
{
	const struct actuator *systemd = actuator_by_name("systemd");

	if (cgroup->nested)
		return refuse(why, "inside of %s a systemd or libvirt of its own, of a user or a container, has made its cgroup; start the VM in a scope of the machine's (systemd-run --scope)",
			      cgroup->unit);
	if (cgroup->below_unit)
		return refuse(why, "its cgroup is inside of %s, which systemd has not handed over; set Delegate=yes there",
			      cgroup->unit);
	if (!systemd)
		return refuse(why, "%s is systemd's, and vmshare was built without libsystemd", cgroup->unit);
	snprintf(place, ACTUATOR_PLACE, "%s", cgroup->unit);
	return systemd;
}

static const struct actuator *choose_files(const struct cgroup *cgroup, char *place, char *why)
{
	const char *file = cgroup->version == CGROUP_V2 ? "cpu.max" : "cpu.cfs_quota_us";
	char path[CGROUP_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", cgroup->dir, file);
	if (access(path, F_OK))
		return refuse(why, "its cgroup %.200s has no %s: the CPU controller is not enabled there (cgroup.subtree_control of the one above)",
			      cgroup->path, file);
	snprintf(place, ACTUATOR_PLACE, "%s", cgroup->dir);
	return cgroup->version == CGROUP_V2 ? &actuator_cgroup2 : &actuator_cgroup1;
}

static const struct actuator *choose(const struct cgroup *cgroup, const char *uuid, char *place,
				     char *why)
{
	if (cgroup->libvirt)
		return choose_libvirt(uuid, place, why);
	if (*cgroup->unit && !(cgroup->below_unit && cgroup->delegated && !cgroup->nested))
		return choose_systemd(cgroup, place, why);
	if (cgroup_is_root(cgroup))
		return refuse(why, "it is in the root cgroup, which cannot be limited; start it in a cgroup of its own");
	return choose_files(cgroup, place, why);
}

/* What goes into the journal comes out of it the same. */
static bool is_text(const char *place)
{
	char clean[ACTUATOR_PLACE];

	text_clean(place, clean, sizeof(clean));
	return !strcmp(place, clean);
}

const struct actuator *actuator_choose(const struct cgroup *cgroup, const char *uuid,
				       char place[ACTUATOR_PLACE], char why[ACTUATOR_WHY])
{
	const struct actuator *way;

	why[0] = '\0';
	way = choose(cgroup, uuid, place, why);
	if (way && !is_text(place))
		return refuse(why, "the name of its cgroup is no UTF-8 text, so that it could not be noted where to put limits back");
	return way;
}

static struct setting *find(const struct settings *settings, const char *key)
{
	size_t i;

	for (i = 0; i < settings->n; i++) {
		if (!strcmp(settings->item[i].key, key))
			return (struct setting *)&settings->item[i];
	}
	return NULL;
}

void settings_add(struct settings *settings, const char *key, const char *fmt, ...)
{
	struct setting *item = &settings->item[settings->n];
	va_list args;

	if (settings->n == SETTINGS_MAX)
		return;
	snprintf(item->key, sizeof(item->key), "%s", key);
	va_start(args, fmt);
	vsnprintf(item->value, sizeof(item->value), fmt, args);
	va_end(args);
	settings->n++;
}

const char *settings_get(const struct settings *settings, const char *key)
{
	const struct setting *item = find(settings, key);

	return item ? item->value : NULL;
}

void settings_replace(struct settings *settings, const char *key, const char *fmt, ...)
{
	struct setting *item = find(settings, key);
	va_list args;

	if (!item)
		return;
	va_start(args, fmt);
	vsnprintf(item->value, sizeof(item->value), fmt, args);
	va_end(args);
}

void settings_remove(struct settings *settings, const char *key)
{
	struct setting *item = find(settings, key);

	if (item)
		*item = settings->item[--settings->n];
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	struct settings rest = *a;

	settings_drop_equal(&rest, b);
	return a->n == b->n && !rest.n;
}

void settings_drop_equal(struct settings *wanted, const struct settings *now)
{
	size_t kept = 0, i;

	for (i = 0; i < wanted->n; i++) {
		const char *value = settings_get(now, wanted->item[i].key);

		if (!value || strcmp(value, wanted->item[i].value))
			wanted->item[kept++] = wanted->item[i];
	}
	wanted->n = kept;
}
