/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_COLUMNS_H
#define VMSHARE_COLUMNS_H

#include "error.h"
#include "model.h"
#include "usage.h"

/* What a VM can be shown and sorted by. One table for all verbs. */

enum column_kind {
	COLUMN_TEXT,
	COLUMN_COUNT,
	COLUMN_BYTES,
	COLUMN_DURATION,
	COLUMN_PERCENT,
	COLUMN_RATE,			/* per second */
};

/* A VM, and what it used of the CPUs in some time. */
struct row {
	const struct vm *vm;
	const struct usage *usage;	/* NULL: not known */
};

struct value {
	bool known;
	const char *text;
	uint64_t number;		/* hundredths for a percentage or rate */
	char label[16];			/* storage for a text made here */
};

struct column {
	const char *key;		/* what -o and -s take */
	const char *title;
	const char *help;
	enum column_kind kind;
	unsigned int needs;		/* enum need */
	void (*get)(const struct column *column, const struct row *row, struct value *value);
	unsigned int field;		/* enum vm_field or thread_field, for most of get */
	bool use;			/* of the CPUs in some time */
};

#define COLUMNS_MAX 48

/* The columns chosen for one output. */
struct columns {
	const struct column *column[COLUMNS_MAX];
	size_t count;
};

/* All of them, ended by one without key. */
extern const struct column columns_all[];

const struct column *columns_find(const char *key);

/* "COL,COL". Unknown ones are a usage error that names near ones. */
int columns_parse(const char *list, struct columns *columns, struct error *err);

/* The column of -s, or NULL for none; a usage error if there is no such key. */
int columns_parse_key(const char *key, const struct column **column, struct error *err);

/* Is there one that is about some time? */
bool columns_have_use(const struct columns *columns);

unsigned int columns_needs(const struct columns *columns);

/* Texts and pids upwards, amounts downwards, what is not known last, then by pid. */
int columns_compare(const struct column *column, const struct row *a, const struct row *b);

/* The text of one cell, "-" where nothing is known. */
void columns_format(const struct column *column, const struct row *row, bool exact, char *out,
		    size_t size);

#endif
