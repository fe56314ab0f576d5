/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_DETAIL_H
#define VMSHARE_DETAIL_H

#include "columns.h"
#include "history.h"
#include "lines.h"

/* One VM on a screen of its own: who it is, graphs, threads, who ran in its place. */
void detail_lines(struct lines *lines, const struct snapshot *snap, const struct row *row,
		  const struct track *track, size_t width, bool unicode);

#endif
