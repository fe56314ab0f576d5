// SPDX-License-Identifier: GPL-2.0
/* The plot: within 80 columns and plain characters, and every step where it belongs. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

#define FIRST_COLUMN 11			/* behind the axis */

static char *drawn(const struct plot_point *points, size_t count, uint64_t x_max)
{
	struct plot plot = {
		.points = points, .count = count, .x_max = x_max, .x_title = "need",
		.y_title = "cost", .x_label = "1023G", .y_label = "999:59:59",
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	plot_print(&plot, out);
	fclose(out);
	return text;
}

static bool is_plain(const char *text)
{
	size_t column = 0;

	for (; *text; text++) {
		column = *text == '\n' ? 0 : column + 1;
		if (column > 79 || (*text != '\n' && (*text < 0x20 || *text > 0x7e)))
			return false;
	}
	return true;
}

/* The character at a row from the top and a column behind the axis. */
static char at(const char *text, size_t row, size_t column)
{
	size_t i;

	for (i = 0; i <= row; i++)		/* the title's line first */
		text = strchr(text, '\n') + 1;
	for (i = 0; i < FIRST_COLUMN + column; i++) {
		if (text[i] == '\n')
			return ' ';
	}
	return text[i] == '\n' ? ' ' : text[i];
}

static void test_steps(void)
{
	struct plot_point points[] = { { 25, 1, 'o' }, { 50, 2, '*' }, { 100, 14, 'o' } };
	char *text = drawn(points, 3, 100);

	ok(at(text, 12, 17) == 'o' && at(text, 12, 3) == '-', "a cost of 1 of 14 in row 1, a quarter wide");
	ok(at(text, 11, 34) == '*' && at(text, 11, 20) == '-', "2 of 14 above it, to the middle");
	ok(at(text, 0, 67) == 'o' && at(text, 0, 40) == '-', "the dearest at the top right");
	ok(at(text, 5, 34) == '|' && at(text, 5, 50) == ' ', "a rise between");
	free(text);
}

/* A cost in bytes leaves less room to the right, and the axes stay where they are. */
static void test_long_labels(void)
{
	struct plot_point points[] = { { 1, 1, 'o' }, { 2, 2, '*' } };
	struct plot plot = {
		.points = points, .count = 2, .x_max = 2, .x_title = "need", .y_title = "cost",
		.x_label = "9223372036854775807", .y_label = "9223372036854775807",
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	plot_print(&plot, out);
	fclose(out);
	ok(is_plain(text), "long labels stay within 79 columns");
	has_text(text, "\n                 0 |", "below each other");
	has_text(text, "\n9223372036854775807|", "at the axis");
	free(text);
}

static void test_random_plots(void)
{
	unsigned int wrong = 0, i;

	for (i = 0; i < 500; i++) {
		struct plot_point points[20];
		size_t count = test_random_below(21), j;
		uint64_t x = 0, y = 0;
		char *text;

		for (j = 0; j < count; j++) {
			x += test_random() >> (5 + test_random_below(58));
			y += test_random() >> (5 + test_random_below(58));
			points[j] = (struct plot_point){ x, y, 'o' };
		}
		text = drawn(points, count, test_random_below(3) ? x : x / 2);
		wrong += !is_plain(text);
		free(text);
	}
	is_number(wrong, 0, "500 random plots stay within 79 plain columns");
}

void test_plot(void)
{
	test_steps();
	test_long_labels();
	test_random_plots();
}
