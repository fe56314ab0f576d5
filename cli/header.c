// SPDX-License-Identifier: GPL-2.0
/* The lines above the VMs in vmshare top. What is not known is left out. */
#include "header.h"

#include <inttypes.h>

#include "consistency.h"
#include "text.h"
#include "units.h"

#define FRAME 4096ull

static const char *fact_bytes(const struct snapshot *snap, enum host_field field, bool exact,
			      char out[UNITS_TEXT])
{
	uint64_t bytes;

	if (!facts_get(&snap->host, field, &bytes))
		return "-";
	return units_size(bytes, exact, out);
}

/* Times between words need their unit. */
static const char *time_text(uint64_t ns, bool exact, char out[UNITS_TEXT])
{
	if (!exact)
		return units_duration(ns, out);
	snprintf(out, UNITS_TEXT, "%" PRIu64 "ns", ns);
	return out;
}

bool header_idle_percent(const struct snapshot *snap, const struct snapshot *before,
			 double *percent)
{
	uint64_t now, then, time_now, time_then, cpus;

	if (!before || !facts_get(&snap->host, HOST_IDLE_CPU_NS, &now) ||
	    !facts_get(&before->host, HOST_IDLE_CPU_NS, &then) ||
	    !facts_get(&snap->host, HOST_TIME_NS, &time_now) ||
	    !facts_get(&before->host, HOST_TIME_NS, &time_then) ||
	    !facts_get(&snap->host, HOST_CPUS, &cpus) || !cpus || time_now <= time_then ||
	    now < then)
		return false;
	*percent = 100.0 * (double)(now - then) / (double)(time_now - time_then) / (double)cpus;
	if (*percent > 100)
		*percent = 100;
	return true;
}

static void print_machine(const struct snapshot *snap, const struct snapshot *before, FILE *out)
{
	char kernel[256];
	uint64_t cpus;
	double idle;

	text_escape(snap->kernel ? snap->kernel : "-", kernel, sizeof(kernel));
	fprintf(out, "vmshare  %zu VM%s  kernel %s", snap->n_vms, text_plural(snap->n_vms), kernel);
	if (facts_get(&snap->host, HOST_CPUS, &cpus))
		fprintf(out, "  %" PRIu64 " CPU%s", cpus, text_plural(cpus));
	if (header_idle_percent(snap, before, &idle))
		fprintf(out, ", %.0f %% idle", idle);
	fputc('\n', out);
}

static void print_memory(const struct snapshot *snap, bool exact, FILE *out)
{
	char total[UNITS_TEXT], available[UNITS_TEXT];

	fprintf(out, "Mem   %s total, %s available\n",
		fact_bytes(snap, HOST_MEM_TOTAL, exact, total),
		fact_bytes(snap, HOST_MEM_AVAILABLE, exact, available));
}

static const char *run_name(uint64_t run)
{
	switch (run) {
	case 0:
		return "stopped";
	case 1:
		return "running";
	case 2:
		return "unmerging";
	default:
		return "unknown";
	}
}

/* Saved is what the frames would take more if every mapping had its own. */
static void print_saved(const struct snapshot *snap, bool exact, FILE *out)
{
	uint64_t frames, mappings, sharing, stale;
	char text[UNITS_TEXT], more[UNITS_TEXT];

	if (facts_get(&snap->host, HOST_KSM_MERGED_FRAMES, &frames) &&
	    facts_get(&snap->host, HOST_KSM_MERGED_MAPPINGS, &mappings) && mappings >= frames)
		fprintf(out, ", %s in %s of frames, %s saved",
			units_size(mappings * FRAME, exact, text),
			units_size(frames * FRAME, exact, more),
			units_size((mappings - frames) * FRAME, exact, (char[UNITS_TEXT]){}));
	if (facts_get(&snap->host, HOST_KSM_PAGES_SHARING, &sharing))
		fprintf(out, " (KSM says %s)", units_size(sharing * FRAME, exact, text));
	if (facts_get(&snap->host, HOST_KSM_STALE_ITEMS, &stale) && stale)
		fprintf(out, ", %" PRIu64 " stale", stale);
}

static void print_ksm(const struct snapshot *snap, bool exact, FILE *out)
{
	uint64_t run;

	fprintf(out, "KSM   %s",
		facts_get(&snap->host, HOST_KSM_RUN, &run) ? run_name(run) : "state not known");
	print_saved(snap, exact, out);
	fputc('\n', out);
}

static void print_walk(const struct snapshot *snap, uint64_t now_ns, bool exact, FILE *out)
{
	char text[UNITS_TEXT];
	uint64_t value;

	fprintf(out, "Walk  %s",
		snap->engine == ENGINE_UNKNOWN ? "-" : engine_name(snap->engine));
	if (facts_get(&snap->host, HOST_WALK_NS, &value))
		fprintf(out, ", %s", time_text(value, exact, text));
	if (facts_get(&snap->host, HOST_WALK_ITEMS, &value))
		fprintf(out, " for %" PRIu64 " items", value);
	if (facts_get(&snap->host, HOST_LONGEST_HOLD_NS, &value))
		fprintf(out, ", lock held %s", time_text(value, exact, text));
	if (facts_get(&snap->host, HOST_TIME_NS, &value) && now_ns >= value)
		fprintf(out, ", %s ago", time_text(now_ns - value, exact, text));
	if (consistency_lacks(snap))
		fprintf(out, ", not of one instant");
	fputc('\n', out);
}

void header_print(const struct snapshot *snap, const struct snapshot *before, uint64_t now_ns,
		  bool exact, FILE *out)
{
	char text[UNITS_TEXT];

	print_machine(snap, before, out);
	print_memory(snap, exact, out);
	print_ksm(snap, exact, out);
	print_walk(snap, now_ns, exact, out);
	if (snap->window.window_ns)
		fprintf(out, "CPU   over %s%s\n", time_text(snap->window.window_ns, exact, text),
			snap->window.preemptions_known ? ", scheduler hooks on" : "");
	else if (!before)
		fprintf(out, "CPU   since each VM's birth\n");
}
