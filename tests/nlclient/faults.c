// SPDX-License-Identifier: GPL-2.0
#include "faults.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../include/uapi/linux/vmshare.h"
#include "print.h"
#include "session.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define MOST 5000		/* no operation has so many allocations */

static int fail_nth, marker = -1;

static void open_controls(const struct faults_options *options)
{
	fail_nth = open(FAIL_NTH, O_RDWR);
	if (fail_nth < 0)
		err(1, "opening %s: it takes CONFIG_FAULT_INJECTION", FAIL_NTH);
	if (!options->marker)
		return;
	marker = open(options->marker, O_WRONLY);
	if (marker < 0)
		err(1, "opening %s", options->marker);
}

static void write_number(int fd, const char *before, unsigned long number)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "%s%lu", before, number);

	if (write(fd, text, size) != size)
		err(1, "writing \"%s\"", text);
}

/* From now on allocations are counted, and number @nth fails. 0: none does. */
static void arm(unsigned long nth)
{
	if (nth && marker >= 0)
		write_number(marker, "nth=", nth);
	if (nth)
		write_number(fail_nth, "", nth);
}

/* Return: how many more allocations it would have taken; 0: one has failed. */
static unsigned long disarm(void)
{
	char text[32] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		err(1, "reading %s", FAIL_NTH);
	write_number(fail_nth, "", 0);
	return strtoul(text, NULL, 10);
}

/* ---- a request ---- */

static bool is_well(const struct answer *answer)
{
	return !answer->error && !answer->silent;
}

static void exchange(struct link *link, const struct nlmsghdr *header, struct answer *answer)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	*answer = (struct answer){ .offset = -1 };
	if (sendto(link->fd, header, header->nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		answer->error = errno;
	else
		link_receive(link, NULL, NULL, answer);
}

/* Holds hooks on @link, which must go well. */
static void hold(struct link *link, uint32_t hooks)
{
	struct answer answer;

	ask_hooks(link, hooks, &answer);
	if (!is_well(&answer))
		errx(1, "asking for hooks that are to be held: %s", strerror(answer.error));
}

static void take_attached(const struct nlmsghdr *message, void *attached)
{
	const struct nlattr *hooks = nlmsg_find_attr((struct nlmsghdr *)message, GENL_HDRLEN,
						     VMSHARE_A_HOOKS);

	if (hooks)
		*(long *)attached = nla_get_u32((struct nlattr *)hooks);
}

/* The hooks that the module has attached now; -1 if it does not tell. */
static long attached_hooks(struct link *link)
{
	long attached = -1;
	struct answer answer;

	link_send(link, link_request(link, VMSHARE_CMD_CPU, NLM_F_DUMP));
	link_receive(link, take_attached, &attached, &answer);
	return is_well(&answer) ? attached : -1;
}

/* On a socket of its own. Return: as disarm(); *@attached: -1 if no hooks are held. */
static unsigned long ask(const struct faults_options *options, unsigned long nth,
			 struct answer *answer, long *attached)
{
	struct nl_msg *message;
	unsigned long left;
	struct link link;
	int error = link_open(&link, 0);

	if (error)
		errx(1, "opening the netlink family: %s; load vmshare.ko", strerror(error));
	if (options->held)
		hold(&link, options->held);
	message = link_request(&link, options->command, options->flags);
	options->add_attrs(message, options->arg);
	nl_complete_msg(link.sock, message);
	arm(nth);
	exchange(&link, nlmsg_hdr(message), answer);
	left = disarm();
	*attached = options->held ? attached_hooks(&link) : -1;
	nlmsg_free(message);
	link_close(&link);
	return left;
}

static void print_faulted(unsigned long nth, unsigned long left, const struct answer *answer)
{
	printf("{\"nth\":%lu,\"injected\":%s,\"left\":%lu,", nth, left ? "false" : "true", left);
	print_answer(answer);
}

/* Return: whether all went as it must; *@injected: whether there was such an allocation. */
static bool fault_request(const struct faults_options *options, unsigned long nth, bool *injected)
{
	struct answer answer, again;
	long attached, later;
	unsigned long left = ask(options, nth, &answer, &attached);

	*injected = !left;
	ask(options, 0, &again, &later);
	print_faulted(nth, left, &answer);
	printf(",\"again\":%d", again.silent ? -1 : again.error);
	if (options->held)
		printf(",\"attached\":%ld", attached);
	printf("}\n");
	return !answer.silent && is_well(&again);
}

static int fault_each(const struct faults_options *options)
{
	unsigned long nth = options->nth ? options->nth : 1;
	struct answer answer;
	bool injected, well;
	long attached;

	ask(options, 0, &answer, &attached);	/* also brings in the pages that it takes here */
	well = is_well(&answer);
	do {
		well &= fault_request(options, nth, &injected);
	} while (injected && !options->nth && nth++ < MOST);
	return !well;
}

/* ---- an event ---- */

/* What the listener has by now: events, and whether it was told that it lost some. */
static unsigned long read_events(struct link *listener, int *error)
{
	static char buffer[8 << 10] __attribute__((aligned(8)));
	unsigned long events = 0;
	int size;

	while ((size = recv(listener->fd, buffer, sizeof(buffer), MSG_DONTWAIT)) >= 0)
		events++;
	*error = errno == EAGAIN ? 0 : errno;
	return events;
}

/* A VM has come while nobody listened: the next walk tells whoever listens then. */
static int fault_event(const struct faults_options *options)
{
	unsigned long left, events, later;
	struct answer answer, again;
	struct link listener;
	int lost, error = link_open(&listener, 0);
	long attached;

	if (!error)
		error = link_join_events(&listener);
	if (error)
		errx(1, "listening to events: %s", strerror(error));
	left = ask(options, options->nth, &answer, &attached);
	events = read_events(&listener, &lost);
	ask(options, 0, &again, &attached);
	later = read_events(&listener, &error);
	print_faulted(options->nth, left, &answer);
	printf(",\"again\":%d,\"events\":%lu,\"lost\":%d,\"later\":%lu}\n",
	       again.error, events, lost, later);
	link_close(&listener);
	return answer.silent || !is_well(&again);
}

/* ---- loading ---- */

static int fault_load(const struct faults_options *options)
{
	int file = open(options->module, O_RDONLY | O_CLOEXEC);
	struct answer answer = { .offset = -1 };
	unsigned long left;

	if (file < 0)
		err(1, "opening %s", options->module);
	arm(options->nth);
	if (syscall(SYS_finit_module, file, "", 0))
		answer.error = errno;
	left = disarm();
	print_faulted(options->nth, left, &answer);
	printf("}\n");
	return 0;
}

int faults(const struct faults_options *options)
{
	open_controls(options);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "keeping our own memory, whose allocation is not what shall fail");
	if (!strcmp(options->operation, "load"))
		return fault_load(options);
	if (!strcmp(options->operation, "event"))
		return fault_event(options);
	return fault_each(options);
}
