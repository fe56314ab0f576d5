/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_GRAPH_H
#define VMSHARE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#define GRAPH_LINE 1024			/* bytes of one line, at most */

/*
 * One line of a graph of height lines (row 0 is the top one), a column for each
 * value from 0 to max; negative ones are not known and left out. With unicode in
 * eighths of a line, else in halves by characters of ASCII.
 */
void graph_line(const double *values, size_t count, double max, size_t height, size_t row,
		bool unicode, char out[GRAPH_LINE]);

/* The end of a scale that no value is beyond: 1, 2 or 5 times a power of ten, or a power of 2. */
double graph_scale(const double *values, size_t count, double least, bool binary);

#endif
