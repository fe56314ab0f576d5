// SPDX-License-Identifier: GPL-2.0
/* Sums over VMs, and what they free together, which is no sum. */
#include "footer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"
#include "text.h"
#include "units.h"

static void add_vm(struct together *together, const struct vm *vm)
{
	together->vms++;
	together->anon = add_saturating(together->anon, facts_or_zero(&vm->facts, VM_ANON));
	together->alone = add_saturating(together->alone, facts_or_zero(&vm->facts, VM_FREED));
}

static void add_freed(struct together *together, const struct snapshot *snap,
		      const bool *leaving)
{
	together->freed_known = snap->sets_known;
	if (snap->sets_known)
		together->freed = freed_together(snap, leaving);
}

static void add_cpu(struct together *together, const struct snapshot *snap,
		    const struct vm *vm)
{
	struct usage usage;
	uint64_t hundredths;

	if (!snap->window.window_ns || usage_of(&usage, snap, NULL, vm))
		return;
	if (usage_percent(usage.elapsed_ns, &usage.process, THREAD_RUN_NS, &hundredths))
		together->cpu += (double)hundredths / 100;
	usage_free(&usage);
}

void together_tagged(struct together *together, const struct snapshot *snap,
		     const struct topstate *state)
{
	bool *leaving = calloc(snap->n_vms + 1, sizeof(*leaving));
	size_t i;

	memset(together, 0, sizeof(*together));
	for (i = 0; leaving && i < snap->n_vms; i++) {
		leaving[i] = topstate_is_tagged(state, &snap->vms[i]);
		if (!leaving[i])
			continue;
		add_vm(together, &snap->vms[i]);
		add_cpu(together, snap, &snap->vms[i]);
	}
	if (leaving)
		add_freed(together, snap, leaving);
	free(leaving);
}

void together_owner(struct together *together, const struct snapshot *snap,
		    const struct view *view, size_t row)
{
	bool *leaving = calloc(snap->n_vms + 1, sizeof(*leaving));
	const struct vm *first = view->rows[row].vm;

	memset(together, 0, sizeof(*together));
	for (; leaving && row < view->count && top_same_owner(first, view->rows[row].vm); row++) {
		const struct vm *vm = view->rows[row].vm;

		leaving[vm - snap->vms] = true;
		add_vm(together, vm);
		add_cpu(together, snap, vm);
	}
	if (leaving)
		add_freed(together, snap, leaving);
	free(leaving);
}

void together_text(const struct together *together, bool full, char *out, size_t size)
{
	char anon[UNITS_TEXT], freed[UNITS_TEXT] = "", alone[UNITS_TEXT] = "";

	if (together->freed_known)
		units_bytes(together->freed, freed);
	if (together->freed_known && full)
		units_bytes(together->alone, alone);
	snprintf(out, size, "%zu VM%s, %.0f%% CPU, %s anon%s%s%s%s%s%s", together->vms,
		 text_plural(together->vms), together->cpu, units_bytes(together->anon, anon),
		 *freed ? ", " : "", freed, *freed ? " freed together" : "",
		 *alone ? " (" : "", alone, *alone ? " one by one)" : "");
}
