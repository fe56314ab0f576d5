// SPDX-License-Identifier: GPL-2.0
/*
 * Journal, then change. A journal entry holds what a setting was, is, and will
 * be; so a change that was cut short at any point is recognized by its values.
 */
#include "limiter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"
#include "notify.h"
#include "restore.h"

static void say(const struct limiter *limiter, const struct managed *vm, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct limiter *limiter, const struct managed *vm, const char *fmt, ...)
{
	char text[1536], label[256];
	va_list args;
	int used;

	used = snprintf(text, sizeof(text), "%s: ", managed_label(vm, label, sizeof(label)));
	va_start(args, fmt);
	vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, args);
	va_end(args);
	limiter->say(text);
}

static void report(enum restored result, const char *text, void *data)
{
	const struct limiter *limiter = data;

	if (result != RESTORED_ALREADY)
		limiter->say(text);
}

/* Entries too many do no harm: they are looked at again, and found to be restored. */
static void save_later(struct limiter *limiter)
{
	limiter->dirty = true;
}

static int save(struct limiter *limiter, struct error *err)
{
	if (journal_save(&limiter->journal, limiter->path, err))
		return -1;
	limiter->dirty = false;
	return 0;
}

static void restore_all(struct limiter *limiter)
{
	struct error err;

	restore_journal(&limiter->journal, report, limiter);
	if (save(limiter, &err))
		limiter->say(err.message);
}

int limiter_open(struct limiter *limiter, const char *path, void (*tell)(const char *text),
		 struct error *err)
{
	memset(limiter, 0, sizeof(*limiter));
	limiter->path = path;
	limiter->say = tell;
	if (journal_load(&limiter->journal, path, err))
		return -1;
	if (!limiter->journal.n)
		return 0;
	limiter->say("a manager before this one has left limits behind; putting them back");
	restore_all(limiter);
	return 0;
}

static struct journal_entry *entry_of(const struct limiter *limiter, const struct managed *vm)
{
	return journal_find(&limiter->journal, vm->pid, vm->start_time_ns);
}

static void release(struct limiter *limiter, struct managed *vm, bool has_ended)
{
	struct journal_entry *entry = entry_of(limiter, vm);
	enum restored result;
	char text[1024];

	vm->quota_ns = UINT64_MAX;
	vm->period_ns = 0;
	vm->weight = vm->cpus_first = vm->cpus = 0;
	vm->limited = vm->troubled = false;
	if (!entry)
		return;
	result = restore_entry(entry, text, sizeof(text));
	entry->unsaid = has_ended && restore_failed(result);
	if (!entry->unsaid)
		report(result, text, limiter);
	/* what failed is tried again at each check; until then it is not limited again */
	if (restore_failed(result))
		return;
	journal_drop(&limiter->journal, entry);
	save_later(limiter);
}

void limiter_release(struct limiter *limiter, struct managed *vm)
{
	release(limiter, vm, false);
}

/*
 * A libvirtd that takes down what is left of a domain cannot read its limits any more,
 * and still says that it runs: at the next check it is gone.
 */
void limiter_gone(struct limiter *limiter, struct managed *vm)
{
	release(limiter, vm, true);
}

static bool is_for_later(int ret)
{
	return ret == -EAGAIN || ret == -EBUSY;
}

/* Who does not answer is asked once in a check: each time it may let us wait. */
static void note_answer(struct limiter *limiter, const struct actuator *way, int ret)
{
	if (ret == -EAGAIN)
		limiter->away = way;
}

/* That is said once. */
static void put_off(struct limiter *limiter, struct managed *vm, int ret, const struct error *err)
{
	note_answer(limiter, vm->actuator, ret);
	if (!vm->troubled)
		say(limiter, vm, "%s; this is tried again", err->message);
	vm->troubled = true;
}

/* From now on the VM is left alone, for the reason given. */
static void let_go(struct limiter *limiter, struct managed *vm, const char *why)
{
	say(limiter, vm, "%s: let go", why);
	limiter_release(limiter, vm);
	snprintf(vm->why, sizeof(vm->why), "%.*s", (int)sizeof(vm->why) - 1, why);
}

static bool same_reading(const struct gauge_reading *a, const struct gauge_reading *b)
{
	return a->quota_ns == b->quota_ns && a->period_ns == b->period_ns;
}

static bool is(const struct settings *settings, const struct setting *now)
{
	const char *value = settings_get(settings, now->key);

	return value && !strcmp(value, now->value);
}

static bool is_beside(const struct actuator *way, const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(way->beside) / sizeof(way->beside[0]) && way->beside[i]; i++) {
		if (!strcmp(way->beside[i], key))
			return true;
	}
	return false;
}

/* After a try in vain what was there before is ours, too; a weight may be as it was found. */
static bool is_ours(const struct managed *vm, const struct journal_entry *entry,
		    const struct setting *now)
{
	return is(&entry->next, now) || (vm->troubled && is(&entry->before, now)) ||
	       (is_beside(entry->actuator, now->key) && is(&entry->found, now));
}

/* A weight, or CPUs: from now on it is as if it had been found so. */
static void give_up(struct limiter *limiter, const struct managed *vm,
		    struct journal_entry *entry, const struct setting *now)
{
	say(limiter, vm, "somebody else has set %s to %s: it stays", now->key, now->value);
	settings_remove(&entry->found, now->key);
	settings_remove(&entry->before, now->key);
	settings_remove(&entry->next, now->key);
	save_later(limiter);
}

/* What somebody else has set stays; false if that is the quota, so that the VM is let go. */
static bool yield(struct limiter *limiter, struct managed *vm, struct journal_entry *entry,
		  const struct settings *now)
{
	char why[ACTUATOR_WHY];
	size_t i;

	for (i = 0; i < now->n; i++) {
		const struct setting *item = &now->item[i];

		if (!settings_get(&entry->found, item->key) || is_ours(vm, entry, item))
			continue;
		if (is_beside(entry->actuator, item->key)) {
			give_up(limiter, vm, entry, item);
			continue;
		}
		snprintf(why, sizeof(why), "somebody else has set %s to %s", item->key, item->value);
		let_go(limiter, vm, why);
		return false;
	}
	return true;
}

/* All that is left of it is as it was set. */
static bool is_in_place(const struct journal_entry *entry, const struct settings *now)
{
	struct settings missing = entry->next;

	settings_drop_equal(&missing, now);
	return !missing.n;
}

static void check(struct limiter *limiter, struct managed *vm)
{
	struct journal_entry *entry = entry_of(limiter, vm);
	struct settings now;
	struct error err;
	int ret;

	if (!vm->place || strcmp(entry->place, vm->place)) {
		say(limiter, vm, "%s", vm->why[0] ? vm->why : "it is in another cgroup now");
		limiter_release(limiter, vm);
		return;
	}
	if (vm->troubled || vm->quota_ns == UINT64_MAX || limiter->away == vm->actuator ||
	    (vm->settled && same_reading(&vm->reading, &vm->in_place)))
		return;
	ret = entry_read(entry, &now, &err);
	note_answer(limiter, entry->actuator, ret);
	/* one that is gone is missed by everybody soon */
	if (ret || !yield(limiter, vm, entry, &now))
		return;
	if (vm->settled) {
		let_go(limiter, vm, "somebody else has changed its quota");
	} else if (is_in_place(entry, &now)) {
		vm->settled = vm->looked = true;
		vm->in_place = vm->reading;
	}
}

/* Is there a VM that has these limits rightly? */
static bool is_in_use(const struct roster *roster, const struct journal_entry *entry)
{
	const struct managed *vm = roster_find(roster, entry->pid);

	return vm && vm->start_time_ns == entry->start_time_ns && vm->limited;
}

/* That it failed is said once. */
static bool put_back(struct limiter *limiter, struct journal_entry *entry)
{
	enum restored result;
	char text[1024];

	result = restore_entry(entry, text, sizeof(text));
	if (!restore_failed(result) || entry->unsaid)
		report(result, text, limiter);
	entry->unsaid = false;
	if (restore_failed(result))
		return false;
	journal_drop(&limiter->journal, entry);
	save_later(limiter);
	return true;
}

/* What could not be put back. One that fails again ends it: it may have let us wait. */
static void retry(struct limiter *limiter, const struct roster *roster)
{
	size_t left;

	for (left = limiter->journal.n; left; left--) {
		if (limiter->retry >= limiter->journal.n)
			limiter->retry = 0;
		if (is_in_use(roster, &limiter->journal.entries[limiter->retry])) {
			limiter->retry++;
		} else if (!put_back(limiter, &limiter->journal.entries[limiter->retry])) {
			limiter->retry++;
			return;
		}
	}
}

void limiter_check(struct limiter *limiter, struct roster *roster)
{
	size_t i;

	limiter->away = NULL;
	retry(limiter, roster);
	for (i = 0; i < roster->n; i++) {
		roster->vms[i].looked = false;
		if (roster->vms[i].limited)
			check(limiter, &roster->vms[i]);
	}
}

/* The first change of a VM: what is there now is what it will be given back. */
static struct journal_entry *begin(struct limiter *limiter, struct managed *vm)
{
	struct journal_entry *entry;
	struct settings found;
	struct error err;
	int ret;

	/* what it had elsewhere, or before, is still to be put back */
	if (entry_of(limiter, vm))
		return NULL;
	ret = vm->actuator->read(vm->place, &found, &err);
	if (is_for_later(ret))
		put_off(limiter, vm, ret, &err);
	if (is_for_later(ret) || ret == -ENOENT)
		return NULL;
	if (ret || !vm->actuator->is_free(&found)) {
		snprintf(vm->why, sizeof(vm->why), "%.300s",
			 ret ? err.message : "somebody else has set its limits");
		say(limiter, vm, "%s: left alone", vm->why);
		return NULL;
	}
	entry = journal_add(&limiter->journal, vm->pid, vm->start_time_ns, vm->name, vm->actuator,
			    vm->place);
	if (entry)
		entry->found = entry->before = entry->next = found;
	vm->limited = entry;
	return entry;
}

static bool list_cpus(struct limiter *limiter, const struct manage_decision *decision,
		      char list[SETTING_VALUE])
{
	if (!limiter->cpus)
		limiter->cpus = cpuorder_read("/sys/devices/system/cpu");
	return limiter->cpus && cpuorder_list(limiter->cpus, decision->cpus_first, decision->cpus,
					      list, SETTING_VALUE);
}

/*
 * The CPUs of a decision as a list, or NULL: they stay as found. Threads are looked at for
 * who is to be pinned, and nobody else. Why one cannot be is said once.
 */
static const char *choose_cpus(struct limiter *limiter, struct managed *vm,
			       const struct manage_decision *decision, char list[SETTING_VALUE])
{
	const char *why;

	if (!decision->cpus)
		return NULL;
	why = list_cpus(limiter, decision, list) ? entry_take_cpus(entry_of(limiter, vm), list) :
						   "their list cannot be read, or is too long";
	if (why && !vm->unpinned)
		say(limiter, vm, "its CPUs stay as they are: %s", why);
	vm->unpinned = why;
	return why ? NULL : list;
}

/*
 * What the next change begins with: after a try in vain either of two limits is in
 * place, and somebody else may have been there. False if nothing can be changed now.
 */
static bool look(struct limiter *limiter, struct managed *vm, struct journal_entry *entry)
{
	struct settings now;
	struct error err;
	int ret = entry_read(entry, &now, &err);
	size_t i;

	if (ret && ret != -ENOENT)
		put_off(limiter, vm, ret, &err);
	if (ret || !yield(limiter, vm, entry, &now))
		return false;
	for (i = 0; i < now.n; i++)
		settings_replace(&entry->next, now.item[i].key, "%s", now.item[i].value);
	return true;
}

/* Notes in the journal what a decision will change; false if it changes nothing. */
static bool stage(struct limiter *limiter, const struct roster *roster, struct managed *vm,
		  const struct manage_decision *decision)
{
	struct limit limit = {
		.quota_ns = decision->quota_ns,
		.period_ns = decision->period_ns,
		.burst_ns = decision->burst_ns,
		.vcpu_quota_ns = decision->vcpu_quota_ns,
		.weight = decision->weight,
	};
	char list[SETTING_VALUE];
	struct journal_entry *entry;
	bool first;

	/* the configuration may say so from now on */
	if (decision->left_alone && vm->limited)
		limiter_release(limiter, vm);
	if (decision->left_alone || vm->why[0] || !vm->actuator || limiter->away == vm->actuator)
		return false;
	/* a decision has all that shall hold, so what was tried in vain is in it, too */
	if (!decision->change && !(vm->limited && vm->troubled))
		return false;
	/* the next check knows what to do with limits in a cgroup that it has left */
	if (!roster_is_in_place(roster, vm))
		return false;
	first = !vm->limited;
	entry = first ? begin(limiter, vm) : entry_of(limiter, vm);
	if (!entry || (!first && !vm->looked && !look(limiter, vm, entry)))
		return false;
	limit.cpus = choose_cpus(limiter, vm, decision, list);
	entry->before = entry->next;
	vm->actuator->express(&limit, &entry->found, &entry->next);
	return true;
}

/* For the one before we may have waited long. */
static int write_limit(struct limiter *limiter, struct managed *vm,
		       const struct journal_entry *entry, const struct settings *wanted,
		       struct error *err)
{
	if (limiter->away == vm->actuator) {
		error_set(err, EXIT_RUNTIME, "%s does not answer", vm->actuator->name);
		return -EAGAIN;
	}
	if (vm->actuator->patience != PATIENCE_NONE)
		notify("WATCHDOG=1");
	return entry_write(entry, wanted, err);
}

static void carry_out(struct limiter *limiter, struct managed *vm,
		      const struct manage_decision *decision)
{
	struct journal_entry *entry = entry_of(limiter, vm);
	struct settings wanted = entry->next;
	struct error err;
	int ret;

	settings_drop_equal(&wanted, &entry->before);
	ret = write_limit(limiter, vm, entry, &wanted, &err);
	if (is_for_later(ret)) {
		put_off(limiter, vm, ret, &err);
		return;
	}
	if (ret) {
		let_go(limiter, vm, err.message);
		return;
	}
	vm->troubled = false;
	vm->quota_ns = decision->quota_ns;
	vm->period_ns = decision->period_ns;
	vm->weight = decision->weight;
	vm->cpus_first = decision->cpus_first;
	vm->cpus = decision->cpus;
	vm->settled = vm->looked = false;
	if (settings_equal(&entry->next, &entry->found)) {
		journal_drop(&limiter->journal, entry);
		vm->limited = false;
		save_later(limiter);
	}
}

/*
 * Without the journal there is no change: what was staged is forgotten. Of VMs that
 * were not staged, before is what they had before their last change.
 */
static void unstage(struct limiter *limiter, const struct managed *vm)
{
	struct journal_entry *entry = entry_of(limiter, vm);

	entry->next = entry->before;
}

int limiter_apply(struct limiter *limiter, struct roster *roster,
		  const struct manage_decision *decisions, size_t n, struct error *err)
{
	bool staged[n + 1], any = false;
	struct managed *vm;
	size_t i;

	cpuorder_free(limiter->cpus);
	limiter->cpus = NULL;
	for (i = 0; i < n; i++) {
		vm = roster_find(roster, decisions[i].pid);
		staged[i] = vm && stage(limiter, roster, vm, &decisions[i]);
		any |= staged[i];
	}
	if ((any || limiter->dirty) && save(limiter, err)) {
		for (i = 0; i < n; i++) {
			if (staged[i])
				unstage(limiter, roster_find(roster, decisions[i].pid));
		}
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (staged[i])
			carry_out(limiter, roster_find(roster, decisions[i].pid), &decisions[i]);
	}
	limiter->away = NULL;
	return 0;
}

size_t limiter_leave(struct limiter *limiter)
{
	size_t left = limiter->journal.n;

	cpuorder_free(limiter->cpus);
	journal_free(&limiter->journal);
	return left;
}

size_t limiter_close(struct limiter *limiter)
{
	restore_all(limiter);
	return limiter_leave(limiter);
}
