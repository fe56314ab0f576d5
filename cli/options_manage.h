/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OPTIONS_MANAGE_H
#define VMSHARE_OPTIONS_MANAGE_H

#include "options.h"
#include "policy/manage.h"

/* Options that manage and tune have in common. */
int set_config(struct options *options, const char *value, struct error *err);
int set_policy(struct options *options, const char *value, struct error *err);
int set_families(struct options *options, const char *value, struct error *err);
int set_output(struct options *options, const char *value, struct error *err);

/*
 * The settings: of the file if one was named, else the defaults, with the policy
 * that was asked for. Freed by manage_options_free().
 */
int options_manage(const struct options *options, struct manage_options *manage,
		   struct error *err);

#endif
