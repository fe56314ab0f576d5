/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_MEMORY_H
#define VMSHARE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * For want of memory where nobody could say so: a cell of a table, a member of a
 * document. Such output would be wrong without a word, so the program ends with
 * the error instead, as JSON if *json is true by then.
 */
void memory_report_as(const bool *json);

void memory_missing(void) __attribute__((noreturn));

/* What it is given; does not return if that is NULL. */
void *memory_checked(void *memory);

/* malloc() that does not fail. */
void *memory_allocate(size_t size);

#endif
