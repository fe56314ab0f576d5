/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_ACTUATOR_CGROUPFILES_H
#define VMSHARE_ACTUATOR_CGROUPFILES_H

#include "actuator/actuator.h"

/*
 * Settings that are files of one line in a directory. Those named must be there
 * but for the last "optional" of them. Results as in actuator.h.
 */
int cgroupfiles_read(const char *dir, const char *const *keys, size_t n, size_t optional,
		     struct settings *now, struct error *err);
int cgroupfiles_write(const char *dir, const struct settings *wanted, struct error *err);

#endif
