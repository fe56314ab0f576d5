/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_ACTUATOR_CGROUPFILES_H
#define VMSHARE_ACTUATOR_CGROUPFILES_H

#include "actuator/actuator.h"

/*
 * Settings that are files of one line in a directory. What is not there is left out: a
 * controller may be switched off while another's files are still to be put back. The
 * place is gone when the directory is. Results as in actuator.h.
 */
int cgroupfiles_read(const char *dir, const char *const *keys, size_t n, struct settings *now,
		     struct error *err);
int cgroupfiles_write(const char *dir, const struct settings *wanted, struct error *err);

#endif
