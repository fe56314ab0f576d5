// SPDX-License-Identifier: GPL-2.0
/* Subscription to the module's multicast group. */
#include "events.h"

#include <linux/vmshare.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>

struct events {
	struct nl_sock *socket;
	bool seen;
};

static int on_message(struct nl_msg *message, void *data)
{
	const struct nlmsghdr *head = nlmsg_hdr(message);
	const struct genlmsghdr *body;
	struct events *events = data;

	if (!genlmsg_valid_hdr(nlmsg_hdr(message), 0))
		return NL_SKIP;
	body = nlmsg_data(head);
	if (body->cmd == VMSHARE_CMD_VM_APPEARED || body->cmd == VMSHARE_CMD_VM_GONE)
		events->seen = true;
	return NL_OK;
}

/* Returns 0 or libnl's negative error. */
static int subscribe(struct events *events)
{
	int group, ret;

	nl_socket_disable_seq_check(events->socket);
	nl_socket_modify_cb(events->socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, events);
	ret = genl_connect(events->socket);
	if (ret)
		return ret;
	group = genl_ctrl_resolve_grp(events->socket, VMSHARE_GENL_NAME, VMSHARE_MCGRP_EVENTS);
	if (group < 0)
		return group;
	ret = nl_socket_add_membership(events->socket, group);
	return ret ? ret : nl_socket_set_nonblocking(events->socket);
}

int events_open(struct events **result, struct error *err)
{
	struct events *events = calloc(1, sizeof(*events));
	int ret;

	if (!events)
		return error_no_memory(err);
	events->socket = nl_socket_alloc();
	ret = events->socket ? subscribe(events) : -NLE_NOMEM;
	if (ret) {
		events_close(events);
		return error_set(err, EXIT_RUNTIME,
				 "cannot listen for VMs that appear and go: %s; see vmshare version",
				 nl_geterror(ret));
	}
	*result = events;
	return 0;
}

int events_fd(const struct events *events)
{
	return nl_socket_get_fd(events->socket);
}

bool events_drain(struct events *events)
{
	int ret;

	events->seen = false;
	do {
		ret = nl_recvmsgs_default(events->socket);
		/* the socket overflowed: something happened, but not what */
		if (ret == -NLE_NOMEM)
			events->seen = true;
	} while (!ret);
	return events->seen;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	if (events->socket)
		nl_socket_free(events->socket);
	free(events);
}
