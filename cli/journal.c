// SPDX-License-Identifier: GPL-2.0
/* The journal's file, replaced as a whole. */
#include "journal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "jsonout.h"
#include "replace.h"

#define VERSION 1
#define FILE_MAX (64ul << 20)

static void free_entry(struct journal_entry *entry)
{
	free(entry->name);
	free(entry->place);
}

void journal_free(struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->n; i++)
		free_entry(&journal->entries[i]);
	free(journal->entries);
	memset(journal, 0, sizeof(*journal));
}

struct journal_entry *journal_add(struct journal *journal, uint32_t pid, uint64_t start_time_ns,
				  const char *name, const struct actuator *actuator,
				  const char *place)
{
	struct journal_entry *entry, *more;

	more = reallocarray(journal->entries, journal->n + 1, sizeof(*more));
	if (!more)
		return NULL;
	journal->entries = more;
	entry = &more[journal->n];
	memset(entry, 0, sizeof(*entry));
	entry->pid = pid;
	entry->start_time_ns = start_time_ns;
	entry->actuator = actuator;
	entry->place = strdup(place);
	entry->name = name ? strdup(name) : NULL;
	if (!entry->place || (name && !entry->name)) {
		free_entry(entry);
		return NULL;
	}
	journal->n++;
	return entry;
}

struct journal_entry *journal_find(const struct journal *journal, uint32_t pid,
				   uint64_t start_time_ns)
{
	size_t i;

	for (i = 0; i < journal->n; i++) {
		if (journal->entries[i].pid == pid &&
		    journal->entries[i].start_time_ns == start_time_ns)
			return &journal->entries[i];
	}
	return NULL;
}

void journal_drop(struct journal *journal, struct journal_entry *entry)
{
	size_t at = (size_t)(entry - journal->entries);

	free_entry(entry);
	memmove(entry, entry + 1, (--journal->n - at) * sizeof(*entry));
}

static json_t *settings_json(const struct settings *settings)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < settings->n; i++)
		json_object_set_new(object, settings->item[i].key,
				    jsonout_text(settings->item[i].value));
	return object;
}

static json_t *entry_json(const struct journal_entry *entry)
{
	json_t *object = json_object();

	json_object_set_new(object, "pid", json_integer(entry->pid));
	json_object_set_new(object, "start_time_ns", jsonout_number(entry->start_time_ns));
	if (entry->name)
		json_object_set_new(object, "name", jsonout_text(entry->name));
	json_object_set_new(object, "actuator", json_string(entry->actuator->name));
	json_object_set_new(object, "place", jsonout_text(entry->place));
	json_object_set_new(object, "found", settings_json(&entry->found));
	json_object_set_new(object, "before", settings_json(&entry->before));
	json_object_set_new(object, "next", settings_json(&entry->next));
	return object;
}

static json_t *journal_json(const struct journal *journal)
{
	json_t *root = json_object(), *vms = json_array();
	size_t i;

	for (i = 0; i < journal->n; i++)
		json_array_append_new(vms, entry_json(&journal->entries[i]));
	json_object_set_new(root, "version", json_integer(VERSION));
	json_object_set_new(root, "vms", vms);
	return root;
}

static int refuse(struct error *err, const char *path)
{
	return error_set(err, errno == EACCES || errno == EPERM ? EXIT_PERMISSION : EXIT_RUNTIME,
			 "cannot write %s, without which no limit is changed: %s", path,
			 strerror(errno));
}

static int remove_file(const char *path, struct error *err)
{
	if (unlink(path) && errno != ENOENT)
		return refuse(err, path);
	return 0;
}

int journal_save(const struct journal *journal, const char *path, struct error *err)
{
	json_t *root;
	char *text;
	int ret;

	if (!journal->n)
		return remove_file(path, err);
	root = journal_json(journal);
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		return error_no_memory(err);
	ret = replace_file(path, text, 0600);
	free(text);
	return ret ? refuse(err, path) : 0;
}

static bool read_settings(const json_t *object, struct settings *settings)
{
	const char *key;
	json_t *value;
	bool good = json_is_object(object) && json_object_size(object) <= SETTINGS_MAX;

	json_object_foreach((json_t *)object, key, value) {
		good = good && json_is_string(value) && strlen(key) < SETTING_KEY &&
		       !strchr(key, '/') && json_string_length(value) < SETTING_VALUE;
		if (good)
			settings_add(settings, key, "%s", json_string_value(value));
	}
	return good;
}

static bool read_entry(const json_t *object, struct journal *journal)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *way = json_string_value(json_object_get(object, "actuator"));
	const char *place = json_string_value(json_object_get(object, "place"));
	json_int_t pid = json_integer_value(json_object_get(object, "pid"));
	json_int_t start = json_integer_value(json_object_get(object, "start_time_ns"));
	const struct actuator *actuator = way ? actuator_by_name(way) : NULL;
	struct journal_entry *entry;

	/* of a longer place there would be a part alone, which is another */
	if (!actuator || !place || strlen(place) >= ACTUATOR_PLACE || pid <= 0 ||
	    pid > INT32_MAX || start < 0)
		return false;
	entry = journal_add(journal, (uint32_t)pid, (uint64_t)start, name, actuator, place);
	return entry && read_settings(json_object_get(object, "found"), &entry->found) &&
	       read_settings(json_object_get(object, "before"), &entry->before) &&
	       read_settings(json_object_get(object, "next"), &entry->next);
}

static bool read_journal(const json_t *root, struct journal *journal)
{
	const json_t *vms = json_object_get(root, "vms");
	bool good = json_is_array(vms) &&
		    json_integer_value(json_object_get(root, "version")) == VERSION;
	json_t *object;
	size_t i;

	json_array_foreach(vms, i, object)
		good = good && read_entry(object, journal);
	return good;
}

int journal_load(struct journal *journal, const char *path, struct error *err)
{
	json_t *root = NULL;
	bool good;
	char *text;
	size_t len;

	memset(journal, 0, sizeof(*journal));
	text = files_read("", path, FILE_MAX, &len);
	if (!text && errno == ENOENT)
		return 0;
	if (!text)
		return error_set(err, errno == EACCES ? EXIT_PERMISSION : EXIT_RUNTIME,
				 "cannot read %s: %s", path, strerror(errno));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	good = root && read_journal(root, journal);
	json_decref(root);
	if (good)
		return 0;
	journal_free(journal);
	return error_set(err, EXIT_RUNTIME,
			 "%s is not a journal of this version of vmshare; put the limits back by hand, or with the version that wrote it, and remove it",
			 path);
}
