// SPDX-License-Identifier: GPL-2.0
#include "fuzz.h"

#include <err.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../include/uapi/linux/vmshare.h"
#include "link.h"
#include "print.h"

#define BATCH 500		/* messages on one socket, then an honest request */
#define ROOM (72 << 10)		/* bytes of one datagram */
#define MOST_ATTRS 6
#define DEEPEST_NEST 4

enum shape { NEARLY_RIGHT, STRUCTURED, RANDOM_BODY, RANDOM_ALL, SHAPES };

static const char *const shape_names[SHAPES] = {
	"nearly_right", "structured", "random_bodies", "random_bytes",
};

#define MOST_TAKEN 4

/* What the family takes. */
static const struct request {
	uint8_t command;
	uint16_t flags;
	uint16_t attrs[MOST_TAKEN + 1];
} requests[] = {
	{ VMSHARE_CMD_INFO, 0, { 0 } },
	{ VMSHARE_CMD_HOST, 0, { VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE, VMSHARE_A_GENERATION } },
	{ VMSHARE_CMD_HOST, NLM_F_DUMP, { VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE } },
	{ VMSHARE_CMD_VM, 0, { VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE, VMSHARE_A_PID } },
	{ VMSHARE_CMD_VM, NLM_F_DUMP, { VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE } },
	{ VMSHARE_CMD_VCPU, NLM_F_DUMP, { VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE, VMSHARE_A_PID } },
	{ VMSHARE_CMD_SET, NLM_F_DUMP, { VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE } },
	{ VMSHARE_CMD_SET, NLM_F_DUMP, { VMSHARE_A_GENERATION } },
	{ VMSHARE_CMD_TRACK, NLM_F_ACK, { VMSHARE_A_HOOKS } },
	{ VMSHARE_CMD_CPU, NLM_F_DUMP, { VMSHARE_A_PID, VMSHARE_A_BRIEF } },
};

struct counts {
	unsigned long sent[SHAPES];
	unsigned long datagrams;
	unsigned long unsent;		/* the kernel did not even take them */
	unsigned long abandoned;	/* answers that were left unread */
	unsigned long messages;		/* of answers */
	unsigned long acks;
	unsigned long done;		/* dumps that came to their end */
	unsigned long malformed;	/* answers that do not add up */
	unsigned long served;		/* honest requests in between */
	unsigned long errors[MAX_ERRNO];
};

/* What is being forged: bytes so far, and chance. */
struct forge {
	uint64_t state;
	int family;
	size_t size;
	unsigned char *bytes;
};

/* splitmix64: good enough for chance, and any number may seed it. */
static uint64_t draw64(struct forge *f)
{
	uint64_t z = f->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int draw(struct forge *f, unsigned int below)
{
	return draw64(f) % below;
}

static bool once_in(struct forge *f, unsigned int times)
{
	return !draw(f, times);
}

/* ---- bytes ---- */

/* Return: where they are, or NULL if the datagram is full. */
static void *append(struct forge *f, const void *bytes, size_t size)
{
	void *at = f->bytes + f->size;

	if (f->size + size > ROOM)
		return NULL;
	memcpy(at, bytes, size);
	f->size += size;
	return at;
}

static void append_random(struct forge *f, size_t size)
{
	while (size--) {
		unsigned char byte = draw64(f);

		append(f, &byte, 1);
	}
}

static void pad(struct forge *f)
{
	while (f->size % NLMSG_ALIGNTO && append(f, "", 1))
		;
}

/* ---- attributes ---- */

static uint16_t draw_type(struct forge *f)
{
	static const uint16_t asked[] = {
		VMSHARE_A_GENERATION, VMSHARE_A_MAX_AGE_MS, VMSHARE_A_ENGINE,
		VMSHARE_A_PID, VMSHARE_A_HOOKS, VMSHARE_A_BRIEF,
	};
	uint16_t type;

	switch (draw(f, 8)) {
	case 0:
		type = draw(f, VMSHARE_A_MAX + 8);
		break;
	case 1:
		type = draw64(f);
		break;
	default:
		type = asked[draw(f, sizeof(asked) / sizeof(asked[0]))];
		break;
	}
	if (once_in(f, 16))
		type ^= NLA_F_NESTED;
	if (once_in(f, 32))
		type ^= NLA_F_NET_BYTEORDER;
	return type;
}

static size_t right_size(uint16_t type)
{
	if (type == VMSHARE_A_BRIEF)
		return 0;
	return type == VMSHARE_A_GENERATION ? 8 : 4;
}

static size_t draw_size(struct forge *f, uint16_t type)
{
	switch (draw(f, 16)) {
	case 0:
		return 0;
	case 1:
		return draw(f, 16);
	case 2:
		return draw(f, 2000);
	case 3:
		return once_in(f, 16) ? 60000 : 8;
	default:
		return right_size(type);
	}
}

static uint64_t draw_value(struct forge *f)
{
	static const uint64_t edges[] = {
		0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7fffffffffffffff, 0x8000000000000000, UINT64_MAX,
	};

	switch (draw(f, 4)) {
	case 0:
		return edges[draw(f, sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return draw(f, 8192);
	case 2:
		return draw64(f);
	default:
		return draw(f, 5);
	}
}

static void append_payload(struct forge *f, size_t size)
{
	uint64_t value = draw_value(f);

	if (size <= sizeof(value))
		append(f, &value, size);
	else
		append_random(f, size);
}

static void append_attrs(struct forge *f, unsigned int most, int depth);

static void append_attr(struct forge *f, int depth)
{
	struct nlattr header = { .nla_type = draw_type(f) }, *at;
	size_t before = f->size;

	at = append(f, &header, sizeof(header));
	if (!at)
		return;
	if (depth && once_in(f, 10))
		append_attrs(f, 3, depth - 1);
	else
		append_payload(f, draw_size(f, header.nla_type));
	at->nla_len = f->size - before;
	if (once_in(f, 20))	/* it claims to be longer, or shorter */
		at->nla_len += draw(f, 2) ? draw(f, 100) : -draw(f, 12);
	pad(f);
}

/* The same attribute again, as it is. */
static void repeat_from(struct forge *f, size_t from)
{
	size_t size = f->size - from;

	if (f->size + size <= ROOM)
		append(f, f->bytes + from, size);
}

static void append_attrs(struct forge *f, unsigned int most, int depth)
{
	unsigned int nr = draw(f, most + 1);

	while (nr--) {
		size_t before = f->size;

		append_attr(f, depth);
		if (once_in(f, 8))
			repeat_from(f, before);
	}
	if (once_in(f, 20))
		append_random(f, 1 + draw(f, 7));
}

/* ---- messages ---- */

/* Never another family's number: what that would do is nobody's business here. */
static uint16_t draw_family(struct forge *f)
{
	return once_in(f, 20) ? draw(f, NLMSG_MIN_TYPE) : (unsigned int)f->family;
}

static uint16_t draw_flags(struct forge *f)
{
	static const uint16_t some[] = {
		NLM_F_ACK, NLM_F_ECHO, NLM_F_ROOT, NLM_F_MATCH, NLM_F_ATOMIC, NLM_F_DUMP,
		NLM_F_DUMP, NLM_F_DUMP | NLM_F_ACK, NLM_F_CREATE | NLM_F_EXCL,
	};
	uint16_t flags = once_in(f, 30) ? 0 : NLM_F_REQUEST;

	if (once_in(f, 3))
		flags |= some[draw(f, sizeof(some) / sizeof(some[0]))];
	if (once_in(f, 20))
		flags ^= draw64(f);
	return flags;
}

static void append_structure(struct forge *f)
{
	struct genlmsghdr header = {
		.cmd = once_in(f, 10) ? draw64(f) : draw(f, VMSHARE_CMD_MAX + 2),
		.version = once_in(f, 10) ? draw64(f) : VMSHARE_GENL_VERSION,
		.reserved = once_in(f, 30) ? draw64(f) : 0,
	};

	append(f, &header, sizeof(header));
	append_attrs(f, MOST_ATTRS, DEEPEST_NEST);
}

/* A small number, as most that make sense are; an age that mostly saves the walk. */
static void append_number(struct forge *f, uint16_t type)
{
	struct nlattr header = { .nla_len = NLA_HDRLEN + right_size(type), .nla_type = type };
	uint64_t value = once_in(f, 4) ? draw_value(f) :
			 draw(f, type == VMSHARE_A_MAX_AGE_MS ? 5000 : 4);

	append(f, &header, sizeof(header));
	append(f, &value, right_size(type));
}

/* A request as the family takes it, sometimes with one thing more. Return: its flags. */
static uint16_t append_request(struct forge *f)
{
	const struct request *request = &requests[draw(f, sizeof(requests) / sizeof(requests[0]))];
	struct genlmsghdr header = { .cmd = request->command, .version = VMSHARE_GENL_VERSION };

	append(f, &header, sizeof(header));
	for (int i = 0; request->attrs[i]; i++)
		if (!once_in(f, 4))
			append_number(f, request->attrs[i]);
	if (once_in(f, 4))
		append_attr(f, DEEPEST_NEST);
	return NLM_F_REQUEST | request->flags;
}

static void append_message(struct forge *f, enum shape shape)
{
	struct nlmsghdr header = {
		.nlmsg_type = draw_family(f),
		.nlmsg_flags = draw_flags(f),
		.nlmsg_seq = draw64(f),
		.nlmsg_pid = once_in(f, 10) ? draw64(f) : 0,
	}, *at = append(f, &header, sizeof(header));
	size_t before = f->size - sizeof(header);

	if (!at)
		return;
	if (shape == NEARLY_RIGHT)
		at->nlmsg_flags = append_request(f);
	else if (shape == STRUCTURED)
		append_structure(f);
	else
		append_random(f, draw(f, 200));
	at->nlmsg_len = f->size - before;
	if (once_in(f, 30))
		at->nlmsg_len = once_in(f, 2) ? draw64(f) : at->nlmsg_len + draw(f, 64) - 32;
	pad(f);
}

/* A header of chance as well, but for the family. */
static void append_bytes(struct forge *f)
{
	struct nlmsghdr *at = (struct nlmsghdr *)(f->bytes + f->size);
	size_t before = f->size;

	append_random(f, draw(f, 300));
	if (f->size - before < sizeof(*at))
		return;
	at->nlmsg_type = draw_family(f);
	if (once_in(f, 2))
		at->nlmsg_len = f->size - before;
}

static enum shape draw_shape(struct forge *f)
{
	switch (draw(f, 10)) {
	case 0:
		return RANDOM_ALL;
	case 1:
		return RANDOM_BODY;
	case 2:
	case 3:
	case 4:
		return STRUCTURED;
	default:
		return NEARLY_RIGHT;
	}
}

/* Mostly one message, sometimes several. Behind random bytes nothing can follow. */
static void forge_datagram(struct forge *f, struct counts *counts)
{
	unsigned int nr = once_in(f, 12) ? 2 + draw(f, 3) : 1;
	enum shape shape;

	f->size = 0;
	do {
		shape = draw_shape(f);
		counts->sent[shape]++;
		if (shape == RANDOM_ALL)
			append_bytes(f);
		else
			append_message(f, shape);
	} while (--nr && shape != RANDOM_ALL);
}

/* ---- answers ---- */

static bool is_whole(const struct nlmsghdr *message)
{
	struct nlattr *attr;
	int left;

	if (nlmsg_datalen(message) < (int)GENL_HDRLEN)
		return false;
	nla_for_each_attr(attr, genlmsg_attrdata(nlmsg_data(message), 0),
			  genlmsg_attrlen(nlmsg_data(message), 0), left)
		;
	return !left;
}

static void count_error(struct counts *counts, int error)
{
	if (error)
		counts->errors[abs(error) % MAX_ERRNO]++;
}

static void count_message(struct counts *counts, const struct nlmsghdr *message, int family)
{
	int error = 0;

	if (nlmsg_datalen(message) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(message), sizeof(error));
	if (message->nlmsg_type == NLMSG_ERROR) {
		counts->acks += !error;
		count_error(counts, error);
	} else if (message->nlmsg_type == NLMSG_DONE) {
		counts->done += error >= 0;
		count_error(counts, error < 0 ? error : 0);
	} else {
		counts->messages++;
		counts->malformed += message->nlmsg_type != family || !is_whole(message);
	}
}

/* The kernel answers while it is asked: what is not there now never comes. */
static void read_answers(struct link *link, struct counts *counts)
{
	static char buffer[64 << 10] __attribute__((aligned(8)));

	for (;;) {
		struct nlmsghdr *message = (struct nlmsghdr *)buffer;
		int size = recv(link->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (size < 0 && errno == EAGAIN)
			return;
		if (size < 0)
			count_error(counts, errno);
		for (; nlmsg_ok(message, size); message = nlmsg_next(message, &size))
			count_message(counts, message, link->family);
		counts->malformed += size > 0;
	}
}

static void send_datagram(struct link *link, const struct forge *f, struct counts *counts)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	counts->datagrams++;
	if (sendto(link->fd, f->bytes, f->size, 0, (struct sockaddr *)&kernel, sizeof(kernel)) >= 0)
		return;
	counts->unsent++;
	count_error(counts, errno);
}

/* ---- a run ---- */

static unsigned long nr_sent(const struct counts *counts)
{
	unsigned long sum = 0;

	for (int i = 0; i < SHAPES; i++)
		sum += counts->sent[i];
	return sum;
}

/* Datagrams on one socket. Now and then a dump is left unread, for the next to meet. */
static void run_batch(struct link *link, struct forge *f, uint64_t seed, unsigned long *number,
		      unsigned long end, struct counts *counts)
{
	unsigned long last = *number + BATCH < end ? *number + BATCH : end;

	for (; *number < last; ++*number) {
		f->state = seed ^ (*number + 1) * 0xd1342543de82ef95;
		forge_datagram(f, counts);
		send_datagram(link, f, counts);
		if (once_in(f, 10))
			counts->abandoned++;
		else
			read_answers(link, counts);
	}
}

static bool still_serves(struct counts *counts)
{
	bool served = link_is_served(VMSHARE_CMD_INFO) && link_is_served(VMSHARE_CMD_HOST);

	counts->served += 2 * served;
	return served;
}

static bool run(const struct fuzz_options *options, struct forge *f, struct counts *counts,
		unsigned long *number)
{
	unsigned long end = options->first + options->messages;
	struct link link;
	int error;

	while (*number < end) {
		error = link_open(&link, 0);
		if (error)
			errx(1, "opening the netlink family: %s; load vmshare.ko", strerror(error));
		f->family = link.family;
		run_batch(&link, f, options->seed, number, end, counts);
		link_close(&link);
		if (!still_serves(counts))
			return false;
	}
	return true;
}

static void print_counts(const struct fuzz_options *options, const struct counts *counts,
			 unsigned long number, bool alive)
{
	printf("{\"seed\":%llu,\"first\":%lu,\"end\":%lu,\"messages\":%lu", options->seed,
	       options->first, number, nr_sent(counts));
	for (int i = 0; i < SHAPES; i++)
		printf(",\"%s\":%lu", shape_names[i], counts->sent[i]);
	printf(",\"datagrams\":%lu,\"unsent\":%lu,\"abandoned\":%lu,\"answers\":%lu,\"acks\":%lu,"
	       "\"done\":%lu,\"malformed\":%lu,\"served\":%lu,\"alive\":%s,\"errors\":{",
	       counts->datagrams, counts->unsent, counts->abandoned, counts->messages,
	       counts->acks, counts->done, counts->malformed, counts->served,
	       alive ? "true" : "false");
	print_errors(counts->errors);
	printf("}}\n");
}

int fuzz(const struct fuzz_options *options)
{
	struct forge f = { .bytes = malloc(ROOM) };
	struct counts counts = { .sent = { 0 } };
	unsigned long number = options->first;
	bool alive;

	if (!f.bytes)
		err(1, "no memory for a datagram");
	alive = run(options, &f, &counts, &number);
	print_counts(options, &counts, number, alive);
	free(f.bytes);
	return !alive || counts.malformed;
}
