// SPDX-License-Identifier: GPL-2.0
/*
 * The manager's journal, which root acts on: what is read could have been written,
 * written it is read again, and what it puts back is what was found, in place of
 * what vmshare had set and of nothing else. Neither journal nor limits are files.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "everyfile.h"
#include "journal.h"
#include "replace.h"
#include "restore.h"

#define JOURNAL "/nonexistent/journal"	/* an empty one is removed */

static char *written;
static struct settings in_place;

/* Stands in for cli/replace.c. */
int replace_file(const char *path, const char *text, mode_t mode)
{
	if (strcmp(path, JOURNAL) || mode != 0600)
		abort();
	free(written);
	written = strdup(text);
	return written ? 0 : -1;
}

static bool has_key(const struct settings *settings, const struct setting *item)
{
	return settings_get(settings, item->key) != NULL;
}

static bool has(const struct settings *settings, const struct setting *item)
{
	return has_key(settings, item) && !strcmp(settings_get(settings, item->key), item->value);
}

/* No key leads out of the place, and each is there once. */
static void check_settings(const struct settings *settings)
{
	size_t i;

	if (settings->n > SETTINGS_MAX)
		abort();
	for (i = 0; i < settings->n; i++) {
		const struct setting *item = &settings->item[i];

		if (!memchr(item->key, '\0', SETTING_KEY) ||
		    !memchr(item->value, '\0', SETTING_VALUE) || strchr(item->key, '/') ||
		    !has(settings, item))
			abort();
	}
}

static void check_entry(const struct journal_entry *entry)
{
	if (!entry->pid || entry->pid > INT32_MAX || entry->start_time_ns > INT64_MAX ||
	    actuator_by_name(entry->actuator->name) != entry->actuator ||
	    strlen(entry->place) >= ACTUATOR_PLACE)
		abort();
	check_settings(&entry->found);
	check_settings(&entry->before);
	check_settings(&entry->next);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void check_given_settings(const struct settings *settings, const json_t *given)
{
	size_t i;

	if (settings->n != json_object_size(given))
		abort();
	for (i = 0; i < settings->n; i++) {
		const json_t *value = json_object_get(given, settings->item[i].key);

		if (!same_text(settings->item[i].value, json_string_value(value)))
			abort();
	}
}

/* Nothing was cut: half a value would be put back. */
static void check_given(const struct journal *journal, const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, 0, NULL);
	const json_t *vms = json_object_get(root, "vms");
	size_t i;

	if (json_array_size(vms) != journal->n)
		abort();
	for (i = 0; i < journal->n; i++) {
		const struct journal_entry *entry = &journal->entries[i];
		const json_t *vm = json_array_get(vms, i);

		if (!same_text(entry->name, json_string_value(json_object_get(vm, "name"))) ||
		    !same_text(entry->place, json_string_value(json_object_get(vm, "place"))))
			abort();
		check_given_settings(&entry->found, json_object_get(vm, "found"));
		check_given_settings(&entry->before, json_object_get(vm, "before"));
		check_given_settings(&entry->next, json_object_get(vm, "next"));
	}
	json_decref(root);
}

static bool same_entry(const struct journal_entry *a, const struct journal_entry *b)
{
	return a->pid == b->pid && a->start_time_ns == b->start_time_ns &&
	       same_text(a->name, b->name) && a->actuator == b->actuator &&
	       same_text(a->place, b->place) && settings_equal(&a->found, &b->found) &&
	       settings_equal(&a->before, &b->before) && settings_equal(&a->next, &b->next);
}

static void check_written(const struct journal *journal)
{
	struct journal again;
	struct error err;
	size_t i;

	if (journal_save(journal, JOURNAL, &err))
		abort();
	if (!journal->n)
		return;
	everyfile_has(written, strlen(written));
	if (journal_load(&again, JOURNAL, &err) || again.n != journal->n)
		abort();
	for (i = 0; i < journal->n; i++) {
		if (!same_entry(&journal->entries[i], &again.entries[i]))
			abort();
	}
	journal_free(&again);
}

static int read_in_place(const char *place, struct settings *now, struct error *err)
{
	(void)place;
	(void)err;
	*now = in_place;
	return 0;
}

static int write_in_place(const char *place, const struct settings *wanted, struct error *err)
{
	size_t i;

	(void)place;
	(void)err;
	for (i = 0; i < wanted->n; i++) {
		if (!has_key(&in_place, &wanted->item[i]))
			abort();
		settings_replace(&in_place, wanted->item[i].key, "%s", wanted->item[i].value);
	}
	return 0;
}

/* The real ones would write wherever the journal says. */
static const struct actuator nowhere = {
	.name = "nowhere", .read = read_in_place, .write = write_in_place,
};

/* Of each setting by two bits of the number: as found, set, about to be, or somebody else's. */
static void put_in_place(const struct journal_entry *entry, uint32_t choice)
{
	const struct settings *by[] = { &entry->found, &entry->before, &entry->next };
	size_t i;

	in_place.n = 0;
	for (i = 0; i < entry->found.n && i < SETTINGS_MAX - 1; i++, choice >>= 2) {
		const char *key = entry->found.item[i].key;
		const char *value = choice % 4 < 3 ? settings_get(by[choice % 4], key) : NULL;

		settings_add(&in_place, key, "%s", value ? value : "of somebody else");
	}
	settings_add(&in_place, "beside", "%s", "as it was");
}

/* What it has to be afterwards, in other words than cli/restore.c has for it. */
static const char *wanted(const struct journal_entry *entry, const struct setting *item)
{
	bool ours = has(&entry->before, item) || has(&entry->next, item);

	return ours && has_key(&entry->found, item) ? settings_get(&entry->found, item->key) :
						      item->value;
}

static void check_restored(struct journal_entry *entry)
{
	struct settings before;
	enum restored result;
	char text[256];
	size_t i;

	put_in_place(entry, entry->pid);
	before = in_place;
	entry->actuator = &nowhere;
	result = restore_entry(entry, text, sizeof(text));
	if (restore_failed(result) || result == RESTORED_GONE)
		abort();
	for (i = 0; i < before.n; i++) {
		if (strcmp(in_place.item[i].value, wanted(entry, &before.item[i])))
			abort();
	}
	if (restore_entry(entry, text, sizeof(text)) == RESTORED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal journal;
	struct error err = {};
	size_t i;

	everyfile_has(data, size);
	if (journal_load(&journal, JOURNAL, &err)) {
		if (err.code != EXIT_RUNTIME || strncmp(err.message, JOURNAL, strlen(JOURNAL)))
			abort();
		return 0;
	}
	for (i = 0; i < journal.n; i++)
		check_entry(&journal.entries[i]);
	check_given(&journal, data, size);
	check_written(&journal);
	for (i = 0; i < journal.n; i++)
		check_restored(&journal.entries[i]);
	journal_free(&journal);
	return 0;
}
