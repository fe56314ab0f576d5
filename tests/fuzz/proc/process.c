// SPDX-License-Identifier: GPL-2.0
/* Files of one process, whose owner has chosen much of what is in them. */
#include <ctype.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnose.h"
#include "everyfile.h"
#include "model.h"
#include "names.h"
#include "owners.h"
#include "proc/readers.h"
#include "proc/scratch.h"
#include "procvm.h"
#include "smaps.h"
#include "text.h"

#define START_TICKS 10000
#define COMM 63				/* a thread of the kernel's has up to so long a name */
#define DIGITS_MAX 12			/* of kilobytes */

/* No user of this machine is asked for, by whatever service that goes. */
struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	return NULL;
}

static void check_clean(const char *name)
{
	char clean[4096];

	text_clean(name, clean, sizeof(clean));
	if (strcmp(name, clean))
		abort();
}

static void check_uuid(const char *uuid)
{
	char again[UUID_SIZE];

	if (!names_parse_uuid(uuid, strlen(uuid), again) || strcmp(uuid, again) ||
	    strspn(uuid, "0123456789abcdef-") != strlen(uuid))
		abort();
}

/* As QEMU takes it: a comma in a name is two. Returns the length, with the zero. */
static size_t write_name(const char *name, char *out)
{
	char *at = stpcpy(out, "guest=");

	for (; *name; name++) {
		if (*name == ',')
			*at++ = ',';
		*at++ = *name;
	}
	*at++ = '\0';
	return (size_t)(at - out);
}

/* Any name can be given, and is read as it is; with its key it is as long as one may be. */
static void check_read_back(const char *text, const char *uuid)
{
	char name[NAME_SIZE - sizeof("guest=") + 1], line[2 * NAME_SIZE + UUID_SIZE + 32] = "-name";
	size_t len = sizeof("-name");
	struct identity again;

	text_clean(text, name, sizeof(name));
	len += write_name(name, line + len);
	len += (size_t)sprintf(line + len, "-uuid") + 1;
	len += (size_t)sprintf(line + len, "%s", uuid) + 1;
	names_parse_cmdline(line, len, &again);
	if (strcmp(again.name, name) || strcmp(again.uuid, uuid))
		abort();
}

void read_cmdline(const char *text, size_t size)
{
	struct identity identity;

	names_parse_cmdline(text, size, &identity);
	check_clean(identity.name);
	if (*identity.uuid)
		check_uuid(identity.uuid);
	check_read_back(text, identity.uuid);
}

/* By the command line, and by libvirt's files for a machine called "web". */
void read_names(const char *text, size_t size)
{
	struct snapshot snap;

	(void)text;
	(void)size;
	scratch_put("run/libvirt/qemu/web.pid", "", 0);
	snapshot_init(&snap);
	snapshot_add_vm(&snap, PID);
	names_resolve(&snap, scratch_dir());
	if (snap.vms[0].name)
		check_clean(snap.vms[0].name);
	if (snap.vms[0].uuid)
		check_uuid(snap.vms[0].uuid);
	snapshot_free(&snap);
}

/* Whatever a thread calls itself, it is not younger for that, nor the kernel's. */
static void check_hostile_name(const char *name)
{
	uint64_t start_ns, tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
	char line[COMM + 128];
	int len = snprintf(line, sizeof(line),
			   "%d (%.*s) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 9 10\n", PID,
			   COMM, name, START_TICKS);

	everyfile_has(line, (size_t)len);
	if (!procvm_start_time(PID, NOWHERE, &start_ns) || start_ns != START_TICKS * tick ||
	    procvm_is_kernels(PID, NOWHERE))
		abort();
}

void read_stat(const char *text, size_t size)
{
	uint64_t start_ns;

	(void)size;
	procvm_start_time(PID, NOWHERE, &start_ns);
	procvm_is_kernels(PID, NOWHERE);
	check_hostile_name(text);
}

/* Sums of what the kernel writes do not overflow; those of longer or negative numbers may. */
static bool may_overflow(const char *text)
{
	char before = ' ';
	size_t digits = 0;

	for (; *text; before = *text++) {
		digits = isdigit((unsigned char)*text) ? digits + 1 : 0;
		if (digits > DIGITS_MAX || (*text == '-' && !isxdigit((unsigned char)before)))
			return true;
	}
	return false;
}

/* An area more adds what it has, whatever the others are. */
static void check_one_more(const char *text, const struct smaps *before)
{
	struct smaps after;
	char *more;

	if (asprintf(&more,
		     "%s\n.\n7f00-7f10 rw-p 0 00:00 0\n"
		     "Rss: 8 kB\nAnonymous: 4 kB\nVmFlags: rd mg me\n", text) < 0)
		abort();
	smaps_parse(more, &after);
	if (after.anon != before->anon + 4096 || after.mergeable != before->mergeable + 4096 ||
	    after.shared != before->shared || after.hugetlb != before->hugetlb)
		abort();
	free(more);
}

void read_smaps(const char *text, size_t size)
{
	struct findings findings = {};
	struct vm vm = { .pid = PID };
	struct smaps smaps;

	(void)size;
	smaps_parse(text, &smaps);
	if (!smaps.has_mergeable && (smaps.mergeable || smaps.mergeable_huge))
		abort();
	if (smaps.mergeable > smaps.anon && !may_overflow(text))
		abort();
	check_one_more(text, &smaps);
	diagnose_backing(&findings, &vm, NOWHERE);
	if (!findings.count)
		abort();
	findings_free(&findings);
}

void read_owner(const char *text, size_t size)
{
	struct snapshot snap;
	char slice[256];

	(void)size;
	if (owners_parse_slice(text, slice, sizeof(slice)) &&
	    (!*slice || strpbrk(slice, "/\n") || !strstr(text, slice)))
		abort();
	snapshot_init(&snap);
	snapshot_add_vm(&snap, PID);
	owners_resolve(&snap, NOWHERE);
	if (snap.vms[0].slice)
		check_clean(snap.vms[0].slice);
	snapshot_free(&snap);
}
