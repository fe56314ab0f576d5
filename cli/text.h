/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TEXT_H
#define VMSHARE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names of VMs come from command lines of other processes and from files: any
 * bytes at all. They are cleaned to UTF-8 where they enter and escaped where
 * they are shown.
 */

/* Copies in as valid UTF-8; each wrong byte becomes U+FFFD. */
void text_clean(const char *in, char *out, size_t size);

/*
 * Copies valid or invalid UTF-8 so that a terminal does nothing but show it:
 * control characters, bidirectional overrides and wrong bytes become \xNN or
 * \u{NNNN}, a backslash is doubled.
 */
void text_escape(const char *in, char *out, size_t size);

/* Would it be shown as it is, but for its backslashes? */
bool text_is_harmless(const char *text);

/* The ending of a noun that is counted: none for one, else "s". */
const char *text_plural(uint64_t count);

/* Columns that escaped text takes on the screen. */
size_t text_width(const char *text);

/* Bytes of text that fit into that many columns. */
size_t text_fit(const char *text, size_t columns);

/* The word that somebody may have meant by what was written. */
struct nearest {
	const char *word;		/* NULL: none is near */
	size_t distance;
};

void text_offer(struct nearest *nearest, const char *written, const char *candidate);

/* May the candidate be meant by what was written? */
bool text_near(const char *written, const char *candidate);

/*
 * The same for numbers and the like, of which many are alike by chance: with so
 * many characters wrong at most, or as the beginning of it.
 */
bool text_near_number(const char *written, const char *candidate, size_t wrong);

#endif
