// SPDX-License-Identifier: GPL-2.0
/*
 * One netlink socket: requests with a number of their own, answers, and the
 * kernel's own words when it refuses.
 */
#include "nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define BUFFER_SIZE (128 * 1024)	/* an answer's part: attributes are below 64 KiB */
#define TIMEOUT_SECONDS 60		/* a walk over a terabyte takes seconds */
#define MORE 1

struct nl {
	struct mnl_socket *socket;	/* NULL: io is the tests' own */
	struct nl_io io;
	const char *family_name;
	uint16_t family;
	uint8_t version;
	uint32_t sequence;
	char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

struct answer {
	nl_row_fn row;
	void *data;
	bool interrupted;
	bool heard;			/* a part of it has come */
	struct error *err;
};

static ssize_t socket_send(void *priv, const void *bytes, size_t len)
{
	return mnl_socket_sendto(priv, bytes, len);
}

static ssize_t socket_recv(void *priv, void *bytes, size_t len)
{
	return mnl_socket_recvfrom(priv, bytes, len);
}

/* Old kernels refuse some of these; the answers are then only less precise. */
static void set_options(struct mnl_socket *socket)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	int on = 1;

	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
}

static int open_socket(struct nl *nl, struct error *err)
{
	nl->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return error_set(err, EXIT_RUNTIME,
				 "cannot open a generic netlink socket: %s; is AF_NETLINK forbidden here (container, seccomp)?",
				 strerror(errno));
	set_options(nl->socket);
	nl->io = (struct nl_io){ socket_send, socket_recv, nl->socket };
	return 0;
}

/* The text of an extended ack that starts so many bytes into the payload. */
static const char *extack_text(const struct nlmsghdr *message, size_t offset)
{
	const struct nlattr *attr;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    offset > mnl_nlmsg_get_payload_len(message))
		return NULL;
	mnl_attr_for_each(attr, message, offset) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

/* An error's extended ack follows the request, or its header if capped. */
static size_t extack_offset(const struct nlmsghdr *message)
{
	const struct nlmsgerr *body = mnl_nlmsg_get_payload(message);
	size_t offset = sizeof(*body);

	if (!(message->nlmsg_flags & NLM_F_CAPPED) && body->msg.nlmsg_len > sizeof(body->msg))
		offset += MNL_ALIGN(body->msg.nlmsg_len - sizeof(body->msg));
	return offset;
}

static enum exit_code exit_code_of(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return EXIT_PERMISSION;
	case EOPNOTSUPP:
		return EXIT_SUPPORT;
	default:
		return EXIT_RUNTIME;
	}
}

static const char *advice_of(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "; it needs CAP_NET_ADMIN in the initial user namespace: run it as root";
	case EOPNOTSUPP:
		return "; vmshare version shows what this kernel lacks";
	case ESTALE:
		return "; try again";
	default:
		return "";
	}
}

/* The module's own words say best what to do. error is positive; returns its negative. */
static int refused(struct error *err, int error, const char *text)
{
	if (text)
		error_set(err, exit_code_of(error), "the module refused the request: %s (%s)", text,
			  strerror(error));
	else
		error_set(err, exit_code_of(error), "the module refused the request: %s%s",
			  strerror(error), advice_of(error));
	return -error;
}

/* The error number at the start of the payload, always in the range of errno. */
static int error_number(const struct nlmsghdr *message)
{
	int number;

	memcpy(&number, mnl_nlmsg_get_payload(message), sizeof(number));
	return number < 0 && number >= -4095 ? -number : number ? EPROTO : 0;
}

static int broken(struct error *err)
{
	error_set(err, EXIT_RUNTIME,
		  "the kernel's netlink answer is cut short; try again, and report it if it stays");
	return -EPROTO;
}

static int on_error(const struct nlmsghdr *message, struct answer *answer)
{
	int error;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
		return broken(answer->err);
	error = error_number(message);
	if (!error)
		return 0;
	return refused(answer->err, error, extack_text(message, extack_offset(message)));
}

static int was_interrupted(struct error *err)
{
	error_set(err, EXIT_RUNTIME,
		  "VMs came and went while the kernel listed them, several times over; try again");
	return -EAGAIN;
}

static int on_done(const struct nlmsghdr *message, struct answer *answer)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		error = error_number(message);
	if (error)
		return refused(answer->err, error, extack_text(message, MNL_ALIGN(sizeof(error))));
	return answer->interrupted ? was_interrupted(answer->err) : 0;
}

static int on_row(const struct nlmsghdr *message, struct answer *answer)
{
	size_t len = mnl_nlmsg_get_payload_len(message);
	const struct genlmsghdr *head = mnl_nlmsg_get_payload(message);

	if (len < GENL_HDRLEN)
		return broken(answer->err);
	if (answer->row(head->cmd, mnl_nlmsg_get_payload_offset(message, GENL_HDRLEN),
			len - GENL_HDRLEN, answer->data, answer->err))
		return -EPROTO;
	return MORE;
}

static int on_message(struct nl *nl, const struct nlmsghdr *message, struct answer *answer)
{
	/* left over from a request that was given up */
	if (message->nlmsg_seq != nl->sequence)
		return MORE;
	answer->heard = true;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_ERROR:
		return on_error(message, answer);
	case NLMSG_DONE:
		return on_done(message, answer);
	case NLMSG_NOOP:
		return MORE;
	case NLMSG_OVERRUN:
		return was_interrupted(answer->err);
	default:
		return on_row(message, answer);
	}
}

/* libmnl's own check takes a length from 2^31 on for a negative one, and lets it pass. */
static bool is_whole(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

static int on_bytes(struct nl *nl, size_t len, struct answer *answer)
{
	const struct nlmsghdr *message = (const void *)nl->buffer;
	int left = (int)len, ret;

	while (is_whole(message, left)) {
		ret = on_message(nl, message, answer);
		if (ret != MORE)
			return ret;
		message = mnl_nlmsg_next(message, &left);
	}
	return left > 0 && left >= (int)sizeof(*message) ? broken(answer->err) : MORE;
}

static int no_answer(struct error *err)
{
	error_set(err, EXIT_RUNTIME,
		  "the module did not answer within %d seconds; look for its messages in dmesg",
		  TIMEOUT_SECONDS);
	return -ETIMEDOUT;
}

static int receive_failed(struct error *err)
{
	int error = errno;

	if (error == ENOBUFS)
		return was_interrupted(err);
	if (error == EAGAIN)
		return no_answer(err);
	error_set(err, EXIT_RUNTIME, "cannot receive from the kernel: %s", strerror(error));
	return -error;
}

static time_t seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static int receive_part(struct nl *nl, struct answer *answer)
{
	ssize_t len = nl->io.recv(nl->io.priv, nl->buffer, sizeof(nl->buffer));

	if (len < 0 && errno == EINTR)
		return MORE;
	if (len <= 0)
		return len ? receive_failed(answer->err) : broken(answer->err);
	return on_bytes(nl, (size_t)len, answer);
}

/*
 * The socket's own timeout begins anew with each signal that comes, and with each
 * message, also one that is meant for somebody else.
 */
static int receive_answer(struct nl *nl, struct answer *answer)
{
	time_t since = seconds();
	int ret;

	do {
		answer->heard = false;
		ret = receive_part(nl, answer);
		if (answer->heard)
			since = seconds();
	} while (ret == MORE && seconds() - since < TIMEOUT_SECONDS);
	return ret == MORE ? no_answer(answer->err) : ret;
}

static struct nlmsghdr *begin_message(struct nl *nl, uint16_t type, uint8_t cmd, uint8_t version,
				      bool dump)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(nl->buffer);
	struct genlmsghdr *head;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
	message->nlmsg_seq = ++nl->sequence;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->cmd = cmd;
	head->version = version;
	return message;
}

static int exchange(struct nl *nl, const struct nlmsghdr *message, struct answer *answer)
{
	if (nl->io.send(nl->io.priv, message, message->nlmsg_len) < 0) {
		int error = errno;

		error_set(answer->err, exit_code_of(error), "cannot send to the kernel: %s",
			  strerror(error));
		return -error;
	}
	return receive_answer(nl, answer);
}

int nl_call(struct nl *nl, const struct nl_request *request, nl_row_fn row, void *data,
	    struct error *err)
{
	struct answer answer = { .row = row, .data = data, .err = err };
	struct nlmsghdr *message;
	unsigned int i;

	message = begin_message(nl, nl->family, request->cmd, nl->version, request->dump);
	for (i = 0; i < request->n_attrs; i++) {
		const struct nl_attr *attr = &request->attrs[i];

		if (!attr->size)
			mnl_attr_put(message, attr->type, 0, NULL);
		else if (attr->size == sizeof(uint64_t))
			mnl_attr_put_u64(message, attr->type, attr->value);
		else
			mnl_attr_put_u32(message, attr->type, (uint32_t)attr->value);
	}
	return exchange(nl, message, &answer);
}

static int find_family_id(uint8_t cmd, const void *attrs, size_t len, void *data,
			  struct error *err)
{
	const struct nlattr *attr;
	uint16_t *family = data;

	(void)cmd;
	mnl_attr_for_each_payload(attrs, len) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			*family = mnl_attr_get_u16(attr);
	}
	return *family ? 0 : broken(err);
}

static int find_family(struct nl *nl, struct error *err)
{
	struct answer answer = { .row = find_family_id, .data = &nl->family, .err = err };
	struct nlmsghdr *message;
	int ret;

	message = begin_message(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, false);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, nl->family_name);
	ret = exchange(nl, message, &answer);
	if (ret == -ENOENT)
		error_set(err, EXIT_SUPPORT,
			  "the kernel has no netlink family \"%s\": the module is not loaded, or this is not the initial network namespace; load it: modprobe vmshare",
			  nl->family_name);
	return ret;
}

int nl_open(struct nl **result, const char *family, uint8_t version, const struct nl_io *io,
	    struct error *err)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int ret;

	if (!nl)
		return error_no_memory(err);
	nl->family_name = family;
	nl->version = version;
	if (io)
		nl->io = *io;
	ret = io ? 0 : open_socket(nl, err);
	if (!ret)
		ret = find_family(nl, err);
	if (ret) {
		nl_close(nl);
		return ret;
	}
	*result = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}
