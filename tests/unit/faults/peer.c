// SPDX-License-Identifier: GPL-2.0
/* A module that lives in a process: it answers with bytes put together here. */
#include "peer.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vmshare.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../bytes.h"

#define FAMILY 29
#define GROUP 7
#define VMS 3
#define FIRST_PID 5000001u		/* beyond all that a kernel gives */
#define PAGES (4096ull * 1000)
#define SECOND 1000000000ull
#define OVERSIZED (200 * 1024)

/* An answer on its way: messages, each a datagram of its own. */
struct peer {
	int fd;
	enum peer_fault fault;
	unsigned int sent;		/* parts of this answer */
	unsigned int looks;		/* requests for a host or its threads so far */
	bool by_pages;			/* the other engine was asked for last */
	uint32_t hooks;			/* and these hooks */
	uint32_t seq;
};

static void rest(unsigned int ms)
{
	struct timespec time = { 0, (long)ms * 1000000 };

	syscall(SYS_nanosleep, &time, NULL);
}

static void deliver(struct peer *peer, const void *bytes, size_t len)
{
	if (send(peer->fd, bytes, len, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void deliver_oversized(struct peer *peer)
{
	static uint8_t bytes[OVERSIZED];

	deliver(peer, bytes, sizeof(bytes));
}

/* What goes wrong with the parts of a dump. */
static void deliver_wrong(struct peer *peer, const uint8_t *bytes, size_t len)
{
	if (peer->fault == PEER_GONE && peer->sent)
		_exit(0);
	if (peer->fault == PEER_CUTS)
		len -= 4;
	if (peer->fault == PEER_OVERSIZED)
		deliver_oversized(peer);
	else
		deliver(peer, bytes, len);
}

static void send_message(struct peer *peer, uint16_t type, uint16_t flags, uint32_t seq,
			 const void *body, size_t len)
{
	struct bytes out = {};
	struct nlmsghdr head = { .nlmsg_len = (uint32_t)(sizeof(head) + len), .nlmsg_type = type,
				 .nlmsg_flags = flags, .nlmsg_seq = seq };

	memcpy(out.data, &head, sizeof(head));
	memcpy(out.data + sizeof(head), body, len);
	if (peer->fault == PEER_SLOW)
		rest(5);
	if (flags & NLM_F_MULTI)
		deliver_wrong(peer, out.data, head.nlmsg_len);
	else
		deliver(peer, out.data, head.nlmsg_len);
	peer->sent++;
}

static void send_row(struct peer *peer, uint16_t type, uint8_t cmd, uint16_t flags,
		     const struct bytes *attrs)
{
	struct genlmsghdr head = { .cmd = cmd, .version = 1 };
	uint8_t body[sizeof(head) + sizeof(attrs->data)];

	memcpy(body, &head, sizeof(head));
	memcpy(body + sizeof(head), attrs->data, attrs->len);
	send_message(peer, type, flags, peer->seq, body, sizeof(head) + attrs->len);
}

static void send_ack(struct peer *peer, int error)
{
	struct nlmsgerr body = { .error = -error };

	send_message(peer, NLMSG_ERROR, NLM_F_CAPPED, peer->seq, &body, sizeof(body));
}

static void send_done(struct peer *peer)
{
	int error = 0;

	send_message(peer, NLMSG_DONE, NLM_F_MULTI, peer->seq, &error, sizeof(error));
}

/* As an answer to a request that somebody else has made. */
static void send_strange(struct peer *peer)
{
	int error = -EIO;

	send_message(peer, NLMSG_DONE, 0, peer->seq + 1000, &error, sizeof(error));
}

static void babble(struct peer *peer)
{
	while (1) {
		send_strange(peer);
		rest(1);
	}
}

static void put_nest(struct bytes *bytes, uint16_t type, const struct bytes *inside)
{
	put_attr(bytes, type | NLA_F_NESTED, inside->data, inside->len);
}

static void answer_family(struct peer *peer)
{
	struct bytes attrs = {}, group = {}, groups = {};
	uint16_t id = FAMILY;

	put_attr(&attrs, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	put_text(&attrs, CTRL_ATTR_FAMILY_NAME, VMSHARE_GENL_NAME);
	put_text(&group, CTRL_ATTR_MCAST_GRP_NAME, VMSHARE_MCGRP_EVENTS);
	put_u32(&group, CTRL_ATTR_MCAST_GRP_ID, GROUP);
	put_nest(&groups, 1, &group);
	put_nest(&attrs, CTRL_ATTR_MCAST_GROUPS, &groups);
	send_row(peer, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, 0, &attrs);
	send_ack(peer, 0);
}

static void put_capability(struct bytes *attrs, const char *name, const char *reason)
{
	struct bytes inside = {};

	put_text(&inside, VMSHARE_CAP_NAME, name);
	put_u8(&inside, VMSHARE_CAP_AVAILABLE, !reason);
	if (reason)
		put_text(&inside, VMSHARE_CAP_REASON, reason);
	put_nest(attrs, VMSHARE_A_CAPABILITY, &inside);
}

static void answer_info(struct peer *peer)
{
	struct bytes attrs = {};

	put_u32(&attrs, VMSHARE_A_ABI, VMSHARE_ABI_REVISION);
	put_text(&attrs, VMSHARE_A_MODULE_VERSION, "1.2.3");
	put_u32(&attrs, VMSHARE_A_ENGINE, VMSHARE_ENGINE_TREE);
	put_capability(&attrs, "tree", NULL);
	put_capability(&attrs, "kvm_hooks", "no such tracepoint");
	send_row(peer, FAMILY, VMSHARE_CMD_INFO, 0, &attrs);
	send_ack(peer, 0);
}

static void answer_host(struct peer *peer)
{
	struct bytes attrs = {};

	peer->looks++;
	put_u64(&attrs, VMSHARE_A_GENERATION, peer->looks);
	put_u32(&attrs, VMSHARE_A_ENGINE, VMSHARE_ENGINE_TREE);
	put_u64(&attrs, VMSHARE_A_TIME_NS, 1800000000 * SECOND + peer->looks * SECOND);
	put_u64(&attrs, VMSHARE_A_WALK_NS, 1000000);
	put_u64(&attrs, VMSHARE_A_WALK_ITEMS, 3000);
	put_u64(&attrs, VMSHARE_A_LONGEST_HOLD_NS, 900000);
	put_u64(&attrs, VMSHARE_A_STALE_ITEMS, 0);
	put_u64(&attrs, VMSHARE_A_MERGED_FRAMES, 500);
	put_u64(&attrs, VMSHARE_A_MERGED_MAPPINGS, 2000);
	put_u8(&attrs, VMSHARE_A_CONSISTENT, 1);
	put_u32(&attrs, VMSHARE_A_VMS, VMS);
	send_row(peer, FAMILY, VMSHARE_CMD_HOST, 0, &attrs);
	send_ack(peer, 0);
}

static void put_counters(struct bytes *attrs, const struct peer *peer)
{
	put_u64(attrs, VMSHARE_A_RUN_NS, SECOND * peer->looks / 2);
	put_u64(attrs, VMSHARE_A_READY_NS, SECOND * peer->looks / 10);
	put_u64(attrs, VMSHARE_A_GUEST_NS, SECOND * peer->looks / 4);
	put_u64(attrs, VMSHARE_A_VOLUNTARY_SWITCHES, 1000 * peer->looks);
	put_u64(attrs, VMSHARE_A_INVOLUNTARY_SWITCHES, 10 * peer->looks);
	put_u64(attrs, VMSHARE_A_MIGRATIONS, 3 * peer->looks);
}

static void answer_vms(struct peer *peer)
{
	bool wrong = peer->fault == PEER_MISCOUNTS && peer->by_pages;
	uint32_t i;

	for (i = 0; i < VMS; i++) {
		struct bytes attrs = {};

		put_u32(&attrs, VMSHARE_A_PID, FIRST_PID + i);
		put_u64(&attrs, VMSHARE_A_START_TIME_NS, SECOND * (i + 1));
		put_text(&attrs, VMSHARE_A_COMM, "qemu-system-x86");
		put_u64(&attrs, VMSHARE_A_ANON_BYTES, PAGES);
		put_u64(&attrs, VMSHARE_A_UNIQUE_BYTES, PAGES / 2 + wrong * 4096);
		put_u64(&attrs, VMSHARE_A_SELF_SHARED_BYTES, 0);
		put_u64(&attrs, VMSHARE_A_SELF_FRAMES_BYTES, 0);
		put_u64(&attrs, VMSHARE_A_INTER_SHARED_BYTES, PAGES / 2);
		put_u64(&attrs, VMSHARE_A_SHMEM_BYTES, 0);
		put_u64(&attrs, VMSHARE_A_PRIVATE_SHMEM_BYTES, 0);
		put_u64(&attrs, VMSHARE_A_SWAP_BYTES, 0);
		put_u64(&attrs, VMSHARE_A_PAGE_TABLES_BYTES, 4096);
		put_u64(&attrs, VMSHARE_A_FREED_BYTES, PAGES / 2 + 4096);
		put_u32(&attrs, VMSHARE_A_VCPUS, 1);
		put_counters(&attrs, peer);
		send_row(peer, FAMILY, VMSHARE_CMD_VM, NLM_F_MULTI, &attrs);
	}
	send_done(peer);
}

static void answer_vcpus(struct peer *peer)
{
	uint32_t i;

	for (i = 0; i < VMS; i++) {
		struct bytes attrs = {};

		put_u32(&attrs, VMSHARE_A_PID, FIRST_PID + i);
		put_u32(&attrs, VMSHARE_A_VCPU_ID, 0);
		put_u32(&attrs, VMSHARE_A_TID, FIRST_PID + 100 + i);
		put_u64(&attrs, VMSHARE_A_EXITS, 5000 * peer->looks);
		put_counters(&attrs, peer);
		send_row(peer, FAMILY, VMSHARE_CMD_VCPU, NLM_F_MULTI, &attrs);
	}
	send_done(peer);
}

static void answer_sets(struct peer *peer)
{
	uint32_t pids[] = { FIRST_PID, FIRST_PID + 1, FIRST_PID + 2 }, i;

	for (i = 2; i <= VMS; i++) {
		struct bytes attrs = {};

		put_attr(&attrs, VMSHARE_A_MEMBERS, pids, i * sizeof(*pids));
		put_u8(&attrs, VMSHARE_A_OUTSIDE, 0);
		put_u64(&attrs, VMSHARE_A_FRAMES_BYTES, PAGES / 4);
		send_row(peer, FAMILY, VMSHARE_CMD_SET, NLM_F_MULTI, &attrs);
	}
	send_done(peer);
}

static void put_exit_reason(struct bytes *attrs, const char *name, uint64_t count)
{
	struct bytes inside = {};

	put_text(&inside, VMSHARE_EXIT_NAME, name);
	put_u64(&inside, VMSHARE_EXIT_COUNT, count);
	put_nest(attrs, VMSHARE_A_EXIT_REASON, &inside);
}

static void send_thread(struct peer *peer, uint32_t pid, uint32_t tid, uint32_t kind)
{
	uint64_t waits[20] = { [10] = 5 * peer->looks, [15] = peer->looks };
	struct bytes attrs = {};

	put_u32(&attrs, VMSHARE_A_PID, pid);
	put_u32(&attrs, VMSHARE_A_TID, tid);
	put_u32(&attrs, VMSHARE_A_THREAD_KIND, kind);
	put_text(&attrs, VMSHARE_A_COMM, "CPU 0/KVM");
	if (kind == VMSHARE_THREAD_VCPU) {
		put_u32(&attrs, VMSHARE_A_VCPU_ID, 0);
		put_exit_reason(&attrs, "hlt", 100 * peer->looks);
		put_exit_reason(&attrs, "io", 300 * peer->looks);
	}
	put_counters(&attrs, peer);
	put_u64(&attrs, VMSHARE_A_WAITS, 6 * peer->looks);
	put_u64(&attrs, VMSHARE_A_WAKEUPS, 4 * peer->looks);
	put_u64(&attrs, VMSHARE_A_WAIT_NS, 50000 * peer->looks);
	put_attr(&attrs, VMSHARE_A_WAIT_HISTOGRAM, waits, sizeof(waits));
	send_row(peer, FAMILY, VMSHARE_CMD_THREAD, NLM_F_MULTI, &attrs);
}

static void send_preemption(struct peer *peer, uint32_t pid, uint32_t by)
{
	struct bytes attrs = {};

	put_u32(&attrs, VMSHARE_A_PID, pid);
	put_u32(&attrs, VMSHARE_A_BY_PID, by);
	put_u64(&attrs, VMSHARE_A_COUNT, 3 * peer->looks);
	put_u64(&attrs, VMSHARE_A_WAIT_NS, 50000 * peer->looks);
	send_row(peer, FAMILY, VMSHARE_CMD_PREEMPTION, NLM_F_MULTI, &attrs);
}

static void answer_cpu(struct peer *peer)
{
	struct bytes attrs = {};
	uint32_t i;

	peer->looks++;
	put_u32(&attrs, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);
	put_u64(&attrs, VMSHARE_A_TRACKED_NS, SECOND * peer->looks);
	put_u32(&attrs, VMSHARE_A_CPUS, 2);
	put_u64(&attrs, VMSHARE_A_VMS_NS, SECOND * peer->looks);
	put_u64(&attrs, VMSHARE_A_HOST_NS, SECOND * peer->looks / 2);
	put_u64(&attrs, VMSHARE_A_IDLE_NS, SECOND * peer->looks / 2);
	send_row(peer, FAMILY, VMSHARE_CMD_CPU, NLM_F_MULTI, &attrs);
	for (i = 0; i < VMS; i++) {
		send_thread(peer, FIRST_PID + i, FIRST_PID + 100 + i, VMSHARE_THREAD_VCPU);
		send_thread(peer, FIRST_PID + i, FIRST_PID + 200 + i, VMSHARE_THREAD_VMM);
		send_preemption(peer, FIRST_PID + i, i ? FIRST_PID : 0);
	}
	send_done(peer);
}

static void answer_track(struct peer *peer)
{
	bool lacks = peer->fault == PEER_UNHOOKED ||
		     (peer->fault == PEER_HALF_HOOKED && (peer->hooks & VMSHARE_HOOK_KVM));

	send_ack(peer, lacks ? EOPNOTSUPP : 0);
}

static void answer(struct peer *peer, uint16_t type, uint8_t cmd)
{
	if (type == GENL_ID_CTRL) {
		answer_family(peer);
		return;
	}
	if (peer->fault == PEER_SILENT)
		return;
	if (peer->fault == PEER_BABBLES)
		babble(peer);
	if (peer->fault == PEER_STRANGE)
		send_strange(peer);
	switch (cmd) {
	case VMSHARE_CMD_INFO:
		answer_info(peer);
		break;
	case VMSHARE_CMD_HOST:
		answer_host(peer);
		break;
	case VMSHARE_CMD_VM:
		answer_vms(peer);
		break;
	case VMSHARE_CMD_VCPU:
		answer_vcpus(peer);
		break;
	case VMSHARE_CMD_SET:
		answer_sets(peer);
		break;
	case VMSHARE_CMD_CPU:
		answer_cpu(peer);
		break;
	case VMSHARE_CMD_TRACK:
		answer_track(peer);
		break;
	default:
		send_ack(peer, 0);
	}
}

/* A request's last attribute, if it is that number; else 0. */
static uint32_t last_number(const uint8_t *request, size_t len, uint16_t type)
{
	struct nlattr attr;
	uint32_t value;
	size_t at = len - sizeof(attr) - sizeof(value);

	memcpy(&attr, request + at, sizeof(attr));
	memcpy(&value, request + at + sizeof(attr), sizeof(value));
	return attr.nla_type == type ? value : 0;
}

void peer_serve(int fd, enum peer_fault fault)
{
	struct peer peer = { .fd = fd, .fault = fault };
	uint8_t request[4096];
	struct genlmsghdr generic;
	struct nlmsghdr head;
	ssize_t len;

	while ((len = recv(fd, request, sizeof(request), 0)) >=
	       (ssize_t)(sizeof(head) + sizeof(generic))) {
		memcpy(&head, request, sizeof(head));
		memcpy(&generic, request + sizeof(head), sizeof(generic));
		peer.seq = head.nlmsg_seq;
		peer.sent = 0;
		if (generic.cmd == VMSHARE_CMD_HOST)
			peer.by_pages = last_number(request, (size_t)len, VMSHARE_A_ENGINE) ==
					VMSHARE_ENGINE_PAGES;
		if (generic.cmd == VMSHARE_CMD_TRACK)
			peer.hooks = last_number(request, (size_t)len, VMSHARE_A_HOOKS);
		answer(&peer, head.nlmsg_type, generic.cmd);
	}
	_exit(0);
}
