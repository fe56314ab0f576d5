// SPDX-License-Identifier: GPL-2.0
/* Finding the VM that a word means. */
#include "test.h"

#include <string.h>

#include "selector.h"

static void add(struct snapshot *snap, uint32_t pid, const char *name, const char *uuid)
{
	struct vm *vm = snapshot_add_vm(snap, pid);

	vm->name = name ? strdup(name) : NULL;
	vm->uuid = uuid ? strdup(uuid) : NULL;
}

static void finds(const struct snapshot *snap, const char *word, uint32_t pid)
{
	const struct vm *vm = NULL;
	struct error err;

	ok(!selector_find(snap, word, &vm, &err) && vm && vm->pid == pid, "%s is pid %u", word, pid);
}

static void fails(const struct snapshot *snap, const char *word, const char *message)
{
	const struct vm *vm;
	struct error err;

	ok(selector_find(snap, word, &vm, &err) && err.code == EXIT_RUNTIME, "%s is no VM", word);
	has_text(err.message, message, "%s: says why", word);
}

void test_selector(void)
{
	struct snapshot snap;

	snapshot_init(&snap);
	add(&snap, 10, "web1", "aaaaaaaa-1111-4111-8111-111111111111");
	add(&snap, 20, "web2", "bbbbbbbb-1111-4111-8111-111111111111");
	add(&snap, 30, "twin", NULL);
	add(&snap, 40, "twin", NULL);
	add(&snap, 50, "10", NULL);
	add(&snap, 60, NULL, NULL);

	finds(&snap, "web1", 10);
	finds(&snap, "20", 20);
	finds(&snap, "BBBBBBBB-1111-4111-8111-111111111111", 20);
	finds(&snap, "60", 60);
	/* a VM that calls itself by another's pid does not get its place */
	finds(&snap, "10", 10);
	finds(&snap, "50", 50);
	fails(&snap, "twin", "more than one VM; name one by its pid: 30, 40");
	fails(&snap, "wbe1", "did you mean web1");
	fails(&snap, "bbbbbbbb-1111-4111-8111-11111111111",
	      "did you mean bbbbbbbb-1111-4111-8111-111111111111 (web2)?");
	fails(&snap, "Aaaab", "there is no VM \"Aaaab\" among");
	fails(&snap, "aaaa", "did you mean aaaaaaaa-1111-4111-8111-111111111111 (web1)?");
	fails(&snap, "61", "did you mean 60?");
	fails(&snap, "database", "among the 6 there are");
	fails(&snap, "", "there is no VM");
	fails(&snap, "99999999999999999999", "there is no VM");
	fails(&snap, "-10", "there is no VM");
	snapshot_free(&snap);
}
