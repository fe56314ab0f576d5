// SPDX-License-Identifier: GPL-2.0
/* The checks of vmshare doctor. Every finding says what to do. */
#include "diagnose.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consistency.h"
#include "files.h"
#include "memory.h"
#include "smaps.h"
#include "units.h"

#define KSM "/sys/kernel/mm/ksm/"
#define FRAME 4096
#define SLOW_PASS_S 600
#define CMDLINE_MAX (2 * 1024 * 1024)
#define TAKE "take it by vmshare snapshot"

const char *level_name(enum level level)
{
	static const char *const names[] = { "ok", "info", "warning", "problem" };

	return names[level];
}

static void add(struct findings *findings, enum level level, const char *check,
		const struct vm *vm, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* A diagnosis that lacks a sentence says something else. */
static void add(struct findings *findings, enum level level, const char *check,
		const struct vm *vm, const char *fmt, ...)
{
	struct finding *more = memory_checked(reallocarray(findings->finding,
							   findings->count + 1, sizeof(*more)));
	char *message = NULL;
	va_list args;

	findings->finding = more;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	memory_checked(message);
	more[findings->count++] = (struct finding){ level, check, vm, message };
}

static const char *size_text(const struct findings *findings, uint64_t bytes,
			     char out[UNITS_TEXT])
{
	return units_size(bytes, findings->exact, out);
}

void findings_free(struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->count; i++)
		free(findings->finding[i].message);
	free(findings->finding);
	memset(findings, 0, sizeof(*findings));
}

void diagnose_ksm(struct findings *findings, const struct snapshot *snap, bool document)
{
	uint64_t run;

	if (!facts_get(&snap->host, HOST_KSM_RUN, &run) && document)
		add(findings, LEVEL_WARNING, "ksm", NULL,
		    "whether KSM runs is not known: the document does not have host.ksm.run; " TAKE);
	else if (!facts_get(&snap->host, HOST_KSM_RUN, &run))
		add(findings, LEVEL_PROBLEM, "ksm", NULL,
		    "no state of KSM is known: the kernel has none (CONFIG_KSM), or /sys is not mounted; nothing can merge");
	else if (run == 0)
		add(findings, LEVEL_PROBLEM, "ksm_run", NULL,
		    "KSM is stopped, what is merged stays, nothing new merges: echo 1 > " KSM "run");
	else if (run == 2)
		add(findings, LEVEL_PROBLEM, "ksm_run", NULL,
		    "KSM is stopped and has unmerged everything: echo 1 > " KSM "run");
	else
		add(findings, LEVEL_OK, "ksm_run", NULL, "KSM runs");
}

static uint64_t anon_of_all(const struct snapshot *snap)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < snap->n_vms; i++)
		bytes = add_saturating(bytes, facts_or_zero(&snap->vms[i].facts, VM_ANON));
	return bytes;
}

/* ksmd compares a page with others in its second pass over it. */
static void check_speed(struct findings *findings, const struct snapshot *snap, const char *root)
{
	uint64_t pages, sleep_ms, anon = anon_of_all(snap);
	double per_second, seconds;
	char rate[UNITS_TEXT], memory[UNITS_TEXT], time[UNITS_TEXT];

	if (!files_number(root, KSM "pages_to_scan", &pages) ||
	    !files_number(root, KSM "sleep_millisecs", &sleep_ms) || !pages || !sleep_ms || !anon)
		return;
	per_second = (double)pages * 1000 / (double)sleep_ms;
	seconds = (double)anon / FRAME / per_second;
	add(findings, seconds > SLOW_PASS_S ? LEVEL_WARNING : LEVEL_INFO, "ksmd_speed", NULL,
	    "ksmd looks at %s/s at most (pages_to_scan %" PRIu64 ", sleep_millisecs %" PRIu64
	    "): %s for the VMs' %s, and a page merges in the second pass%s",
	    size_text(findings, round_saturating(per_second * FRAME), rate), pages, sleep_ms,
	    units_duration(round_saturating(seconds * 1e9), time), size_text(findings, anon, memory),
	    seconds > SLOW_PASS_S ? "; raise " KSM "pages_to_scan" : "");
}

static void check_scans(struct findings *findings, const char *root)
{
	uint64_t scans;

	if (files_number(root, KSM "full_scans", &scans) && scans < 2)
		add(findings, LEVEL_WARNING, "full_scans", NULL,
		    "ksmd has finished %" PRIu64
		    " passes since boot; wait for two before judging what merges", scans);
}

void diagnose_ksmd(struct findings *findings, const struct snapshot *snap, const char *root)
{
	uint64_t value;

	if (!facts_get(&snap->host, HOST_KSM_RUN, &value))
		return;
	check_scans(findings, root);
	check_speed(findings, snap, root);
	if (files_number(root, KSM "use_zero_pages", &value) && value)
		add(findings, LEVEL_INFO, "use_zero_pages", NULL,
		    "pages of zeroes go to the kernel's own zero page: they are in no set and no number here");
	if (files_number(root, KSM "merge_across_nodes", &value) && !value)
		add(findings, LEVEL_INFO, "merge_across_nodes", NULL,
		    "pages merge inside one NUMA node only; VMs on different nodes share nothing");
}

void diagnose_numbers(struct findings *findings, const struct vm *vm)
{
	const struct facts *facts = &vm->facts;
	char merged[UNITS_TEXT], all[UNITS_TEXT];
	uint64_t anon, self, inter, swap;

	if (facts_get(facts, VM_SWAP, &swap) && swap)
		add(findings, LEVEL_INFO, "swap", vm,
		    "%s is swapped out; ksmd does not look at it until it is read back",
		    size_text(findings, swap, merged));
	if (!facts_get(facts, VM_ANON, &anon) || !facts_get(facts, VM_SELF_SHARED, &self) ||
	    !facts_get(facts, VM_INTER_SHARED, &inter))
		return;
	if (add_saturating(self, inter))
		add(findings, LEVEL_OK, "merged", vm, "%s of %s of anonymous memory is merged",
		    size_text(findings, add_saturating(self, inter), merged),
		    size_text(findings, anon, all));
	else
		add(findings, LEVEL_WARNING, "merged", vm,
		    "nothing of %s of anonymous memory is merged", size_text(findings, anon, all));
}

void diagnose_document(struct findings *findings, const struct snapshot *snap)
{
	if (!snap->sets_known)
		add(findings, LEVEL_INFO, "missing", NULL,
		    "who shares with whom is not known: the document does not have sets; " TAKE);
	if (!snap->window.window_ns)
		add(findings, LEVEL_INFO, "missing", NULL,
		    "who took CPU from whom is not known: the document was taken without --window");
	if (consistency_lacks(snap))
		add(findings, LEVEL_INFO, "consistent", NULL, CONSISTENCY_WORDS);
}

/* Names of fields for a sentence, cut where there are too many of them. */
static void name_missing(const struct vm *vm, char *names, size_t size)
{
	enum vm_field field;
	uint64_t value;
	size_t used;

	for (field = VM_ANON; field <= VM_MIGRATIONS; field++) {
		used = strlen(names);
		/* a snapshot walks for pss only if asked; private_shmem has a substitute */
		if (field != VM_PRIVATE_SHMEM && field != VM_PSS &&
		    !facts_get(&vm->facts, field, &value))
			snprintf(names + used, size - used, "%s%s", used ? ", " : "",
				 vm_field_key[field]);
	}
}

void diagnose_missing(struct findings *findings, const struct vm *vm)
{
	char names[512] = "";

	name_missing(vm, names, sizeof(names));
	if (*names)
		add(findings, LEVEL_INFO, "missing", vm, "the document does not have its %s", names);
}

void diagnose_shmem(struct findings *findings, const struct vm *vm)
{
	uint64_t anon, shmem;

	if (facts_get(&vm->facts, VM_ANON, &anon) && facts_get(&vm->facts, VM_SHMEM, &shmem) &&
	    shmem > anon)
		add(findings, LEVEL_PROBLEM, "shared_backing", vm,
		    "most of its memory is shared (memfd or file), which KSM never merges; use private anonymous memory (share=off, no memory-backend-memfd)");
}

/* Does a word of the command line hold the text? The words end in zeroes. */
static bool cmdline_has(const char *root, uint32_t pid, const char *text)
{
	char path[64], *bytes;
	size_t len;
	bool found;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	bytes = files_read(root, path, CMDLINE_MAX, &len);
	found = bytes && memmem(bytes, len, text, strlen(text));
	free(bytes);
	return found;
}

static void check_unmergeable(struct findings *findings, const struct vm *vm,
			      const struct smaps *smaps, const char *root)
{
	if (cmdline_has(root, vm->pid, "mem-merge=off"))
		add(findings, LEVEL_PROBLEM, "mem_merge_off", vm,
		    "its command line says mem-merge=off; start it without (libvirt: drop <nosharepages/>)");
	else if (smaps->hugetlb > smaps->anon && smaps->hugetlb >= smaps->shared)
		add(findings, LEVEL_PROBLEM, "hugetlb_backing", vm,
		    "its memory is hugetlb pages, which KSM never merges; use ordinary pages");
	else if (smaps->shared > smaps->anon)
		add(findings, LEVEL_PROBLEM, "shared_backing", vm,
		    "its memory is a shared mapping (memfd or file), which KSM never merges; use private anonymous memory (share=off, no memory-backend-memfd)");
	else
		add(findings, LEVEL_PROBLEM, "not_mergeable", vm,
		    "none of its memory is marked for merging: its VMM did not call madvise(MADV_MERGEABLE) (QEMU: -machine mem-merge=on)");
}

static void check_huge(struct findings *findings, const struct vm *vm, const struct smaps *smaps)
{
	char huge[UNITS_TEXT], all[UNITS_TEXT];

	if (smaps->mergeable_huge * 2 <= smaps->mergeable || !smaps->mergeable)
		return;
	add(findings, LEVEL_INFO, "huge_pages", vm,
	    "%s of %s of mergeable memory is in transparent huge pages; each is split when ksmd merges a page of it",
	    size_text(findings, smaps->mergeable_huge, huge),
	    size_text(findings, smaps->mergeable, all));
}

void diagnose_backing(struct findings *findings, const struct vm *vm, const char *root)
{
	char part[UNITS_TEXT], all[UNITS_TEXT];
	struct smaps smaps;

	if (!smaps_read(root, vm->pid, &smaps)) {
		add(findings, LEVEL_WARNING, "smaps", vm, "cannot read /proc/%u/smaps: %s", vm->pid,
		    errno == EACCES || errno == EPERM ? "no permission; run it as root" :
							strerror(errno));
		return;
	}
	if (!smaps.has_mergeable) {
		check_unmergeable(findings, vm, &smaps, root);
		return;
	}
	add(findings, LEVEL_OK, "mergeable", vm, "%s of %s of anonymous memory is marked for merging",
	    size_text(findings, smaps.mergeable, part), size_text(findings, smaps.anon, all));
	check_huge(findings, vm, &smaps);
}

void diagnose_module(struct findings *findings, const struct module_info *info,
		     const struct error *problem)
{
	size_t i;

	if (!info) {
		add(findings, LEVEL_PROBLEM, "module", NULL, "%s", problem->message);
		return;
	}
	add(findings, LEVEL_OK, "module", NULL, "the module answers, version %s, engine %s",
	    info->version ? info->version : "unknown", engine_name(info->engine));
	for (i = 0; i < info->n_capabilities; i++) {
		const struct capability *capability = &info->capabilities[i];

		if (!capability->available)
			add(findings, LEVEL_WARNING, "capability", NULL, "the module lacks %s: %s",
			    capability->name, capability->reason ? capability->reason : "no reason given");
	}
}
