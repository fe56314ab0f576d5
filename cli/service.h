/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SERVICE_H
#define VMSHARE_SERVICE_H

#include "manager.h"

/*
 * The manager in the foreground: a check whenever one is due, until SIGTERM or
 * SIGINT, or until the module is gone.
 */
struct service_options {
	struct manager_options manager;
	const char *dir;		/* see control.h */

	/* Reads the configuration anew, on SIGHUP; -1 with err: the old one stays. */
	int (*reload)(void *data, struct manage_options *policy, struct error *err);
	void *data;
};

/* Returns an exit code, or -1 with err. All limits have been put back then. */
int service_run(struct service_options *options, struct error *err);

/* Two checks, one interval apart, that change nothing; then the status. */
int service_once(struct service_options *options, json_t **status, struct error *err);

/*
 * Puts back what a manager that was killed has left. Refused while one runs. From
 * here on signals that would end the program are held.
 * *failed is of how many VMs it could not.
 */
int service_restore(const char *dir, void (*say)(const char *text), size_t *failed,
		    struct error *err);

/*
 * Lets them through again, before what may take long and changes nothing: the
 * configuration, a trace. True if one has come meanwhile that is to end the program.
 */
bool service_release_signals(void);

/* The error for limits that could not be put back, if there are any; else 0. */
int service_check_restored(size_t failed, struct error *err);

#endif
