/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_JSONIN_H
#define VMSHARE_JSONIN_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"
#include "facts.h"

/*
 * Values out of a JSON document. What is not as it should be is refused with the
 * path of the place, for instance vms[3].unique_bytes. parent is the path of the
 * object, "" for the document. All return 0, or -1 with err filled.
 */
#define JSONIN_PATH 128			/* paths are few keys deep, and all are known */
#define JSONIN_TEXT_MAX 4096		/* bytes of a name */

int jsonin_refuse(struct error *err, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

const char *jsonin_join(char *path, const char *parent, const char *key);
const char *jsonin_join_index(char *path, const char *parent, const char *key, size_t index);

/* A whole number from 0 to max. */
int jsonin_to_number(const json_t *value, const char *path, uint64_t max, uint64_t *number,
		     struct error *err);
int jsonin_need_number(const json_t *object, const char *parent, const char *key, uint64_t max,
		       uint64_t *number, struct error *err);

/* Those of the fields from "from" to before "to" that are there. */
int jsonin_facts(const json_t *object, const char *parent, struct facts *facts,
		 const char *const *keys, unsigned int from, unsigned int to, struct error *err);

/* An optional string; the copy is the caller's. */
int jsonin_text(const json_t *object, const char *parent, const char *key, char **text,
		struct error *err);
int jsonin_bool(const json_t *object, const char *parent, const char *key, bool *flag,
		bool needed, struct error *err);

/* The array, or NULL without an error if it is absent and not needed. */
int jsonin_array(const json_t *object, const char *parent, const char *key, bool needed,
		 size_t max, const json_t **array, struct error *err);
int jsonin_check_object(const json_t *value, const char *path, struct error *err);

#endif
