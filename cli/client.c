// SPDX-License-Identifier: GPL-2.0
/*
 * The module's client: first the host's message, which makes or picks a
 * snapshot, then dumps of that very snapshot by its generation.
 */
#include "client.h"

#include <errno.h>
#include <linux/vmshare.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nl.h"

#define TRIES 5

/* From here on the module can be brief. */
#define ABI_BRIEF 3

struct client {
	struct nl *nl;
	uint32_t abi;			/* 0: not asked for yet, or not known */
};

typedef int (*decode_fn)(const void *attrs, size_t len, struct snapshot *snap,
			 struct error *err);

struct decoding {
	decode_fn decode;
	struct snapshot *snap;
};

int client_open(struct client **result, const struct nl_io *io, struct error *err)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return error_no_memory(err);
	if (nl_open(&client->nl, VMSHARE_GENL_NAME, VMSHARE_GENL_VERSION, io, err)) {
		free(client);
		return -1;
	}
	*result = client;
	return 0;
}

static int decode_info_row(uint8_t cmd, const void *attrs, size_t len, void *data,
			   struct error *err)
{
	(void)cmd;
	return decode_info(attrs, len, data, err);
}

int client_info(struct client *client, struct module_info *info, struct error *err)
{
	struct nl_request request = { .cmd = VMSHARE_CMD_INFO };
	int ret;

	memset(info, 0, sizeof(*info));
	ret = nl_call(client->nl, &request, decode_info_row, info, err);
	if (ret)
		module_info_free(info);
	return ret;
}

static int decode_row(uint8_t cmd, const void *attrs, size_t len, void *data, struct error *err)
{
	struct decoding *decoding = data;

	(void)cmd;
	return decoding->decode(attrs, len, decoding->snap, err);
}

static int ask_host(struct client *client, const struct client_request *choice,
		    struct snapshot *snap, struct error *err)
{
	struct decoding decoding = { decode_host, snap };
	struct nl_request request = {
		.cmd = VMSHARE_CMD_HOST,
		.n_attrs = 1,
		.attrs[0] = { VMSHARE_A_MAX_AGE_MS, 4, choice->max_age_ms },
	};
	uint64_t generation;
	int ret;

	if (choice->engine != ENGINE_UNKNOWN)
		request.attrs[request.n_attrs++] = (struct nl_attr){
			VMSHARE_A_ENGINE, 4,
			choice->engine == ENGINE_TREE ? VMSHARE_ENGINE_TREE : VMSHARE_ENGINE_PAGES,
		};
	ret = nl_call(client->nl, &request, decode_row, &decoding, err);
	if (!ret && !facts_get(&snap->host, HOST_GENERATION, &generation))
		return error_set(err, EXIT_RUNTIME,
				 "the module named no snapshot; see its messages in dmesg");
	return ret;
}

static int dump(struct client *client, uint8_t cmd, decode_fn decode, struct snapshot *snap,
		struct error *err)
{
	struct decoding decoding = { decode, snap };
	struct nl_request request = {
		.cmd = cmd,
		.dump = true,
		.n_attrs = 1,
		.attrs[0] = { VMSHARE_A_GENERATION, 8, snap->host.value[HOST_GENERATION] },
	};

	return nl_call(client->nl, &request, decode_row, &decoding, err);
}

static int dump_vcpus(struct client *client, struct snapshot *snap, struct error *err)
{
	int ret = dump(client, VMSHARE_CMD_VCPU, decode_vcpu, snap, err);
	size_t i;

	for (i = 0; !ret && i < snap->n_vms; i++)
		snap->vms[i].vcpus_known = true;
	return ret;
}

static int take(struct client *client, const struct client_request *request,
		struct snapshot *snap, struct error *err)
{
	int ret = ask_host(client, request, snap, err);

	if (!ret)
		ret = dump(client, VMSHARE_CMD_VM, decode_vm, snap, err);
	if (!ret && request->vcpus)
		ret = dump_vcpus(client, snap, err);
	if (!ret && request->sets) {
		ret = dump(client, VMSHARE_CMD_SET, decode_set, snap, err);
		snap->sets_known = !ret;
	}
	return ret;
}

/*
 * A snapshot can be dropped between two dumps when other clients keep asking
 * for new ones; then all begins again with a newer one.
 */
int client_snapshot(struct client *client, const struct client_request *request,
		    struct snapshot *snap, struct error *err)
{
	int tries, ret = 0;

	for (tries = 0; tries < TRIES; tries++) {
		snapshot_init(snap);
		ret = take(client, request, snap, err);
		if (!ret)
			return 0;
		snapshot_free(snap);
		if (ret != -ESTALE && ret != -EAGAIN)
			break;
	}
	return ret;
}

static int ignore_row(uint8_t cmd, const void *attrs, size_t len, void *data, struct error *err)
{
	(void)cmd;
	(void)attrs;
	(void)len;
	(void)data;
	(void)err;
	return 0;
}

int client_track(struct client *client, uint32_t hooks, struct error *err)
{
	struct nl_request request = {
		.cmd = VMSHARE_CMD_TRACK,
		.n_attrs = 1,
		.attrs[0] = { VMSHARE_A_HOOKS, 4, hooks },
	};

	return nl_call(client->nl, &request, ignore_row, NULL, err);
}

/* Rows of a kind that is not known yet are skipped. */
static int decode_cpu_row(uint8_t cmd, const void *attrs, size_t len, void *data,
			  struct error *err)
{
	switch (cmd) {
	case VMSHARE_CMD_CPU:
		return decode_cpu(attrs, len, data, err);
	case VMSHARE_CMD_THREAD:
		return decode_thread(attrs, len, data, err);
	case VMSHARE_CMD_PREEMPTION:
		return decode_preemption(attrs, len, data, err);
	default:
		return 0;
	}
}

static uint64_t monotonic_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int take_cpu(struct client *client, const struct nl_request *request, struct cpu *cpu,
		    struct error *err)
{
	int ret;

	memset(cpu, 0, sizeof(*cpu));
	cpu->taken_ns = monotonic_ns();
	ret = nl_call(client->nl, request, decode_cpu_row, cpu, err);
	if (!ret && !cpu_sort(cpu)) {
		error_set(err, EXIT_RUNTIME,
			  "the module's answer is malformed (the same thread twice); do module and program have the same version? See vmshare version");
		ret = -EPROTO;
	}
	if (ret)
		cpu_free(cpu);
	return ret;
}

static int ask_cpu(struct client *client, const struct nl_request *request, struct cpu *cpu,
		   struct error *err)
{
	int tries, ret = 0;

	for (tries = 0; tries < TRIES; tries++) {
		ret = take_cpu(client, request, cpu, err);
		if (ret != -EAGAIN)
			break;
	}
	return ret;
}

int client_cpu(struct client *client, uint32_t pid, struct cpu *cpu, struct error *err)
{
	struct nl_request request = {
		.cmd = VMSHARE_CMD_CPU,
		.dump = true,
		.n_attrs = pid != 0,
		.attrs[0] = { VMSHARE_A_PID, 4, pid },
	};

	return ask_cpu(client, &request, cpu, err);
}

static int find_abi(struct client *client, struct error *err)
{
	struct module_info info;
	int ret = client->abi ? 0 : client_info(client, &info, err);

	if (!ret && !client->abi) {
		client->abi = info.abi;
		module_info_free(&info);
	}
	return ret;
}

int client_cpu_use(struct client *client, struct cpu *cpu, struct error *err)
{
	struct nl_request request = { .cmd = VMSHARE_CMD_CPU, .dump = true };
	int ret = find_abi(client, err);

	if (ret)
		return ret;
	if (client->abi >= ABI_BRIEF)
		request.attrs[request.n_attrs++] = (struct nl_attr){ VMSHARE_A_BRIEF, 0, 0 };
	return ask_cpu(client, &request, cpu, err);
}

void client_close(struct client *client)
{
	if (!client)
		return;
	nl_close(client->nl);
	free(client);
}
