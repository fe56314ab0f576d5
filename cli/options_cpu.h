/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OPTIONS_CPU_H
#define VMSHARE_OPTIONS_CPU_H

#include "options.h"

/* Options of the verbs that look at CPUs for some time. */
int set_window(struct options *options, const char *value, struct error *err);

#define OPTION_WINDOW(help) { "window", 0, "SEC", help, set_window }

#endif
