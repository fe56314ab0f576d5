/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_JSONOUT_H
#define VMSHARE_JSONOUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A JSON string of any bytes: what is not UTF-8 is replaced, never refused. */
json_t *jsonout_text(const char *text);

/* A whole number; NULL (which the setters of jansson skip) if JSON cannot hold it. */
json_t *jsonout_number(uint64_t value);

/* For a place in an array, which cannot be left out: null if JSON cannot hold it. */
json_t *jsonout_cell(uint64_t value);

/* Prints the document and a newline to stdout and drops it. */
void jsonout_print(json_t *root, bool pretty);

#endif
