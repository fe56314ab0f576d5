/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OPTIONS_MOVE_H
#define VMSHARE_OPTIONS_MOVE_H

#include "options.h"

/* Options of the verbs that plan where VMs go. */
int set_margin(struct options *options, const char *value, struct error *err);
int set_commands(struct options *options, const char *value, struct error *err);
int set_format(struct options *options, const char *value, struct error *err);
int set_command_template(struct options *options, const char *value, struct error *err);
int set_dry_run(struct options *options, const char *value, struct error *err);
int set_work(struct options *options, const char *value, struct error *err);

#define OPTIONS_MOVE \
	{ "margin", 0, "SIZE", "kept free where VMs go: a size, or 5% of the memory (default)", \
	  set_margin }, \
	{ "commands", 0, NULL, "print commands that carry the plan out", set_commands }, \
	{ "format", 0, "FORMAT", \
	  "of the commands: virsh, openstack, proxmox, kubevirt, template", set_format }, \
	{ "command-template", 0, "TEXT", \
	  "of each command, with {name} {uuid} {pid} {dest} {source}", \
	  set_command_template }, \
	{ "dry-run", 0, NULL, "change nothing, which is what it does anyway", set_dry_run }, \
	{ "work", 0, "N", "stop searching after N steps, with a bound for the best", set_work }

/* Formats and templates that do not go together. */
int options_check_move(const struct options *options, struct error *err);

#endif
