/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_COMMAND_H
#define VMSHARE_COMMAND_H

#include "error.h"
#include "model.h"

/*
 * A move of one VM, written for the tool that carries it out. vmshare itself
 * never runs one. Names of VMs and hosts are other people's text: whatever they
 * hold, the shell and the tool see one word of data.
 */
enum command_format {
	COMMAND_VIRSH,
	COMMAND_OPENSTACK,		/* by UUID, as Nova gives its instances' to libvirt */
	COMMAND_PROXMOX,		/* by pid, to be run on the source node */
	COMMAND_KUBEVIRT,		/* a VirtualMachineInstanceMigration, for kubectl create -f - */
	COMMAND_TEMPLATE,		/* the user's own */
};

struct command_move {
	const struct vm *vm;
	const struct snapshot *among;	/* the VMs of its host; NULL: it is alone there */
	const char *source;		/* host; NULL: this one */
	const char *dest;		/* NULL: whoever runs the command sets DEST */
};

bool command_format_parse(const char *name, enum command_format *format);

/*
 * A template has {name}, {uuid}, {pid}, {dest} and {source}, each of which
 * becomes one quoted word. It is refused if it names something else, or quotes
 * a placeholder itself, which would undo the quoting.
 */
int command_check_template(const char *text, struct error *err);

/*
 * The command, or NULL with err filled: the VM has no UUID where one is needed,
 * or a name that no command can carry, or that could mean another VM. text is for COMMAND_TEMPLATE, and has been
 * checked. The caller frees the result.
 */
char *command_write(enum command_format format, const char *text,
		    const struct command_move *move, struct error *err);

/* Can it stand in commands as a host: a name or an address, and nothing else? */
bool command_host_ok(const char *name);

/* One word for a POSIX shell, in quotes if it needs them. The caller frees it. */
char *command_quote(const char *word);

#endif
