/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TABLE_H
#define VMSHARE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Text in columns. Cells are given row by row and must be harmless already. */
struct table;

struct table *table_new(size_t columns);
void table_title(struct table *table, size_t column, const char *title, bool right);
void table_cell(struct table *table, const char *text);
void table_print(const struct table *table, FILE *out, bool header, bool color);
void table_free(struct table *table);

#endif
