/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SCREEN_H
#define VMSHARE_SCREEN_H

#include "options.h"
#include "topstate.h"

/* The terminal of vmshare top. */
struct screen;

int screen_open(struct screen **screen, struct error *err);

/* Gives the terminal back as it was. */
void screen_close(struct screen *screen);

/* Where keys come from. */
int screen_fd(const struct screen *screen);

/* The next key that waits, as topstate_key() takes it; -1: none. */
int screen_key(struct screen *screen);

/* header holds lines; view is filtered and sorted. */
void screen_draw(struct screen *screen, const char *header, const struct view *view,
		 struct topstate *state, const struct options *options);

#endif
