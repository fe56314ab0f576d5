/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_UNITS_H
#define VMSHARE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define UNITS_TEXT 32

/*
 * A size: a decimal number, with a fraction if wanted, and K M G T P E or
 * KiB.. (1024) or KB.. (1000), in any case. A fraction of a byte counts as a
 * byte, so that what is asked for is never less than what was said.
 */
int units_parse_size(const char *text, uint64_t *bytes, struct error *err);

/* The same where 0 makes sense. */
int units_parse_amount(const char *text, uint64_t *bytes, struct error *err);

/* Seconds with a fraction, from 0.1 to a day, in milliseconds. */
int units_parse_seconds(const char *text, uint32_t *ms, struct error *err);

/* A count from 1 to max. */
int units_parse_count(const char *text, uint32_t max, uint32_t *count, struct error *err);

/* A whole number from 0 to the largest that JSON can say. */
int units_parse_whole(const char *text, uint64_t *number, struct error *err);

/* For people: at most five characters, rounded. */
const char *units_bytes(uint64_t bytes, char out[UNITS_TEXT]);

/* The shortest form that units_parse_size() takes back to the same number. */
const char *units_exact(uint64_t bytes, char out[UNITS_TEXT]);

const char *units_duration(uint64_t ns, char out[UNITS_TEXT]);

/* The same for cells of tables, or with all digits: in bytes, in nanoseconds. */
const char *units_size(uint64_t bytes, bool exact, char out[UNITS_TEXT]);
const char *units_time(uint64_t ns, bool exact, char out[UNITS_TEXT]);

#endif
