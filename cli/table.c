// SPDX-License-Identifier: GPL-2.0
/* Lays out rows of cells: names to the left, numbers to the right. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct head {
	char *title;
	bool right;
	size_t width;
};

struct table {
	struct head *heads;
	size_t columns;
	char *cells;			/* text after text, each with its zero */
	size_t count, used, room;
};

struct table *table_new(size_t columns)
{
	struct table *table = memory_checked(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->heads = memory_checked(calloc(columns ? columns : 1, sizeof(*table->heads)));
	return table;
}

static void widen(struct head *head, const char *text)
{
	size_t width = text_width(text);

	if (width > head->width)
		head->width = width;
}

void table_title(struct table *table, size_t column, const char *title, bool right)
{
	struct head *head = &table->heads[column];

	head->title = memory_checked(strdup(title));
	head->right = right;
	widen(head, title);
}

/* A table of thousands of VMs has millions of cells, most of them a digit. */
void table_cell(struct table *table, const char *text)
{
	size_t size = strlen(text) + 1;

	if (table->room - table->used < size) {
		table->room = 2 * table->room + size + 1024;
		table->cells = memory_checked(realloc(table->cells, table->room));
	}
	widen(&table->heads[table->count++ % table->columns], text);
	memcpy(table->cells + table->used, text, size);
	table->used += size;
}

static void pad(FILE *out, size_t count)
{
	while (count--)
		fputc(' ', out);
}

/* No blanks at the end of a line: they break comparisons and wrap screens. */
static void print_cell(const struct table *table, size_t column, const char *text, FILE *out)
{
	const struct head *head = &table->heads[column];
	size_t gap = head->width - text_width(text);

	if (column)
		pad(out, 2);
	if (head->right)
		pad(out, gap);
	fputs(text, out);
	if (!head->right && column + 1 < table->columns)
		pad(out, gap);
}

static void print_header(const struct table *table, FILE *out, bool color)
{
	size_t i;

	if (color)
		fputs(BOLD, out);
	for (i = 0; i < table->columns; i++)
		print_cell(table, i, table->heads[i].title, out);
	fputs(color ? PLAIN "\n" : "\n", out);
}

void table_print(const struct table *table, FILE *out, bool header, bool color)
{
	const char *cell = table->cells;
	size_t i;

	if (header)
		print_header(table, out, color);
	for (i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
		print_cell(table, i % table->columns, cell, out);
		if ((i + 1) % table->columns == 0)
			fputc('\n', out);
	}
}

void table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < table->columns; i++)
		free(table->heads[i].title);
	free(table->cells);
	free(table->heads);
	free(table);
}
