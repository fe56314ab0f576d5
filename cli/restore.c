// SPDX-License-Identifier: GPL-2.0
/*
 * A change that was cut short may or may not have happened. So each setting is
 * looked at: only one that is as vmshare has set it, or was about to, is put back.
 */
#include "restore.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"
#include "notify.h"

static bool is(const struct settings *settings, const struct setting *now)
{
	const char *value = settings_get(settings, now->key);

	return value && !strcmp(value, now->value);
}

/* What is to be put back, and the first setting of somebody else's or NULL. */
static const struct setting *compare(const struct journal_entry *entry,
				     const struct settings *now, struct settings *wanted)
{
	const struct setting *other = NULL;
	size_t i;

	wanted->n = 0;
	for (i = 0; i < now->n; i++) {
		const struct setting *item = &now->item[i];

		if (is(&entry->found, item) || !settings_get(&entry->found, item->key))
			continue;
		if (is(&entry->before, item) || is(&entry->next, item))
			settings_add(wanted, item->key, "%s", settings_get(&entry->found, item->key));
		else if (!other)
			other = item;
	}
	return other;
}

static void describe(const struct journal_entry *entry, char *text, size_t size, const char *fmt,
		     ...) __attribute__((format(printf, 4, 5)));

static void describe(const struct journal_entry *entry, char *text, size_t size, const char *fmt,
		     ...)
{
	int used = snprintf(text, size, "%s (pid %u): ", entry->name ? entry->name : "VM",
			    entry->pid);
	va_list args;

	if (used < 0 || (size_t)used >= size)
		return;
	va_start(args, fmt);
	vsnprintf(text + used, size - (size_t)used, fmt, args);
	va_end(args);
}

static enum restored failed(const struct journal_entry *entry, int ret, const struct error *err,
			    char *text, size_t size)
{
	if (ret == -ENOENT) {
		describe(entry, text, size, "gone, and its limits with it");
		return RESTORED_GONE;
	}
	describe(entry, text, size, "limits are NOT as they were found: %s", err->message);
	return ret == -EAGAIN ? RESTORED_UNANSWERED : RESTORED_FAILED;
}

enum restored restore_entry(const struct journal_entry *entry, char *text, size_t size)
{
	const struct setting *other;
	struct settings now, wanted;
	struct error err;
	int ret;

	ret = entry_read(entry, &now, &err);
	if (ret && !(ret == -ENOENT && now.n))
		return failed(entry, ret, &err, text, size);
	other = compare(entry, &now, &wanted);
	ret = entry_write(entry, &wanted, &err);
	if (ret)
		return failed(entry, ret, &err, text, size);
	if (other) {
		describe(entry, text, size, "%s is now %s, which somebody else has set: it stays",
			 other->key, other->value);
		return RESTORED_NOT_OURS;
	}
	describe(entry, text, size, wanted.n ? "limits put back as they were found" :
					       "limits are as they were found");
	return wanted.n ? RESTORED : RESTORED_ALREADY;
}

/* Entries of those for whom it takes so much patience. */
static void restore_patiently(struct journal *journal, enum actuator_patience patience,
			      void (*report)(enum restored result, const char *text, void *data),
			      void *data)
{
	const struct error unanswered = { .message = "nobody answers" };
	enum restored result = RESTORED;
	size_t i = 0;
	char text[1024];

	while (i < journal->n) {
		if (journal->entries[i].actuator->patience != patience) {
			i++;
			continue;
		}
		/* for each of them we may have waited long */
		if (patience != PATIENCE_NONE)
			notify("WATCHDOG=1");
		result = result == RESTORED_UNANSWERED ?
			 failed(&journal->entries[i], -EAGAIN, &unanswered, text, sizeof(text)) :
			 restore_entry(&journal->entries[i], text, sizeof(text));
		report(result, text, data);
		if (restore_failed(result))
			i++;
		else
			journal_drop(journal, &journal->entries[i]);
	}
}

size_t restore_journal(struct journal *journal,
		       void (*report)(enum restored result, const char *text, void *data),
		       void *data)
{
	enum actuator_patience patience;

	for (patience = PATIENCE_NONE; patience < PATIENCES; patience++)
		restore_patiently(journal, patience, report, data);
	return journal->n;
}
