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

/*
 * What is to be counted, VMSHARE_HOOK_*, until the client is closed or asks for
 * something else. Returns -EOPNOTSUPP where this kernel cannot do it.
 */
int client_track(struct client *client, uint32_t hooks, struct error *err);

/*
 * Threads, and who displaced whom, of this moment; of the VM with that pid, or of
 * all for 0. Returns -EOPNOTSUPP if the module is too old for it.
 */
int client_cpu(struct client *client, uint32_t pid, struct cpu *cpu, struct error *err);

/*
 * Of all VMs' threads what they have used, and no more if the module can leave away the
 * rest, which is most of an answer. Returns as client_cpu().
 */
int client_cpu_use(struct client *client, struct cpu *cpu, struct error *err);

void client_close(struct client *client);

#endif
