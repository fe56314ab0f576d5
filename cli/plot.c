// SPDX-License-Identifier: GPL-2.0
/* A plot of steps in plain characters. */
#include "plot.h"

#include <string.h>

#define LEFT 10				/* for the labels of the upward axis, at least */
#define WIDTH 68			/* at most: long labels take of it */
#define HEIGHT 14

typedef unsigned __int128 wide;

struct canvas {
	size_t left, width;
	char cell[HEIGHT][WIDTH + 1];
};

/* 0 to size - 1; what is above the largest is at the end. */
static size_t scaled(uint64_t value, uint64_t largest, size_t size)
{
	if (!largest || value >= largest)
		return largest ? size - 1 : 0;
	return (size_t)((wide)value * size / largest);
}

static uint64_t highest(const struct plot *plot)
{
	uint64_t y = 0;
	size_t i;

	for (i = 0; i < plot->count; i++)
		y = plot->points[i].y > y ? plot->points[i].y : y;
	return y;
}

static void draw_rise(struct canvas *canvas, size_t column, size_t from, size_t to)
{
	size_t row;

	for (row = from + 1; row < to; row++)
		canvas->cell[HEIGHT - 1 - row][column] = '|';
}

static void draw(const struct plot *plot, struct canvas *canvas)
{
	uint64_t top = highest(plot);
	size_t left = 0, below = 0, column, row, i;

	for (i = 0; i < plot->count; i++) {
		size_t right = scaled(plot->points[i].x, plot->x_max, canvas->width);

		row = scaled(plot->points[i].y, top, HEIGHT);
		if (i)
			draw_rise(canvas, left, below, row);
		for (column = left; column < right; column++)
			canvas->cell[HEIGHT - 1 - row][column] = '-';
		canvas->cell[HEIGHT - 1 - row][right] = plot->points[i].mark;
		left = right;
		below = row;
	}
}

static void print_line(const char *line, size_t length, FILE *out)
{
	while (length && line[length - 1] == ' ')
		length--;
	fprintf(out, "%.*s\n", (int)length, line);
}

static void init(struct canvas *canvas, const struct plot *plot)
{
	size_t label = strlen(plot->y_label);

	memset(canvas->cell, ' ', sizeof(canvas->cell));
	canvas->left = label < LEFT ? LEFT : label;
	canvas->width = LEFT + WIDTH - canvas->left;
}

void plot_print(const struct plot *plot, FILE *out)
{
	struct canvas canvas;
	char axis[WIDTH + 1];
	int left;
	size_t row;

	init(&canvas, plot);
	draw(plot, &canvas);
	left = (int)canvas.left;
	fprintf(out, "%*s %s\n", left, "", plot->y_title);
	for (row = 0; row < HEIGHT; row++) {
		fprintf(out, "%*s|", left, row ? row == HEIGHT - 1 ? "0 " : "" : plot->y_label);
		print_line(canvas.cell[row], canvas.width, out);
	}
	memset(axis, '-', WIDTH);
	axis[canvas.width] = '\0';
	fprintf(out, "%*s+%s\n", left, "", axis);
	fprintf(out, "%*s0%*s %s\n", left, "",
		(int)canvas.width - 1 - (int)strlen(plot->x_label), plot->x_title, plot->x_label);
}
