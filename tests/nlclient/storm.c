// SPDX-License-Identifier: GPL-2.0
#include "storm.h"

#include <err.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../include/uapi/linux/vmshare.h"
#include "link.h"
#include "print.h"

#define TINY_BUFFER 1		/* the kernel rounds it up to its minimum */

struct counts {
	unsigned long requests;
	unsigned long messages;
	unsigned long done;
	unsigned long interrupted;
	unsigned long abandoned;	/* closed in the middle of the answer */
	unsigned long silent;
	unsigned long errors[MAX_ERRNO];
};

struct client {
	pthread_t thread;
	unsigned int seed;
	time_t end;
	struct counts counts;
};

static unsigned int draw(struct client *client, unsigned int below)
{
	return rand_r(&client->seed) % below;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Half of the requests are content with what another one has just made. */
static void add_choice(struct client *client, struct nl_msg *message)
{
	switch (draw(client, 8)) {
	case 0:
		nla_put_u32(message, VMSHARE_A_ENGINE, VMSHARE_ENGINE_PAGES);
		break;
	case 1:
		nla_put_u32(message, VMSHARE_A_ENGINE, VMSHARE_ENGINE_TREE);
		break;
	case 2:
		nla_put_u64(message, VMSHARE_A_GENERATION, 1 + draw(client, 1000));
		break;
	case 3:
		break;
	default:
		nla_put_u32(message, VMSHARE_A_MAX_AGE_MS, draw(client, 1000));
		break;
	}
}

static void add_garbage(struct client *client, struct nl_msg *message)
{
	unsigned int size = 1 + draw(client, 200);
	unsigned char bytes[200];

	for (unsigned int i = 0; i < size; i++)
		bytes[i] = draw(client, 256);
	nlmsg_append(message, bytes, size, NLMSG_ALIGNTO);
}

/* Hooks go with the socket, which is closed soon, or with what is asked next. */
static struct nl_msg *track_request(struct client *client, struct link *link)
{
	struct nl_msg *message = link_request(link, VMSHARE_CMD_TRACK, NLM_F_ACK);

	nla_put_u32(message, VMSHARE_A_HOOKS, draw(client, 4));
	return message;
}

static void send_request(struct client *client, struct link *link)
{
	static const uint8_t dumps[] = {
		VMSHARE_CMD_HOST, VMSHARE_CMD_VM, VMSHARE_CMD_VCPU, VMSHARE_CMD_SET,
	};
	struct nl_msg *message;

	switch (draw(client, 12)) {
	case 0:
		message = link_request(link, VMSHARE_CMD_INFO, 0);
		break;
	case 1:
		message = link_request(link, VMSHARE_CMD_VM, 0);
		nla_put_u32(message, VMSHARE_A_PID, 1 + draw(client, 5000));
		add_choice(client, message);
		break;
	case 2:
		message = link_request(link, draw(client, 13), draw(client, 2) ? NLM_F_DUMP : 0);
		add_garbage(client, message);
		break;
	case 3:
		message = track_request(client, link);
		break;
	case 4:
		message = link_request(link, VMSHARE_CMD_CPU, NLM_F_DUMP);
		break;
	default:
		message = link_request(link, dumps[draw(client, 4)], NLM_F_DUMP);
		add_choice(client, message);
		break;
	}
	link_send(link, message);
	client->counts.requests++;
}

static void count_answer(struct counts *counts, const struct answer *answer)
{
	counts->messages += answer->messages;
	counts->interrupted += answer->interrupted;
	if (answer->silent)
		counts->silent++;
	else if (answer->error)
		counts->errors[answer->error % MAX_ERRNO]++;
	else
		counts->done++;
}

/* Requests one upon the other, and gone without reading what they brought. */
static void burst(struct client *client, struct link *link)
{
	unsigned int requests = 2 + draw(client, 15);

	for (unsigned int i = 0; i < requests; i++)
		send_request(client, link);
	client->counts.abandoned += requests;
}

/* True while the socket is still of use. */
static bool exchange(struct client *client, struct link *link)
{
	struct answer answer = { .offset = -1 };
	bool ended = false;

	if (draw(client, 10) == 0) {
		burst(client, link);
		return false;
	}
	send_request(client, link);
	if (draw(client, 5) == 0) {
		if (draw(client, 2))
			ended = link_receive_some(link, NULL, NULL, &answer);
		if (!ended) {
			client->counts.messages += answer.messages;
			client->counts.abandoned++;
			return false;
		}
	} else {
		link_receive(link, NULL, NULL, &answer);
	}
	count_answer(&client->counts, &answer);
	return !answer.silent && answer.error != ENOBUFS;
}

static void *run_client(void *arg)
{
	struct client *client = arg;

	while (now() < client->end) {
		struct link link;
		int error = link_open(&link, draw(client, 4) ? 0 : TINY_BUFFER);

		if (error) {
			client->counts.errors[error % MAX_ERRNO]++;
			continue;
		}
		while (now() < client->end && exchange(client, &link))
			if (draw(client, 8) == 0)
				break;
		link_close(&link);
	}
	return NULL;
}

static void add_counts(struct counts *sum, const struct counts *counts)
{
	sum->requests += counts->requests;
	sum->messages += counts->messages;
	sum->done += counts->done;
	sum->interrupted += counts->interrupted;
	sum->abandoned += counts->abandoned;
	sum->silent += counts->silent;
	for (int i = 0; i < MAX_ERRNO; i++)
		sum->errors[i] += counts->errors[i];
}

static void print_counts(const struct storm_options *options, const struct counts *counts)
{
	printf("{\"seconds\":%u,\"threads\":%u,\"seed\":%u,\"requests\":%lu,\"messages\":%lu,"
	       "\"done\":%lu,\"interrupted\":%lu,\"abandoned\":%lu,\"silent\":%lu,\"errors\":{",
	       options->seconds, options->threads, options->seed, counts->requests,
	       counts->messages, counts->done, counts->interrupted, counts->abandoned,
	       counts->silent);
	print_errors(counts->errors);
	printf("}}\n");
}

int storm(const struct storm_options *options)
{
	struct client *clients = calloc(options->threads, sizeof(*clients));
	struct counts sum = { 0 };

	if (!clients)
		err(1, "no memory for %u threads", options->threads);
	for (unsigned int i = 0; i < options->threads; i++) {
		clients[i].seed = options->seed + i;
		clients[i].end = now() + options->seconds;
		if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]))
			errx(1, "starting thread %u of %u", i, options->threads);
	}
	for (unsigned int i = 0; i < options->threads; i++) {
		pthread_join(clients[i].thread, NULL);
		add_counts(&sum, &clients[i].counts);
	}
	free(clients);
	print_counts(options, &sum);
	return sum.silent || !sum.done;
}
