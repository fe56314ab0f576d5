// SPDX-License-Identifier: GPL-2.0
/* From what a user calls a VM to the VM. */
#include "selector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

static const struct vm *by_pid(const struct snapshot *snap, const char *word)
{
	unsigned long pid;
	char *end;

	if (*word < '0' || *word > '9')
		return NULL;
	errno = 0;
	pid = strtoul(word, &end, 10);
	return errno || *end || pid > INT32_MAX ? NULL : snapshot_vm(snap, (uint32_t)pid);
}

static bool matches(const struct vm *vm, const char *word, bool uuid)
{
	if (uuid)
		return vm->uuid && !strcasecmp(vm->uuid, word);
	return vm->name && !strcmp(vm->name, word);
}

/* A list for a message, cut where it grows too long. */
static void append(char *list, size_t size, const char *text)
{
	size_t used = strlen(list);

	if (used < size / 2)
		snprintf(list + used, size - used, "%s%s", used ? ", " : "", text);
}

static int ambiguous(const struct snapshot *snap, const char *word, bool uuid, struct error *err)
{
	char pids[256] = "", pid[16];
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		if (!matches(&snap->vms[i], word, uuid))
			continue;
		snprintf(pid, sizeof(pid), "%u", snap->vms[i].pid);
		append(pids, sizeof(pids), pid);
	}
	return error_set(err, EXIT_RUNTIME, "\"%s\" is more than one VM; name one by its pid: %s",
			 word, pids);
}

/* Counts matches; the last one is in vm. */
static size_t find_all(const struct snapshot *snap, const char *word, bool uuid,
		       const struct vm **vm)
{
	size_t found = 0, i;

	for (i = 0; i < snap->n_vms; i++) {
		if (matches(&snap->vms[i], word, uuid)) {
			*vm = &snap->vms[i];
			found++;
		}
	}
	return found;
}

/* One wrong digit is a slip in a pid, two characters in a UUID. */
static void append_near(const struct vm *vm, const char *word, char *near, size_t size)
{
	char pid[16], text[256];

	snprintf(pid, sizeof(pid), "%u", vm->pid);
	if (vm->name && text_near(word, vm->name)) {
		append(near, size, vm->name);
	} else if (text_near_number(word, pid, 1)) {
		snprintf(text, sizeof(text), vm->name ? "%s (%s)" : "%s", pid, vm->name);
		append(near, size, text);
	} else if (vm->uuid && text_near_number(word, vm->uuid, 2)) {
		snprintf(text, sizeof(text), vm->name ? "%s (%s)" : "%s", vm->uuid, vm->name);
		append(near, size, text);
	}
}

static int unknown(const struct snapshot *snap, const char *word, struct error *err)
{
	char near[512] = "";
	size_t i;

	for (i = 0; i < snap->n_vms; i++)
		append_near(&snap->vms[i], word, near, sizeof(near));
	if (*near)
		return error_set(err, EXIT_RUNTIME, "there is no VM \"%s\"; did you mean %s?", word,
				 near);
	return error_set(err, EXIT_RUNTIME,
			 "there is no VM \"%s\" among the %zu there are; vmshare list shows them",
			 word, snap->n_vms);
}

int selector_find(const struct snapshot *snap, const char *word, const struct vm **vm,
		  struct error *err)
{
	int uuid;

	*vm = by_pid(snap, word);
	if (*vm)
		return 0;
	for (uuid = 1; uuid >= 0; uuid--) {
		size_t found = find_all(snap, word, uuid, vm);

		if (found == 1)
			return 0;
		if (found)
			return ambiguous(snap, word, uuid, err);
	}
	return unknown(snap, word, err);
}

int selector_assigned(const struct snapshot *snap, const char *word, const struct vm **vm,
		      const char **value, struct error *err)
{
	const char *equals = strrchr(word, '=');
	char *name;
	int ret;

	if (!equals || equals == word)
		return error_set(err, EXIT_USAGE, "\"%s\" is not VM=NUMBER", word);
	name = strndup(word, (size_t)(equals - word));
	if (!name)
		return error_no_memory(err);
	*value = equals + 1;
	ret = selector_find(snap, name, vm, err);
	free(name);
	return ret;
}

int selector_mark(const struct snapshot *snap, const struct words *words, bool *chosen,
		  struct error *err)
{
	const struct vm *vm;
	size_t i;

	for (i = 0; i < words->count; i++) {
		if (selector_find(snap, words->word[i], &vm, err))
			return -1;
		chosen[vm - snap->vms] = true;
	}
	return 0;
}
