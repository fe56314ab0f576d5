// SPDX-License-Identifier: GPL-2.0
/* Graphs as text, a line at a time. */
#include "graph.h"

#include <string.h>

static const char *const eighths[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const halves[] = { " ", " ", " ", " ", "_", "_", ":", ":", "|" };

/* How much of the line a value fills, in eighths; what is there at all shows. */
static unsigned int filled(double value, double max, size_t height, size_t row)
{
	double level = max > 0 ? value / max * (double)height : 0;
	double above = level - (double)(height - 1 - row);

	if (value > 0 && row == height - 1 && above < 0.125)
		return 1;
	if (above <= 0)
		return 0;
	return above >= 1 ? 8 : (unsigned int)(above * 8);
}

void graph_line(const double *values, size_t count, double max, size_t height, size_t row,
		bool unicode, char out[GRAPH_LINE])
{
	const char *const *steps = unicode ? eighths : halves;
	size_t used = 0, i, len;

	for (i = 0; i < count; i++) {
		const char *step = steps[values[i] < 0 ? 0 : filled(values[i], max, height, row)];

		len = strlen(step);
		if (used + len + 1 > GRAPH_LINE)
			break;
		memcpy(out + used, step, len);
		used += len;
	}
	out[used] = '\0';
}

double graph_scale(const double *values, size_t count, double least, bool binary)
{
	static const double steps[] = { 1, 2, 5 };
	double most = least, power = 1;
	size_t i;

	for (i = 0; i < count; i++)
		most = values[i] > most ? values[i] : most;
	while (power * (binary ? 1 : 10) < most)
		power *= binary ? 2 : 10;
	for (i = 0; !binary && i < 3; i++) {
		if (steps[i] * power >= most)
			return steps[i] * power;
	}
	return binary ? power : 10 * power;
}
