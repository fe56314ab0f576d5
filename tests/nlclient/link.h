/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket to the generic netlink family and the exchange of messages on it.
 * libnl builds messages and walks attributes; sending and receiving is done
 * here, because libnl drops the extended acks and the flags of dumps.
 */
#ifndef NLCLIENT_LINK_H
#define NLCLIENT_LINK_H

#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_SECONDS 30	/* a walk may take long on an emulated machine */

struct link {
	struct nl_sock *sock;
	int fd;
	int family;
};

/* How the kernel closed an exchange. */
struct answer {
	int error;		/* errno, 0 if it went well */
	char text[256];		/* extended ack */
	long offset;		/* of the attribute at fault, -1 if not told */
	bool interrupted;	/* a dump whose data changed underway */
	bool silent;		/* no answer within the deadline */
	unsigned long messages;
	uint64_t fastest_ns;	/* of repeated exchanges, else 0 */
};

typedef void (*message_fn)(const struct nlmsghdr *message, void *arg);

/* 0, or a positive errno: ENOENT if the family is absent. */
int link_open(struct link *link, int receive_buffer);
void link_close(struct link *link);
int link_join_events(struct link *link);

/* A request without attributes; the caller adds them and sends it. */
struct nl_msg *link_request(const struct link *link, uint8_t command, int flags);
/* Consumes the message. */
void link_send(struct link *link, struct nl_msg *message);
/* Sends just so many bytes, whatever the header says. */
void link_send_bytes(struct link *link, const void *bytes, size_t size);
/* Until the end of the exchange; visit may be NULL. */
void link_receive(struct link *link, message_fn visit, void *arg, struct answer *answer);
/* As link_receive, but of one datagram; true when it ended the exchange. */
bool link_receive_some(struct link *link, message_fn visit, void *arg, struct answer *answer);
void link_set_timeout(struct link *link, unsigned int seconds);
/* Whether an honest client, on a socket of its own, gets the one answer to this command. */
bool link_is_served(uint8_t command);

#endif
