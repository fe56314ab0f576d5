/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CLIENT_H
#define VMSHARE_CLIENT_H

#include <stdint.h>

#include "decode.h"
#include "error.h"
#include "model.h"

/* What the module knows, as a model. Nothing above this deals with netlink. */

struct client;
struct nl_io;

struct client_request {
	enum engine engine;		/* ENGINE_UNKNOWN: the module's choice */
	uint32_t max_age_ms;		/* 0: a walk that begins after the request */
	bool vcpus;
	bool sets;
};

/* io is NULL but in tests. */
int client_open(struct client **client, const struct nl_io *io, struct error *err);
int client_info(struct client *client, struct module_info *info, struct error *err);
int client_snapshot(struct client *client, const struct client_request *request,
		    struct snapshot *snap, struct error *err);
void client_close(struct client *client);

#endif
