/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CGROUP_H
#define VMSHARE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which cgroup limits a process's CPU time, and whose it is. Works with one
 * hierarchy (v2), with one per controller (v1), and with both at once.
 */
#define CGROUP_PATH 1024
#define CGROUP_UNIT 256

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

/* A hierarchy that is mounted. */
struct cgroup_mount {
	enum cgroup_version version;	/* CGROUP_NONE: nowhere */
	char point[CGROUP_PATH];	/* with root in front */
	char top[CGROUP_PATH];		/* the cgroup that is mounted there, "/" mostly */
};

struct cgroups {
	const char *root;		/* see files.h; the caller's */
	struct cgroup_mount cpu;	/* where the CPU controller is */
	struct cgroup_mount unified;	/* the v2 hierarchy, with controllers or without */
	bool systemd;			/* runs the machine, so that cgroups are its own */
};

struct cgroup {
	enum cgroup_version version;	/* of the hierarchy with the CPU controller */
	char path[CGROUP_PATH];		/* of the whole VM, in that hierarchy */
	char dir[CGROUP_PATH];		/* the same as a directory */
	char unit[CGROUP_UNIT];		/* the systemd unit, or if nested the cgroup, it is in; "": none */
	bool below_unit;		/* a cgroup inside of the unit's own, */
	bool delegated;			/* which the unit was given to do with as it likes */
	bool nested;			/* and there another systemd or libvirt has its own: a user's, a container's */
	bool libvirt;			/* libvirt has made it, and vCPU cgroups below */
};

/* What is mounted, by /proc/self/mountinfo. 0, or -1 with errno. */
int cgroups_find(struct cgroups *cgroups, const char *root);

/*
 * The cgroup of a process. Returns 0; -ESRCH if there is no such process;
 * -ENOENT if no CPU controller is mounted, or the cgroup is outside of what is.
 */
int cgroup_of(const struct cgroups *cgroups, uint32_t pid, struct cgroup *cgroup);

/* The root of its hierarchy, which cannot be limited. */
bool cgroup_is_root(const struct cgroup *cgroup);

/*
 * Finds a process of the cgroup, or of one below it, for which wanted() is false; 0: there
 * is none. It would be limited together with the VM. Returns 0, or -errno if it cannot be
 * told: -EOPNOTSUPP if the cgroup has threads of processes, not processes; -E2BIG if more
 * than 1000 cgroups are below it.
 */
int cgroup_stranger(const struct cgroup *cgroup, bool (*wanted)(uint32_t pid, const void *data),
		    const void *data, uint32_t *stranger);

#endif
