// SPDX-License-Identifier: GPL-2.0
/* Commands for other tools: what a shell makes of them, with names that mean harm. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define UUID_A "0f5c1d9e-1111-4222-8333-444455556666"

static const char *const hostile[] = {
	"web1", "two words", "it's", "$(touch /tmp/owned)", "`id`", "a;reboot", "a|b&c", "\"quoted\"",
	"back\\slash", "*?[x]", "~root", "#comment", "a'$(id)'b", "''", "umlaut \xc3\xa4", "-rf", "!!",
	"{name}", "%s%n",
};

/* What the shell hands to a program: one word, byte for byte. */
static bool shell_gives_back(const char *quoted, const char *wanted)
{
	char *line, *got = NULL;
	size_t size = 0;
	FILE *pipe;
	bool same;

	if (asprintf(&line, "printf '%%s\\n' %s", quoted) < 0)
		return false;
	fflush(stdout);
	pipe = popen(line, "r");
	free(line);
	if (!pipe)
		return false;
	if (getdelim(&got, &size, -1, pipe) < 0)
		*(got = realloc(got, 1)) = '\0';
	pclose(pipe);
	same = strlen(got) == strlen(wanted) + 1 && !strncmp(got, wanted, strlen(wanted));
	free(got);
	return same;
}

static void test_quoting(void)
{
	size_t i;

	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		char *quoted = command_quote(hostile[i]);

		ok(shell_gives_back(quoted, hostile[i]), "the shell sees one word: %s", hostile[i]);
		free(quoted);
	}
}

static void test_random_quoting(void)
{
	unsigned int wrong = 0, i, j;

	for (i = 0; i < 100; i++) {
		char word[24], *quoted;

		for (j = 0; j < sizeof(word) - 1; j++)
			word[j] = (char)(32 + test_random_below(95));
		word[sizeof(word) - 1] = '\0';
		quoted = command_quote(word);
		wrong += !shell_gives_back(quoted, word);
		free(quoted);
	}
	is_number(wrong, 0, "100 random words survive the shell");
}

static char *write_one(enum command_format format, const char *text, const char *name,
		       const char *uuid, const char *source, const char *dest, struct error *err)
{
	struct vm vm = { .pid = 4711, .name = (char *)name, .uuid = (char *)uuid };
	struct command_move move = { .vm = &vm, .source = source, .dest = dest };

	memset(err, 0, sizeof(*err));
	return command_write(format, text, &move, err);
}

static const struct {
	enum command_format format;
	const char *text, *name, *uuid, *source, *dest;
	const char *wanted;		/* the command, or with error its message's part */
	bool error;
} rows[] = {
	{ COMMAND_VIRSH, NULL, "web1", UUID_A, NULL, "hostb",
	  "virsh migrate --live --persistent --undefinesource --domain=" UUID_A
	  " --desturi=qemu+ssh://hostb/system", false },
	{ COMMAND_VIRSH, NULL, "a b", NULL, "hosta", "hostb",
	  "virsh --connect=qemu+ssh://hosta/system migrate --live --persistent --undefinesource "
	  "--domain='a b' --desturi=qemu+ssh://hostb/system", false },
	{ COMMAND_VIRSH, NULL, "web1", "no-uuid", NULL, NULL,
	  "virsh migrate --live --persistent --undefinesource --domain=web1 "
	  "--desturi=qemu+ssh://\"${DEST:?}\"/system", false },
	{ COMMAND_VIRSH, NULL, "a\nb", NULL, NULL, "b", "control characters", true },
	{ COMMAND_VIRSH, NULL, "a\xc2\x9b" "31m", NULL, NULL, "b", "does not show", true },
	{ COMMAND_VIRSH, NULL, "a\xe2\x80\xae" "b", NULL, NULL, "b", "does not show", true },
	{ COMMAND_VIRSH, NULL, "\xff", NULL, NULL, "b", "no UTF-8", true },
	{ COMMAND_VIRSH, NULL, NULL, NULL, NULL, "b", "its name is not known", true },
	{ COMMAND_VIRSH, NULL, "17", NULL, NULL, "b", "for the id or UUID of another", true },
	{ COMMAND_VIRSH, NULL, " +17", NULL, NULL, "b", "for the id or UUID of another", true },
	{ COMMAND_VIRSH, NULL, UUID_A, NULL, NULL, "b", "for the id or UUID of another", true },
	{ COMMAND_VIRSH, NULL, "0f5c1d9e111142228333444455556666", NULL, NULL, "b",
	  "for the id or UUID of another", true },
	{ COMMAND_VIRSH, NULL, "17b", NULL, NULL, "b",
	  "virsh migrate --live --persistent --undefinesource --domain=17b "
	  "--desturi=qemu+ssh://b/system", false },
	{ COMMAND_VIRSH, NULL, "web1", NULL, NULL, "b;reboot", "cannot be a host", true },
	{ COMMAND_VIRSH, NULL, "web1", NULL, NULL, "-oProxyCommand=x", "cannot be a host", true },
	{ COMMAND_OPENSTACK, NULL, "instance-1", UUID_A, NULL, "nova2",
	  "openstack --os-compute-api-version 2.30 server migrate --live-migration --host nova2 "
	  "--wait " UUID_A, false },
	{ COMMAND_OPENSTACK, NULL, "instance-1", NULL, NULL, "nova2", "by its UUID", true },
	{ COMMAND_PROXMOX, NULL, NULL, NULL, NULL, "pve2",
	  "qm migrate \"$(qm list | awk '$NF == 4711 { print $1 }')\" pve2 --online", false },
	{ COMMAND_KUBEVIRT, NULL, "shop_db\"1", NULL, NULL, "node2",
	  "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstanceMigration\nmetadata:\n"
	  "  generateName: vmshare-\n  namespace: \"shop\"\nspec:\n  vmiName: \"db\\\"1\"\n"
	  "  addedNodeSelector:\n    kubernetes.io/hostname: \"node2\"\n---", false },
	{ COMMAND_KUBEVIRT, NULL, "plain", NULL, NULL, "node2", "NAMESPACE_NAME", true },
	{ COMMAND_TEMPLATE, "mv {name} {uuid} {pid} {source}->{dest} ${X} {}", "a'b", UUID_A, "h1",
	  "h2", "mv 'a'\\''b' " UUID_A " 4711 h1->h2 ${X} {}", false },
	{ COMMAND_TEMPLATE, "move {name}", "-rf", NULL, NULL, "b", "begins with -", true },
	{ COMMAND_TEMPLATE, "move --vm={name}", "-rf", NULL, NULL, "b", "move --vm=-rf", false },
	{ COMMAND_TEMPLATE, "move {uuid}", "web", "x'; reboot", NULL, "b", "UUID is not known", true },
};

static void test_formats(void)
{
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *command = write_one(rows[i].format, rows[i].text, rows[i].name, rows[i].uuid,
					  rows[i].source, rows[i].dest, &err);

		if (rows[i].error) {
			ok(!command, "row %zu is refused", i);
			has_text(err.message, rows[i].wanted, "row %zu: why", i);
		} else {
			is_text(command, rows[i].wanted, "row %zu: %s", i, err.message);
		}
		free(command);
	}
}

/* Formats that name a VM by what another VM has as well are refused; a pid is its own. */
static void test_twins(void)
{
	static const struct {
		enum command_format format;
		const char *text, *uuid, *why;	/* NULL: good */
	} twins[] = {
		{ COMMAND_VIRSH, NULL, NULL, "another VM has its name" },
		{ COMMAND_VIRSH, NULL, UUID_A, "another VM has its UUID" },
		{ COMMAND_OPENSTACK, NULL, UUID_A, "another VM has its UUID" },
		{ COMMAND_KUBEVIRT, NULL, NULL, "another VM has its name" },
		{ COMMAND_TEMPLATE, "mv {name}", NULL, "another VM has its name" },
		{ COMMAND_TEMPLATE, "mv {uuid}", UUID_A, "another VM has its UUID" },
		{ COMMAND_TEMPLATE, "mv {pid}", UUID_A, NULL },
		{ COMMAND_PROXMOX, NULL, UUID_A, NULL },
	};
	struct vm vms[2] = { { .pid = 4711 }, { .pid = 4712 } };
	struct snapshot snap = { .vms = vms, .n_vms = 2 };
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		struct command_move move = { .vm = &vms[1], .among = &snap, .dest = "b" };
		char *command;

		vms[0].name = vms[1].name = (char *)"shop_db";
		vms[0].uuid = vms[1].uuid = (char *)twins[i].uuid;
		command = command_write(twins[i].format, twins[i].text, &move, &err);
		ok(!command == !!twins[i].why, "twins, row %zu", i);
		if (twins[i].why)
			has_text(err.message, twins[i].why, "twins, row %zu: why", i);
		free(command);
	}
}

/* The remote shell of ssh reads the command a second time. */
static void test_proxmox_remote(void)
{
	struct error err;
	char *command = write_one(COMMAND_PROXMOX, NULL, "x", NULL, "pve1", "pve2", &err), *line;

	ok(command && !strncmp(command, "ssh root@pve1 '", 15), "over ssh");
	ok(asprintf(&line, "%s", command + strlen("ssh root@pve1 ")) > 0 &&
	   shell_gives_back(line, "qm migrate \"$(qm list | awk '$NF == 4711 { print $1 }')\" pve2 --online"),
	   "what arrives there is the local command");
	free(line);
	free(command);
}

static const struct {
	const char *text, *why;		/* NULL: good */
} templates[] = {
	{ "virsh migrate {name} {dest}", NULL },
	{ "echo ${HOME} $X {} '{}' \"x\" {dest}", NULL },
	{ "echo {nmae}", "{nmae}" },
	{ "", "is empty" },
	{ "  ", "is empty" },
	{ "echo {name", "\"{name\" has no }" },
	{ "echo {dest x}", "\"{dest\" has no }" },
	{ "echo {pids,x}", NULL },
	{ "echo '{name}'", "undoes its own quoting" },
	{ "echo \"{name}\"", "undoes its own quoting" },
	{ "echo `cat {name}`", "undoes its own quoting" },
	{ "echo \\{name}", "undoes its own quoting" },
	{ "echo 'it'\\''s' {name}", NULL },
	{ "echo 'open {dest}", "undoes its own quoting" },
	{ "echo 'open", "ends inside quotes" },
	{ "echo {name}\\", "ends inside quotes" },
	{ "echo\n{name}", "control character" },
};

static void test_templates(void)
{
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		int ret = command_check_template(templates[i].text, &err);

		ok(ret == (templates[i].why ? -1 : 0), "template %s", templates[i].text);
		if (ret && templates[i].why)
			has_text(err.message, templates[i].why, "says why");
	}
}

void test_command(void)
{
	test_quoting();
	test_random_quoting();
	test_formats();
	test_twins();
	test_proxmox_remote();
	test_templates();
}
