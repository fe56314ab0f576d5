/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SCREEN_H
#define VMSHARE_SCREEN_H

#include "history.h"
#include "options.h"
#include "topstate.h"

/* The terminal of vmshare top. */
struct screen;

/* What there is to show; view is filtered and sorted. */
struct scene {
	const struct snapshot *snap;
	const struct snapshot *before;	/* NULL: none yet */
	const struct view *view;
	const struct history *history;
	const struct options *options;
	const char *notice;		/* something to know; NULL: nothing */
	uint64_t now_ns;		/* time of day */
};

int screen_open(struct screen **screen, bool color, struct error *err);

/* Gives the terminal back as it was. */
void screen_close(struct screen *screen);

/* Where keys come from. */
int screen_fd(const struct screen *screen);

/* The next key that waits, as topstate_key() takes it; -1: none. */
int screen_key(struct screen *screen);

void screen_draw(struct screen *screen, const struct scene *scene, struct topstate *state);

#endif
