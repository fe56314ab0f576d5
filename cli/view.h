/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_VIEW_H
#define VMSHARE_VIEW_H

#include <jansson.h>

#include "columns.h"
#include "options.h"
#include "table.h"

/* Which VMs are shown, and in which order. */
struct view {
	struct row *rows;
	size_t count;
	struct usage *usages;		/* behind the rows */
	size_t n_usages;
};

/* All VMs of the snapshot, with their use of the CPUs as usage_of() says. */
int view_init(struct view *view, const struct snapshot *snap, const struct snapshot *before,
	      struct error *err);
void view_free(struct view *view);

/* Keeps the rows whose name, UUID or pid holds one of the words of "a|b". */
void view_filter(struct view *view, const char *filter);
bool view_matches(const struct vm *vm, const char *filter);

/* column NULL leaves the order as it is. */
void view_sort(struct view *view, const struct column *column, bool invert);

/* A line to stdout that says which time the CPU columns are about. */
void view_print_period(const struct snapshot *snap);

/* To stdout, as the options have it. */
void view_print(const struct view *view, const struct columns *columns,
		const struct options *options);

/* The same for a screen: always with titles, never with escape sequences. */
void view_render(const struct view *view, const struct columns *columns,
		 const struct options *options, FILE *out);

/* The snapshot's document in the view's order, without sets and preemptions. */
json_t *view_json(const struct view *view, const struct snapshot *snap);

#endif
