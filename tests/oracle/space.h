/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The address spaces of a host and their areas, as /proc tells them.
 *
 * A space is one mm. Processes that share one (vfork, CLONE_VM) are one space,
 * so that no mapping is counted twice.
 */
#ifndef ORACLE_SPACE_H
#define ORACLE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KSM_PAGES_UNKNOWN UINT64_MAX	/* smaps has "KSM:" from 6.6 on */

struct vma {
	uint64_t first;		/* page numbers, last exclusive */
	uint64_t last;
	uint64_t ksm_pages;	/* merged pages as smaps counts them */
	bool shared;		/* MAP_SHARED: never anonymous memory */
	bool mergeable;
	bool hugetlb;
	bool pfnmap;		/* device or vvar: frames without pages */
};

struct space {
	pid_t pid;
	uint64_t family;	/* equal among forks that did not exec */
	struct vma *vmas;
	size_t nr_vmas;
	bool gone;		/* exited while it was read */

	uint64_t anon_pages;
	uint64_t zero_pages;
	uint64_t swap_pages;
	uint64_t file_shmem_pages;
};

/* The given VMs come first, in ascending order of pid. */
struct spaces {
	struct space *at;
	size_t nr;
	size_t nr_vms;
	size_t nr_unreadable;	/* other processes that /proc hides from us */
};

/* smaps tells more about each area, maps costs less. */
enum area_source { AREAS_FROM_MAPS, AREAS_FROM_SMAPS };

void spaces_add_vms(struct spaces *spaces, const char *list);
void spaces_add_others(struct spaces *spaces);
void spaces_read_areas(struct spaces *spaces, enum area_source source);
void spaces_free(struct spaces *spaces);

#endif
