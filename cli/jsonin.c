// SPDX-License-Identifier: GPL-2.0
/* Reading a document of other people's making. */
#include "jsonin.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int jsonin_refuse(struct error *err, const char *path, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, EXIT_RUNTIME, "%s: %s", path, text);
}

/* Paths are few keys deep, and all keys are known: they always fit. */
static const char *format_path(char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static const char *format_path(char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, JSONIN_PATH, fmt, args);
	va_end(args);
	return path;
}

const char *jsonin_join(char *path, const char *parent, const char *key)
{
	return format_path(path, "%s%s%s", parent, *parent ? "." : "", key);
}

const char *jsonin_join_index(char *path, const char *parent, const char *key, size_t index)
{
	return format_path(path, "%s%s%s[%zu]", parent, *parent ? "." : "", key, index);
}

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number", [JSON_REAL] = "a number with a fraction",
		[JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

int jsonin_to_number(const json_t *value, const char *path, uint64_t max, uint64_t *number,
		     struct error *err)
{
	json_int_t integer = json_integer_value(value);

	if (!json_is_integer(value))
		return jsonin_refuse(err, path, "must be a whole number, not %s", type_name(value));
	if (integer < 0)
		return jsonin_refuse(err, path, "must not be negative, is %" JSON_INTEGER_FORMAT, integer);
	if ((uint64_t)integer > max)
		return jsonin_refuse(err, path, "is too large: %" JSON_INTEGER_FORMAT, integer);
	*number = (uint64_t)integer;
	return 0;
}

int jsonin_need_number(const json_t *object, const char *parent, const char *key, uint64_t max,
		       uint64_t *number, struct error *err)
{
	const json_t *value = json_object_get(object, key);
	char path[JSONIN_PATH];

	jsonin_join(path, parent, key);
	if (!value)
		return jsonin_refuse(err, path, "is missing");
	return jsonin_to_number(value, path, max, number, err);
}

int jsonin_facts(const json_t *object, const char *parent, struct facts *facts,
		      const char *const *keys, unsigned int from, unsigned int to,
		      struct error *err)
{
	char path[JSONIN_PATH];
	unsigned int field;
	const json_t *value;
	uint64_t number;

	for (field = from; field < to; field++) {
		value = keys[field] ? json_object_get(object, keys[field]) : NULL;
		if (!value)
			continue;
		if (jsonin_to_number(value, jsonin_join(path, parent, keys[field]), INT64_MAX, &number, err))
			return -1;
		facts_set(facts, field, number);
	}
	return 0;
}

int jsonin_text(const json_t *object, const char *parent, const char *key, char **text,
		     struct error *err)
{
	const json_t *value = json_object_get(object, key);
	char path[JSONIN_PATH];

	if (!value)
		return 0;
	if (!json_is_string(value))
		return jsonin_refuse(err, jsonin_join(path, parent, key), "must be a string, not %s",
			      type_name(value));
	if (json_string_length(value) > JSONIN_TEXT_MAX)
		return jsonin_refuse(err, jsonin_join(path, parent, key), "is longer than %d bytes",
			      JSONIN_TEXT_MAX);
	*text = strdup(json_string_value(value));
	return *text ? 0 : error_no_memory(err);
}

int jsonin_bool(const json_t *object, const char *parent, const char *key, bool *flag,
		     bool needed, struct error *err)
{
	const json_t *value = json_object_get(object, key);
	char path[JSONIN_PATH];

	jsonin_join(path, parent, key);
	if (!value)
		return needed ? jsonin_refuse(err, path, "is missing") : 0;
	if (!json_is_boolean(value))
		return jsonin_refuse(err, path, "must be true or false, not %s", type_name(value));
	*flag = json_is_true(value);
	return 0;
}

int jsonin_array(const json_t *object, const char *parent, const char *key, bool needed,
		     size_t max, const json_t **array, struct error *err)
{
	char path[JSONIN_PATH];

	jsonin_join(path, parent, key);
	*array = json_object_get(object, key);
	if (!*array)
		return needed ? jsonin_refuse(err, path, "is missing") : 0;
	if (!json_is_array(*array))
		return jsonin_refuse(err, path, "must be an array, not %s", type_name(*array));
	if (json_array_size(*array) > max)
		return jsonin_refuse(err, path, "has %zu entries; at most %zu are read",
			      json_array_size(*array), max);
	return 0;
}

int jsonin_check_object(const json_t *value, const char *path, struct error *err)
{
	if (json_is_object(value))
		return 0;
	return jsonin_refuse(err, path, "must be an object, not %s", type_name(value));
}
