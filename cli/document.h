/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_DOCUMENT_H
#define VMSHARE_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "error.h"

/*
 * A JSON document from somebody who may mean harm: its size and the number of
 * its values are limited before anything is allocated for them, so that memory
 * and time are as well. What vmshare writes for the most VMs that a module can
 * report stays far below.
 */
#define DOCUMENT_BYTES_MAX (256ul << 20)
#define DOCUMENT_CONTAINERS_MAX 1000000ul	/* objects and arrays */
#define DOCUMENT_VALUES_MAX 8000000ul		/* all values together */

/* From a file; "-" is standard input. NULL with err filled; dropped by json_decref(). */
json_t *document_load(const char *name, struct error *err);

/* From bytes. */
json_t *document_parse(const char *text, size_t len, struct error *err);

#endif
