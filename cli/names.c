// SPDX-License-Identifier: GPL-2.0
/*
 * Who is that pid? The VMM's command line says it for QEMU in all its packings;
 * libvirt's files under /run say it where a command line does not.
 */
#include "names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"
#include "procvm.h"
#include "text.h"

#define CMDLINE_MAX (2 * 1024 * 1024)
#define XML_MAX (4 * 1024 * 1024)
#define LIBVIRT "/run/libvirt/qemu"

bool names_parse_uuid(const char *text, size_t len, char uuid[UUID_SIZE])
{
	size_t i;

	if (len != UUID_SIZE - 1)
		return false;
	for (i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	for (i = 0; i < len; i++)
		uuid[i] = (char)tolower((unsigned char)text[i]);
	uuid[len] = '\0';
	return true;
}

/* Copies one value of QEMU's option syntax, in which ",," is a comma. */
static const char *copy_value(const char *at, char *value, size_t size)
{
	size_t len = 0;

	while (*at && (*at != ',' || at[1] == ',')) {
		at += *at == ',';
		if (len + 1 < size)
			value[len++] = *at;
		at++;
	}
	value[len] = '\0';
	return *at == ',' ? at + 1 : at;
}

/* "guest=NAME,debug-threads=on" or "NAME,process=..": the first key is implied. */
static void parse_name(const char *option, char name[NAME_SIZE])
{
	char value[NAME_SIZE], *text;
	bool first = true;

	for (; *option; first = false) {
		option = copy_value(option, value, sizeof(value));
		if (!strncmp(value, "guest=", 6))
			text = value + 6;
		else if (first && !strchr(value, '='))
			text = value;
		else
			continue;
		if (*text)
			text_clean(text, name, NAME_SIZE);
	}
}

static const char *next_word(const char *word, const char *end)
{
	word += strnlen(word, (size_t)(end - word)) + 1;
	return word < end ? word : NULL;
}

static void parse_pair(const char *option, const char *value, struct identity *identity)
{
	if (!strcmp(option, "-name") || !strcmp(option, "--name"))
		parse_name(value, identity->name);
	else if (!strcmp(option, "-uuid") || !strcmp(option, "--uuid"))
		names_parse_uuid(value, strlen(value), identity->uuid);
}

void names_parse_cmdline(const char *bytes, size_t len, struct identity *identity)
{
	char *copy = memory_allocate(len + 1);
	const char *word, *value;

	memset(identity, 0, sizeof(*identity));
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	for (word = len ? copy : NULL; word; word = value) {
		value = next_word(word, copy + len);
		if (value)
			parse_pair(word, value, identity);
	}
	free(copy);
}

static void keep(char **field, const char *text)
{
	if (!*field && *text)
		*field = memory_checked(strdup(text));
}

/* Has the VM gone, and the pid been given to somebody else, since the walk? */
static bool is_another(const struct vm *vm, const char *root)
{
	uint64_t then, now, slack = 2 * 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);

	if (!facts_get(&vm->facts, VM_START_TIME_NS, &then) || !procvm_start_time(vm->pid, root, &now))
		return false;
	return then > now + slack || now > then + slack;
}

static void name_by_cmdline(struct vm *vm, const char *root)
{
	struct identity identity;
	char path[64], *bytes;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", vm->pid);
	bytes = files_read(root, path, CMDLINE_MAX, &len);
	if (!bytes)
		return;
	names_parse_cmdline(bytes, len, &identity);
	free(bytes);
	if (is_another(vm, root))
		return;
	keep(&vm->name, identity.name);
	keep(&vm->uuid, identity.uuid);
}

/* The domain's own <uuid>: the first one, devices have theirs further down. */
static void uuid_by_libvirt(struct vm *vm, const char *root, const char *stem)
{
	char path[PATH_MAX], uuid[UUID_SIZE], *xml;
	const char *tag;
	size_t len;

	snprintf(path, sizeof(path), LIBVIRT "/%s.xml", stem);
	xml = files_read(root, path, XML_MAX, &len);
	if (!xml)
		return;
	tag = strstr(xml, "<uuid>");
	if (tag && names_parse_uuid(tag + 6, strcspn(tag + 6, "<"), uuid))
		keep(&vm->uuid, uuid);
	free(xml);
}

static void name_by_file(struct snapshot *snap, const char *root, const char *file)
{
	char path[PATH_MAX], stem[NAME_MAX + 1], name[3 * NAME_MAX + 1];
	size_t len = strlen(file);
	struct vm *vm;
	uint64_t pid;

	if (len <= 4 || strcmp(file + len - 4, ".pid"))
		return;
	snprintf(path, sizeof(path), LIBVIRT "/%s", file);
	if (!files_number(root, path, &pid) || pid > INT32_MAX)
		return;
	vm = snapshot_vm(snap, (uint32_t)pid);
	if (!vm)
		return;
	snprintf(stem, sizeof(stem), "%.*s", (int)(len - 4), file);
	text_clean(stem, name, sizeof(name));
	keep(&vm->name, name);
	uuid_by_libvirt(vm, root, stem);
}

static void name_by_libvirt(struct snapshot *snap, const char *root)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" LIBVIRT, root);
	dir = opendir(path);
	if (!dir && errno == ENOMEM)
		memory_missing();
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		name_by_file(snap, root, entry->d_name);
	closedir(dir);
}

void names_resolve(struct snapshot *snap, const char *root)
{
	bool nameless = false;
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		name_by_cmdline(&snap->vms[i], root);
		nameless |= !snap->vms[i].name || !snap->vms[i].uuid;
	}
	if (nameless)
		name_by_libvirt(snap, root);
}

void names_inherit(struct snapshot *snap, const struct snapshot *before)
{
	size_t i;

	for (i = 0; i < snap->n_vms; i++) {
		const struct vm *old = vm_same(before, &snap->vms[i]);

		if (old && old->name)
			keep(&snap->vms[i].name, old->name);
		if (old && old->uuid)
			keep(&snap->vms[i].uuid, old->uuid);
	}
}
