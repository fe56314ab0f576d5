// SPDX-License-Identifier: GPL-2.0
/* /proc/PID/smaps: which memory is where, and which of it KSM may look at. */
#include "smaps.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

#define SMAPS_MAX (256u * 1024 * 1024)

/* One area while its lines are read. */
struct area {
	bool shared;
	uint64_t rss, anon, huge, hugetlb;
};

static bool value_of(const char *line, const char *key, uint64_t *bytes)
{
	if (strncmp(line, key, strlen(key)) != 0)
		return false;
	*bytes += strtoull(line + strlen(key), NULL, 10) * 1024;
	return true;
}

/* "mg" among the two-letter flags of the line. */
static bool has_flag(const char *line, const char *end, const char *flag)
{
	const char *at;

	for (at = line; at + 3 <= end; at++) {
		if (*at == ' ' && !strncmp(at + 1, flag, 2) && (at[3] == ' ' || at + 3 == end))
			return true;
	}
	return false;
}

static void close_area(struct smaps *smaps, const struct area *area, bool mergeable)
{
	smaps->anon += area->anon;
	smaps->hugetlb += area->hugetlb;
	if (area->shared)
		smaps->shared += area->rss;
	if (!mergeable)
		return;
	smaps->has_mergeable = true;
	smaps->mergeable += area->anon;
	smaps->mergeable_huge += area->huge;
}

/* "7f00-7f10 rw-s 0 00:01 5 /memfd:x": no key begins with a digit or a-f and a minus. */
static bool is_header(const char *line, struct area *area)
{
	size_t digits = 0;
	const char *mode;

	while (isxdigit((unsigned char)line[digits]))
		digits++;
	if (!digits || line[digits] != '-')
		return false;
	memset(area, 0, sizeof(*area));
	mode = strchr(line, ' ');
	area->shared = mode && strnlen(mode, 5) == 5 && mode[4] == 's';
	return true;
}

/* The flags are an area's last line. */
static void read_line(const char *line, const char *end, struct smaps *smaps, struct area *area)
{
	if (is_header(line, area) || value_of(line, "Rss:", &area->rss) ||
	    value_of(line, "Anonymous:", &area->anon) ||
	    value_of(line, "AnonHugePages:", &area->huge) ||
	    value_of(line, "Private_Hugetlb:", &area->hugetlb) ||
	    value_of(line, "Shared_Hugetlb:", &area->hugetlb))
		return;
	if (!strncmp(line, "VmFlags:", 8))
		close_area(smaps, area, has_flag(line, end, "mg"));
}

void smaps_parse(const char *text, struct smaps *smaps)
{
	struct area area = {};
	const char *end;

	memset(smaps, 0, sizeof(*smaps));
	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		read_line(text, end, smaps, &area);
	}
}

bool smaps_read(const char *root, uint32_t pid, struct smaps *smaps)
{
	char path[64], *text;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/smaps", pid);
	text = files_read(root, path, SMAPS_MAX, &len);
	if (!text)
		return false;
	smaps_parse(text, smaps);
	free(text);
	return true;
}
