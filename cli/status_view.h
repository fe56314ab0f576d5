/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_STATUS_VIEW_H
#define VMSHARE_STATUS_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "options.h"

/* What manager_status() gives, as a table. */
int status_print(const json_t *status, const struct options *options, FILE *out,
		 struct error *err);

#endif
