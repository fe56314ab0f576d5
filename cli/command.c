// SPDX-License-Identifier: GPL-2.0
/* Commands that move VMs: quoting, formats, templates. */
#include "command.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "text.h"

#define UNKNOWN_DEST "\"${DEST:?}\""	/* a shell without DEST stops there */

static const char *const format_names[] = {
	[COMMAND_VIRSH] = "virsh", [COMMAND_OPENSTACK] = "openstack",
	[COMMAND_PROXMOX] = "proxmox", [COMMAND_KUBEVIRT] = "kubevirt",
	[COMMAND_TEMPLATE] = "template",
};

bool command_format_parse(const char *name, enum command_format *format)
{
	size_t i;

	for (i = 0; i < sizeof(format_names) / sizeof(format_names[0]); i++) {
		if (!strcmp(name, format_names[i])) {
			*format = (enum command_format)i;
			return true;
		}
	}
	return false;
}

/* Text that grows; out of memory shows when it is finished. */
struct draft {
	char *text;
	size_t size;
	FILE *file;
};

static bool draft_begin(struct draft *draft)
{
	draft->text = NULL;
	draft->file = open_memstream(&draft->text, &draft->size);
	return draft->file != NULL;
}

static char *draft_end(struct draft *draft)
{
	bool failed = ferror(draft->file);

	if (!fclose(draft->file) && !failed)
		return draft->text;
	free(draft->text);
	return NULL;
}

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+=,-";

	return *word && !word[strspn(word, plain)];
}

static void put_quoted(FILE *out, const char *word)
{
	if (is_plain(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

char *command_quote(const char *word)
{
	struct draft draft;

	if (!draft_begin(&draft))
		return NULL;
	put_quoted(draft.file, word);
	return draft_end(&draft);
}

bool command_host_ok(const char *name)
{
	static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.:@-";

	return *name && *name != '-' && !name[strspn(name, usual)];
}

/* 8-4-4-4-12 hexadecimal digits; anything else in its place is only text. */
static bool is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	if (!text)
		return false;
	for (i = 0; shape[i]; i++) {
		if (shape[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[i];
}

static int refuse(struct error *err, const struct vm *vm, const char *why)
{
	return error_set(err, EXIT_RUNTIME, "no command for the VM with pid %u: %s", vm->pid, why);
}

static bool name_is_twice(const struct command_move *move)
{
	const struct snapshot *among = move->among;
	size_t i;

	for (i = 0; among && i < among->n_vms; i++) {
		if (among->vms[i].name && among->vms[i].pid != move->vm->pid &&
		    !strcmp(among->vms[i].name, move->vm->name))
			return true;
	}
	return false;
}

static bool uuid_is_twice(const struct command_move *move)
{
	const struct snapshot *among = move->among;
	size_t i;

	for (i = 0; among && i < among->n_vms; i++) {
		if (among->vms[i].uuid && among->vms[i].pid != move->vm->pid &&
		    !strcasecmp(among->vms[i].uuid, move->vm->uuid))
			return true;
	}
	return false;
}

/* missing is what to say where there is none. */
static int check_uuid(const struct command_move *move, const char *missing, struct error *err)
{
	if (!is_uuid(move->vm->uuid))
		return refuse(err, move->vm, missing);
	if (uuid_is_twice(move))
		return refuse(err, move->vm, "another VM has its UUID; use a template with {pid}");
	return 0;
}

static int check_name(const struct command_move *move, struct error *err)
{
	const struct vm *vm = move->vm;

	if (!vm->name)
		return refuse(err, vm, "its name is not known; use a template with {pid} or {uuid}");
	if (!*vm->name || !text_is_harmless(vm->name))
		return refuse(err, vm,
			      "its name is empty, has control characters or others that a terminal does not show as they are, or is no UTF-8; use a template with {pid} or {uuid}");
	if (name_is_twice(move))
		return refuse(err, vm,
			      "another VM has its name; use a template with {pid} or {uuid}");
	return 0;
}

/* As virsh's own reading, which takes blanks, a sign, and a UUID's dashes or none. */
static bool virsh_takes_for_id(const char *name)
{
	const char *number = name + strspn(name, " +-");
	size_t digits = 0;

	if (*number && !number[strspn(number, "0123456789")])
		return true;
	for (; *name; name++) {
		if (isxdigit((unsigned char)*name))
			digits++;
		else if (*name != '-' && *name != ' ')
			return false;
	}
	return digits == 32;
}

/*
 * virsh takes a word for an id or a UUID first, so that a VM could bear
 * another's as its name. A UUID is never anything else.
 */
static int check_virsh(const struct command_move *move, struct error *err)
{
	if (is_uuid(move->vm->uuid))
		return check_uuid(move, "", err);
	if (check_name(move, err))
		return -1;
	if (virsh_takes_for_id(move->vm->name))
		return refuse(err, move->vm,
			      "virsh would take its name for the id or UUID of another; use a template with {pid}");
	return 0;
}

static int put_virsh(FILE *out, const struct command_move *move, struct error *err)
{
	const struct vm *vm = move->vm;

	if (check_virsh(move, err))
		return -1;
	fputs("virsh ", out);
	if (move->source)
		fprintf(out, "--connect=qemu+ssh://%s/system ", move->source);
	fputs("migrate --live --persistent --undefinesource --domain=", out);
	put_quoted(out, is_uuid(vm->uuid) ? vm->uuid : vm->name);
	fprintf(out, " --desturi=qemu+ssh://%s/system", move->dest ? move->dest : UNKNOWN_DEST);
	return 0;
}

static int put_openstack(FILE *out, const struct command_move *move, struct error *err)
{
	if (check_uuid(move, "OpenStack knows it by its UUID, which is not known", err))
		return -1;
	fprintf(out,
		"openstack --os-compute-api-version 2.30 server migrate --live-migration --host %s --wait %s",
		move->dest ? move->dest : UNKNOWN_DEST, move->vm->uuid);
	return 0;
}

/* The last column of qm list is the pid: the VM must still be the same process. */
static void put_proxmox(FILE *out, const struct command_move *move)
{
	if (move->source)
		fprintf(out, "ssh root@%s ", move->source);
	fprintf(out,
		move->source ?
			"'qm migrate \"$(qm list | awk '\\''$NF == %u { print $1 }'\\'')\" '%s' --online'" :
			"qm migrate \"$(qm list | awk '$NF == %u { print $1 }')\" %s --online",
		move->vm->pid, move->dest ? move->dest : UNKNOWN_DEST);
}

/* A JSON string is a YAML string as well, and its escapes are exact. */
static void put_yaml(FILE *out, const char *key, const char *value)
{
	json_t *text = json_string(value);

	fputs(key, out);
	json_dumpf(text, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(text);
}

/* KubeVirt calls the libvirt domain NAMESPACE_NAME; neither part can hold a _. */
static int put_kubevirt(FILE *out, const struct command_move *move, struct error *err)
{
	const char *name, *space = move->vm->name;
	char *part;

	if (check_name(move, err))
		return -1;
	name = strchr(space, '_');
	if (!name || name == space || !name[1])
		return refuse(err, move->vm,
			      "its name is not NAMESPACE_NAME, so KubeVirt did not start it");
	if (!move->dest)
		return error_set(err, EXIT_USAGE,
				 "a KubeVirt migration has to name the node: --dest NODE=SNAPSHOT");
	part = strndup(space, (size_t)(name - space));
	if (!part)
		return error_no_memory(err);
	fputs("apiVersion: kubevirt.io/v1\n"
	      "kind: VirtualMachineInstanceMigration\n"
	      "metadata:\n"
	      "  generateName: vmshare-\n", out);
	put_yaml(out, "  namespace: ", part);
	put_yaml(out, "spec:\n  vmiName: ", name + 1);
	put_yaml(out, "  addedNodeSelector:\n    kubernetes.io/hostname: ", move->dest);
	fputs("---", out);
	free(part);
	return 0;
}

/* Templates */

enum placeholder { NAME, UUID, PID, DEST, SOURCE, PLACEHOLDERS };

static const char *const placeholders[PLACEHOLDERS] = {
	[NAME] = "{name}", [UUID] = "{uuid}", [PID] = "{pid}", [DEST] = "{dest}",
	[SOURCE] = "{source}",
};

static enum placeholder placeholder_at(const char *text)
{
	enum placeholder i;

	for (i = 0; i < PLACEHOLDERS; i++) {
		if (!strncmp(text, placeholders[i], strlen(placeholders[i])))
			break;
	}
	return i;
}

/* {word} is meant to be a placeholder; ${WORD} and {} are the shell's. */
static bool looks_like_placeholder(const char *text)
{
	size_t length = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz");

	return *text == '{' && length && text[length + 1] == '}';
}

/* "{name" without its end would be printed as it is. */
static bool looks_unclosed(const char *text)
{
	enum placeholder i;
	size_t length;

	for (i = 0; i < PLACEHOLDERS; i++) {
		length = strlen(placeholders[i]) - 1;
		if (!strncmp(text, placeholders[i], length) &&
		    !isalnum((unsigned char)text[length]))
			return true;
	}
	return false;
}

static int refuse_placeholder(struct error *err, const char *text)
{
	return error_set(err, EXIT_USAGE,
			 "the template's \"%.*s\" is none of {name}, {uuid}, {pid}, {dest}, {source}",
			 (int)(strchr(text, '}') - text + 1), text);
}

/* How a shell reads the template up to a place: inside quotes, after a backslash. */
struct shell {
	char quote;			/* ' or " or ` or 0 */
	bool escaped;
};

static void shell_read(struct shell *shell, char c)
{
	if (shell->escaped)
		shell->escaped = false;
	else if (c == '\\' && shell->quote != '\'')
		shell->escaped = true;
	else if (shell->quote && c == shell->quote)
		shell->quote = 0;
	else if (!shell->quote && strchr("'\"`", c))
		shell->quote = c;
}

int command_check_template(const char *text, struct error *err)
{
	struct shell shell = {};
	const char *at;

	if (!text[strspn(text, " ")])
		return error_set(err, EXIT_USAGE,
				 "the template is empty; write a command, for instance 'move {name} {dest}'");
	for (at = text; *at; at++) {
		if (placeholder_at(at) != PLACEHOLDERS) {
			if (shell.quote || shell.escaped)
				return error_set(err, EXIT_USAGE,
						 "the template quotes %s, which undoes its own quoting; leave the quotes and backslashes off",
						 placeholders[placeholder_at(at)]);
		} else if (looks_like_placeholder(at) && (at == text || at[-1] != '$')) {
			return refuse_placeholder(err, at);
		} else if (looks_unclosed(at)) {
			return error_set(err, EXIT_USAGE,
					 "the template's \"%.*s\" has no } at its end",
					 (int)strcspn(at, " "), at);
		}
		if ((unsigned char)*at < 0x20)
			return error_set(err, EXIT_USAGE,
					 "the template has a control character; a command is one line");
		shell_read(&shell, *at);
	}
	if (shell.quote || shell.escaped)
		return error_set(err, EXIT_USAGE, "the template ends inside quotes");
	return 0;
}

static int put_word(FILE *out, const struct command_move *move, const char *word, bool first,
		    const char *placeholder, struct error *err)
{
	char why[128];

	if (first && *word == '-') {
		snprintf(why, sizeof(why),
			 "what stands for %s begins with -, which a command takes for an option",
			 placeholder);
		return refuse(err, move->vm, why);
	}
	put_quoted(out, word);
	return 0;
}

/* first: nothing stands before it in its word. */
static int put_placeholder(FILE *out, const struct command_move *move, enum placeholder which,
			   bool first, struct error *err)
{
	const struct vm *vm = move->vm;

	switch (which) {
	case NAME:
		return check_name(move, err) ? -1 :
					       put_word(out, move, vm->name, first, "{name}", err);
	case UUID:
		if (check_uuid(move, "its UUID is not known; use {name} or {pid}", err))
			return -1;
		fputs(vm->uuid, out);
		return 0;
	case PID:
		fprintf(out, "%u", vm->pid);
		return 0;
	case DEST:
		fputs(move->dest ? move->dest : UNKNOWN_DEST, out);
		return 0;
	default:
		fputs(move->source ? move->source : "localhost", out);
		return 0;
	}
}

static int put_template(FILE *out, const char *text, const struct command_move *move,
			struct error *err)
{
	const char *at = text;

	while (*at) {
		enum placeholder which = placeholder_at(at);

		if (which == PLACEHOLDERS) {
			fputc(*at++, out);
			continue;
		}
		if (put_placeholder(out, move, which, at == text || at[-1] == ' ', err))
			return -1;
		at += strlen(placeholders[which]);
	}
	return 0;
}

static int put(FILE *out, enum command_format format, const char *text,
	       const struct command_move *move, struct error *err)
{
	switch (format) {
	case COMMAND_VIRSH:
		return put_virsh(out, move, err);
	case COMMAND_OPENSTACK:
		return put_openstack(out, move, err);
	case COMMAND_PROXMOX:
		put_proxmox(out, move);
		return 0;
	case COMMAND_KUBEVIRT:
		return put_kubevirt(out, move, err);
	default:
		return put_template(out, text, move, err);
	}
}

static int check_hosts(const struct command_move *move, struct error *err)
{
	const char *bad = NULL;

	if (move->dest && !command_host_ok(move->dest))
		bad = move->dest;
	if (move->source && !command_host_ok(move->source))
		bad = move->source;
	if (!bad)
		return 0;
	return error_set(err, EXIT_USAGE,
			 "\"%s\" cannot be a host in a command; give the snapshot one: HOST=FILE", bad);
}

char *command_write(enum command_format format, const char *text,
		    const struct command_move *move, struct error *err)
{
	struct draft draft;
	char *command;
	int ret;

	if (check_hosts(move, err))
		return NULL;
	if (!draft_begin(&draft)) {
		error_no_memory(err);
		return NULL;
	}
	ret = put(draft.file, format, text, move, err);
	command = draft_end(&draft);
	if (!ret && command)
		return command;
	if (!ret)
		error_no_memory(err);
	free(command);
	return NULL;
}
