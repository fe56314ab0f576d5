// SPDX-License-Identifier: GPL-2.0
/* The host in three bars. */
#include "meters.h"

#include <stdio.h>
#include <string.h>

#include "header.h"
#include "units.h"

#define FRAME 4096ull

static void cpu_by_hooks(struct meter *meter, const struct cpu *window, double all)
{
	double vms = (double)facts_or_zero(&window->host, CPU_VMS_NS);
	double host = (double)facts_or_zero(&window->host, CPU_HOST_NS);
	double idle = (double)facts_or_zero(&window->host, CPU_IDLE_NS), sum = vms + host + idle;

	if (sum <= 0)
		return;
	meter->part[0] = vms / sum;
	meter->part[1] = host / sum;
	snprintf(meter->label, sizeof(meter->label), "VMs %.0f%% others %.0f%% of %.0f%%",
		 vms / sum * all, host / sum * all, all);
}

static void cpu_meter(struct meter *meter, const struct snapshot *snap,
		      const struct snapshot *before)
{
	uint64_t cpus, value;
	double idle, all;

	meter->title = "CPU";
	if (!facts_get(&snap->host, HOST_CPUS, &cpus) &&
	    !facts_get(&snap->window.host, CPU_CPUS, &cpus))
		return;
	all = (double)cpus * 100;
	if (snap->window.window_ns && facts_get(&snap->window.host, CPU_VMS_NS, &value)) {
		cpu_by_hooks(meter, &snap->window, all);
	} else if (header_idle_percent(snap, before, &idle)) {
		meter->part[0] = 1 - idle / 100;
		snprintf(meter->label, sizeof(meter->label), "%.0f%% of %.0f%%",
			 (100 - idle) * (double)cpus, all);
	}
}

static void memory_meter(struct meter *meter, const struct snapshot *snap)
{
	char used[UNITS_TEXT], all[UNITS_TEXT];
	uint64_t total, available;

	meter->title = "Mem";
	if (!facts_get(&snap->host, HOST_MEM_TOTAL, &total) || !total ||
	    !facts_get(&snap->host, HOST_MEM_AVAILABLE, &available) || available > total)
		return;
	meter->part[0] = (double)(total - available) / (double)total;
	snprintf(meter->label, sizeof(meter->label), "%s of %s",
		 units_bytes(total - available, used), units_bytes(total, all));
}

static void ksm_meter(struct meter *meter, const struct snapshot *snap)
{
	char saved[UNITS_TEXT], all[UNITS_TEXT];
	uint64_t frames, mappings, run;

	meter->title = "KSM";
	if (!facts_get(&snap->host, HOST_KSM_MERGED_FRAMES, &frames) ||
	    !facts_get(&snap->host, HOST_KSM_MERGED_MAPPINGS, &mappings) || mappings < frames)
		return;
	if (mappings)
		meter->part[0] = (double)(mappings - frames) / (double)mappings;
	snprintf(meter->label, sizeof(meter->label), "%s%s saved of %s",
		 facts_get(&snap->host, HOST_KSM_RUN, &run) && !run ? "stopped, " : "",
		 units_bytes((mappings - frames) * FRAME, saved),
		 units_bytes(mappings * FRAME, all));
}

void meters_of(struct meter meters[METERS], const struct snapshot *snap,
	       const struct snapshot *before)
{
	memset(meters, 0, METERS * sizeof(*meters));
	cpu_meter(&meters[METER_CPU], snap, before);
	memory_meter(&meters[METER_MEMORY], snap);
	ksm_meter(&meters[METER_KSM], snap);
}

void meter_fill(const struct meter *meter, size_t width, size_t filled[METER_PARTS])
{
	size_t used = 0, upto, i;
	double sum = 0;

	for (i = 0; i < METER_PARTS; i++) {
		sum += meter->part[i];
		upto = (size_t)(sum * (double)width + 0.5);
		upto = upto > width ? width : upto;
		filled[i] = upto > used ? upto - used : 0;
		used += filled[i];
	}
}
