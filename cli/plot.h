/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_PLOT_H
#define VMSHARE_PLOT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Steps in characters that every terminal has, within 80 columns. Between two
 * points the height is that of the right one, which is what a need between
 * them costs at most: points that are not given may lie below.
 */
struct plot_point {
	uint64_t x, y;
	char mark;
};

struct plot {
	const struct plot_point *points;	/* ascending by x */
	size_t count;
	uint64_t x_max;			/* the right edge */
	const char *x_title, *y_title;
	const char *x_label, *y_label;	/* what the ends of the axes stand for; at most 30 columns */
};

void plot_print(const struct plot *plot, FILE *out);

#endif
