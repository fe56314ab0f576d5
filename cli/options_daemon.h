/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OPTIONS_DAEMON_H
#define VMSHARE_OPTIONS_DAEMON_H

#include "options.h"

/* Options of vmshare manage alone. */
extern const struct option options_daemon[];

/* Which of them do not go together. */
int options_check_daemon(const struct options *options, struct error *err);

#endif
