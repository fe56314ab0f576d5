// SPDX-License-Identifier: GPL-2.0
/*
 * The client against a kernel that answers anything: the input is a row of
 * answers, each two bytes of length and the bytes. Sequence numbers are filled in,
 * as no input could guess them.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "nl.h"

struct kernel {
	const uint8_t *data;
	size_t left;
	uint32_t sequence;		/* of the last request */
};

static ssize_t kernel_send(void *priv, const void *bytes, size_t len)
{
	struct kernel *kernel = priv;
	struct nlmsghdr head;

	if (len < sizeof(head))
		abort();
	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_len > len)
		abort();
	kernel->sequence = head.nlmsg_seq;
	return (ssize_t)len;
}

static void number_messages(uint8_t *bytes, size_t len, uint32_t sequence)
{
	struct nlmsghdr head;

	while (len >= sizeof(head)) {
		size_t step;

		memcpy(&head, bytes, sizeof(head));
		head.nlmsg_seq = sequence;
		memcpy(bytes, &head, sizeof(head));
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step < sizeof(head) || step > len)
			break;
		bytes += step;
		len -= step;
	}
}

static ssize_t kernel_recv(void *priv, void *bytes, size_t room)
{
	struct kernel *kernel = priv;
	size_t len;

	if (kernel->left < 2) {
		errno = EAGAIN;
		return -1;
	}
	len = kernel->data[0] | (size_t)kernel->data[1] << 8;
	kernel->data += 2;
	kernel->left -= 2;
	len = len > kernel->left ? kernel->left : len;
	len = len > room ? room : len;
	memcpy(bytes, kernel->data, len);
	kernel->data += len;
	kernel->left -= len;
	number_messages(bytes, len, kernel->sequence);
	return (ssize_t)len;
}

static void ask(struct client *client)
{
	struct client_request request = { .vcpus = true, .sets = true };
	struct module_info info;
	struct snapshot snap;
	struct error err = {};

	if (!client_info(client, &info, &err))
		module_info_free(&info);
	else if (!err.code || !*err.message)
		abort();
	if (!client_snapshot(client, &request, &snap, &err))
		snapshot_free(&snap);
	else if (!err.code || !*err.message)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel kernel = { data, size, 0 };
	struct nl_io io = { kernel_send, kernel_recv, &kernel };
	struct client *client;
	struct error err;

	if (client_open(&client, &io, &err))
		return 0;
	ask(client);
	client_close(client);
	return 0;
}
