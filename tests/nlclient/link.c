// SPDX-License-Identifier: GPL-2.0
#include "link.h"

#include <err.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "../../include/uapi/linux/vmshare.h"

static int resolve(struct link *link)
{
	link->family = genl_ctrl_resolve(link->sock, VMSHARE_GENL_NAME);
	if (link->family >= 0)
		return 0;
	return link->family == -NLE_OBJ_NOTFOUND ? ENOENT : EIO;
}

int link_open(struct link *link, int receive_buffer)
{
	int on = 1;
	int error;

	link->sock = nl_socket_alloc();
	if (!link->sock)
		err(1, "no memory for a netlink socket");
	if (genl_connect(link->sock)) {
		error = errno ? errno : EIO;
		nl_socket_free(link->sock);
		return error;
	}
	link->fd = nl_socket_get_fd(link->sock);
	error = resolve(link);
	if (error) {
		link_close(link);
		return error;
	}
	setsockopt(link->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(link->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (receive_buffer)
		setsockopt(link->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	link_set_timeout(link, ANSWER_SECONDS);
	return 0;
}

void link_close(struct link *link)
{
	nl_socket_free(link->sock);
}

void link_set_timeout(struct link *link, unsigned int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };

	setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

int link_join_events(struct link *link)
{
	int group = genl_ctrl_resolve_grp(link->sock, VMSHARE_GENL_NAME, VMSHARE_MCGRP_EVENTS);

	if (group < 0)
		return ENOENT;
	if (setsockopt(link->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return errno;
	return 0;
}

struct nl_msg *link_request(const struct link *link, uint8_t command, int flags)
{
	struct nl_msg *message = nlmsg_alloc_size(128 << 10);

	if (!message)
		err(1, "no memory for a request");
	genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0, flags, command,
		    VMSHARE_GENL_VERSION);
	return message;
}

void link_send_bytes(struct link *link, const void *bytes, size_t size)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(link->fd, bytes, size, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		err(1, "sending a request of %zu bytes", size);
}

void link_send(struct link *link, struct nl_msg *message)
{
	const struct nlmsghdr *header;

	nl_complete_msg(link->sock, message);
	header = nlmsg_hdr(message);
	link_send_bytes(link, header, header->nlmsg_len);
	nlmsg_free(message);
}

/* The attributes of an ack follow the error and, unless capped, the request. */
static void parse_ack(struct answer *answer, const struct nlmsghdr *message, size_t skip)
{
	const struct nlattr *at = (const struct nlattr *)((const char *)nlmsg_data(message) + skip);
	int left = nlmsg_datalen(message) - skip;
	const struct nlattr *attr;
	int remaining;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	nla_for_each_attr(attr, (struct nlattr *)at, left, remaining) {
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			nla_strlcpy(answer->text, attr, sizeof(answer->text));
		else if (nla_type(attr) == NLMSGERR_ATTR_OFFS)
			answer->offset = nla_get_u32((struct nlattr *)attr);
	}
}

static void take_error(struct answer *answer, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = nlmsg_data(message);
	size_t skip = sizeof(*error);

	answer->error = -error->error;
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	parse_ack(answer, message, skip);
}

/* A dump that fails underway says so where it is done. */
static void take_done(struct answer *answer, const struct nlmsghdr *message)
{
	int error = 0;

	if (nlmsg_datalen(message) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(message), sizeof(error));
	if (error < 0)
		answer->error = -error;
	parse_ack(answer, message, sizeof(error));
}

/* True at the end of the exchange. */
static bool take(struct answer *answer, const struct nlmsghdr *message,
		 message_fn visit, void *arg)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR) {
		take_error(answer, message);
		return true;
	}
	if (message->nlmsg_type == NLMSG_DONE) {
		take_done(answer, message);
		return true;
	}
	answer->messages++;
	if (visit)
		visit(message, arg);
	return false;
}

bool link_receive_some(struct link *link, message_fn visit, void *arg, struct answer *answer)
{
	char buffer[64 << 10] __attribute__((aligned(8)));
	struct nlmsghdr *message = (struct nlmsghdr *)buffer;
	int size = recv(link->fd, buffer, sizeof(buffer), 0);
	bool ended = false;

	if (size < 0) {
		answer->silent = errno == EAGAIN;
		answer->error = answer->silent ? 0 : errno;
		return true;
	}
	for (; nlmsg_ok(message, size); message = nlmsg_next(message, &size))
		ended |= take(answer, message, visit, arg);
	return ended;
}

void link_receive(struct link *link, message_fn visit, void *arg, struct answer *answer)
{
	*answer = (struct answer){ .offset = -1 };
	while (!link_receive_some(link, visit, arg, answer))
		;
}

bool link_is_served(uint8_t command)
{
	struct answer answer;
	struct link link;

	if (link_open(&link, 0))
		return false;
	link_send(&link, link_request(&link, command, 0));
	link_receive(&link, NULL, NULL, &answer);
	link_close(&link);
	return !answer.error && !answer.silent && answer.messages == 1;
}
