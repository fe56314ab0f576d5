/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SMAPS_H
#define VMSHARE_SMAPS_H

#include <stdbool.h>
#include <stdint.h>

/* What the memory of a process is made of, in resident bytes. */
struct smaps {
	uint64_t anon;			/* private anonymous, in all areas */
	uint64_t mergeable;		/* of these, in areas that KSM may merge */
	uint64_t mergeable_huge;	/* of these, in transparent huge pages */
	uint64_t shared;		/* in shared mappings: memfd, files, /dev/shm */
	uint64_t hugetlb;
	bool has_mergeable;		/* an area, even if nothing is resident in it */
};

/* text is that of /proc/PID/smaps. */
void smaps_parse(const char *text, struct smaps *smaps);

/* false with errno if it cannot be read. */
bool smaps_read(const char *root, uint32_t pid, struct smaps *smaps);

#endif
