// SPDX-License-Identifier: GPL-2.0
/*
 * A second client of the generic netlink family, on libnl, for the tests. It
 * shares nothing with the CLI but the header of the contract.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netlink/attr.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>
#include <unistd.h>

#include "../../include/uapi/linux/vmshare.h"
#include "faults.h"
#include "fuzz.h"
#include "hostile.h"
#include "link.h"
#include "print.h"
#include "session.h"
#include "storm.h"

static const char usage[] =
"usage: nlclient [OPTIONS] info | host | vm [PID] | vcpu [PID] | set | cpu [PID]\n"
"       nlclient [OPTIONS] snapshot      host, vm, vcpu and set of one, each with its end\n"
"       nlclient [OPTIONS] track | events | raw KIND | raw all | raw list | storm\n"
"       nlclient [OPTIONS] fuzz | faults info|host|vm|vcpu|set|cpu|track|event | faults load\n"
"Prints messages as lines of JSON; the last line is how the exchange ended.\n"
"  --engine auto|tree|pages|N  --max-age MS  --generation G   choice of snapshot\n"
"  --brief                     cpu: only what threads have used\n"
"  --dump                      ask host, or for one VM, by a dump\n"
"  --repeat N                  ask so often, on one socket; ends at the first refusal,\n"
"                              and the last line says how long the fastest took\n"
"  --hooks sched|kvm|sched,kvm|N   track: what to ask for at first; then it obeys\n"
"                              lines of its input: \"hooks HOOKS\", \"cpu [PID]\"\n"
"  --count N --timeout SEC     events: how many to wait for, and how long\n"
"  --seconds N --threads T --seed S                           storm\n"
"  --messages N --seed S --first N   fuzz: how many datagrams, and the number of the first\n"
"  --nth N --marker FILE       faults: only allocation N; a file to write each number to\n"
"  --held sched|kvm|sched,kvm  faults: hooks that the asking socket has before\n"
"  --module FILE               faults load: what to load\n"
"  --uid N         become this user before the socket is opened\n"
"  --uid-after N   become this user when the socket is open\n"
"  --userns        move to a user namespace of our own first (before opening)\n"
"  --netns         move to a network namespace of our own first\n";

struct options {
	long engine;
	long max_age;
	long long generation;
	long pid;
	const char *hooks;
	bool brief;
	bool dump;
	unsigned long repeat;
	unsigned long count;
	unsigned int timeout;
	long uid;
	long uid_after;
	int unshare;
	struct storm_options storm;
	struct fuzz_options fuzz;
	struct faults_options faults;
};

static long long parse_number(const char *text)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 0);
	if (errno || end == text || *end || number < 0)
		errx(2, "\"%s\" is no number that makes sense here", text);
	return number;
}

static long parse_engine(const char *text)
{
	static const char *const names[] = { "auto", "tree", "pages" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i]))
			return i;
	return parse_number(text);
}

static void become(long uid)
{
	if (uid >= 0 && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		err(1, "becoming user %ld; start as root", uid);
}

static int open_link(struct link *link, const struct options *options)
{
	int error = link_open(link, 0);

	become(options->uid_after);
	return error;
}

static void add_choice(struct nl_msg *message, const struct options *options)
{
	if (options->engine >= 0)
		nla_put_u32(message, VMSHARE_A_ENGINE, options->engine);
	if (options->max_age >= 0)
		nla_put_u32(message, VMSHARE_A_MAX_AGE_MS, options->max_age);
	if (options->generation >= 0)
		nla_put_u64(message, VMSHARE_A_GENERATION, options->generation);
	if (options->pid >= 0)
		nla_put_u32(message, VMSHARE_A_PID, options->pid);
	if (options->brief)
		nla_put_flag(message, VMSHARE_A_BRIEF);
}

static int absent(int error)
{
	struct answer answer = { .error = error, .offset = -1 };

	snprintf(answer.text, sizeof(answer.text), "%s", error == ENOENT ?
		 "the family vmshare is absent; load vmshare.ko" : "opening the socket");
	return print_end(&answer);
}

static void exchange(struct link *link, uint8_t command, int flags, const struct options *options,
		     message_fn visit, void *arg, struct answer *answer)
{
	struct nl_msg *message = link_request(link, command, flags);

	add_choice(message, options);
	link_send(link, message);
	link_receive(link, visit, arg, answer);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int query(uint8_t command, int flags, const struct options *options)
{
	uint64_t began, fastest = UINT64_MAX;
	struct answer answer = { .error = 0 };
	struct link link;
	int error = open_link(&link, options);

	if (error)
		return absent(error);
	for (unsigned long i = 0; i < options->repeat && !answer.error && !answer.silent; i++) {
		began = now_ns();
		exchange(&link, command, flags, options, print_message, NULL, &answer);
		fastest = MIN(fastest, now_ns() - began);
	}
	answer.fastest_ns = options->repeat > 1 ? fastest : 0;
	link_close(&link);
	return print_end(&answer);
}

static int ask_once(struct link *link, uint8_t command, int flags, const struct options *options,
		    message_fn visit, void *arg)
{
	struct answer answer = { .error = 0 };

	exchange(link, command, flags, options, visit, arg, &answer);
	return print_end(&answer);
}

static void print_and_note(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *generation = nlmsg_find_attr((struct nlmsghdr *)message, GENL_HDRLEN,
							  VMSHARE_A_GENERATION);
	long long *noted = arg;

	if (generation)
		*noted = nla_get_u64(generation);
	print_message(message, NULL);
}

/* All of one snapshot, before it is too old to be named. */
static int whole_snapshot(const struct options *options)
{
	static const uint8_t rest[] = { VMSHARE_CMD_VM, VMSHARE_CMD_VCPU, VMSHARE_CMD_SET };
	struct options named = { .engine = -1, .max_age = -1, .generation = -1, .pid = -1 };
	struct link link;
	int error = open_link(&link, options), failed;

	if (error)
		return absent(error);
	failed = ask_once(&link, VMSHARE_CMD_HOST, 0, options, print_and_note, &named.generation);
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]) && !failed; i++)
		failed = ask_once(&link, rest[i], NLM_F_DUMP, &named, print_message, NULL);
	link_close(&link);
	return failed;
}

/* A socket that stays open for as long as there is input. */
static int track(const struct options *options)
{
	struct answer answer;
	struct link link;
	int error = open_link(&link, options), failed = 0;

	if (error)
		return absent(error);
	if (options->hooks) {
		ask_hooks(&link, parse_hooks(options->hooks), &answer);
		failed = print_end(&answer);
	}
	failed |= obey_lines(&link);
	link_close(&link);
	return failed;
}

/* Events end by their number or by the time, whichever comes first. */
static int events(const struct options *options)
{
	struct answer answer = { .offset = -1 };
	time_t end = time(NULL) + options->timeout;
	struct link link;
	int error = open_link(&link, options);

	if (error)
		return absent(error);
	answer.error = link_join_events(&link);
	if (!answer.error) {
		printf("{\"listening\":true}\n");
		fflush(stdout);
	}
	while (!answer.error && answer.messages < options->count) {
		time_t left = end - time(NULL);

		if (left <= 0)
			break;
		link_set_timeout(&link, left);
		link_receive_some(&link, print_message, NULL, &answer);
	}
	answer.silent = answer.messages < options->count;
	link_close(&link);
	return print_end(&answer);
}

static void add_fault_attrs(struct nl_msg *message, const void *arg)
{
	const struct options *options = arg;

	add_choice(message, options);
	if (options->hooks)
		nla_put_u32(message, VMSHARE_A_HOOKS, parse_hooks(options->hooks));
}

static int fail_allocations(const char *operation, struct options *options)
{
	static const struct {
		const char *name;
		uint8_t command;
		int flags;
	} requests[] = {
		{ "info", VMSHARE_CMD_INFO, 0 },
		{ "host", VMSHARE_CMD_HOST, 0 },
		{ "vm", VMSHARE_CMD_VM, NLM_F_DUMP },
		{ "vcpu", VMSHARE_CMD_VCPU, NLM_F_DUMP },
		{ "set", VMSHARE_CMD_SET, NLM_F_DUMP },
		{ "cpu", VMSHARE_CMD_CPU, NLM_F_DUMP },
		{ "track", VMSHARE_CMD_TRACK, NLM_F_ACK },
		{ "event", VMSHARE_CMD_HOST, 0 },
		{ "load", 0, 0 },
	};

	options->faults.operation = operation;
	options->faults.add_attrs = add_fault_attrs;
	options->faults.arg = options;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strcmp(operation, requests[i].name))
			continue;
		options->faults.command = requests[i].command;
		options->faults.flags = requests[i].flags;
		return faults(&options->faults);
	}
	errx(2, "no operation is called \"%s\"", operation);
}

static int run(int argc, char **argv, struct options *options)
{
	const char *verb = argc ? argv[0] : "";
	const char *operand = argc > 1 ? argv[1] : NULL;

	if (argc == 2 && !strcmp(verb, "raw"))
		return hostile(operand);
	if (argc == 2 && !strcmp(verb, "faults"))
		return fail_allocations(operand, options);
	if (argc == 2 && (!strcmp(verb, "vm") || !strcmp(verb, "vcpu") || !strcmp(verb, "cpu")))
		options->pid = parse_number(operand);
	else if (argc != 1)
		verb = "";
	if (!strcmp(verb, "info"))
		return query(VMSHARE_CMD_INFO, 0, options);
	if (!strcmp(verb, "host"))
		return query(VMSHARE_CMD_HOST, options->dump ? NLM_F_DUMP : 0, options);
	if (!strcmp(verb, "vm"))
		return query(VMSHARE_CMD_VM, operand && !options->dump ? 0 : NLM_F_DUMP, options);
	if (!strcmp(verb, "vcpu"))
		return query(VMSHARE_CMD_VCPU, NLM_F_DUMP, options);
	if (!strcmp(verb, "set"))
		return query(VMSHARE_CMD_SET, NLM_F_DUMP, options);
	if (!strcmp(verb, "cpu"))
		return query(VMSHARE_CMD_CPU, NLM_F_DUMP, options);
	if (!strcmp(verb, "snapshot"))
		return whole_snapshot(options);
	if (!strcmp(verb, "track"))
		return track(options);
	if (!strcmp(verb, "events"))
		return events(options);
	if (!strcmp(verb, "storm"))
		return storm(&options->storm);
	if (!strcmp(verb, "fuzz"))
		return fuzz(&options->fuzz);
	fputs(usage, stderr);
	return 2;
}

enum { ENGINE = 1, AGE, GENERATION, HOOKS, BRIEF, DUMP, REPEAT, COUNT, TIMEOUT, SECONDS, THREADS, SEED,
	MESSAGES, FIRST, NTH, MARKER, HELD, MODULE, USER, USER_AFTER, USERNS, NETNS, HELP };

static const struct option long_options[] = {
	{ "engine", required_argument, NULL, ENGINE },
	{ "max-age", required_argument, NULL, AGE },
	{ "generation", required_argument, NULL, GENERATION },
	{ "hooks", required_argument, NULL, HOOKS },
	{ "brief", no_argument, NULL, BRIEF },
	{ "dump", no_argument, NULL, DUMP },
	{ "repeat", required_argument, NULL, REPEAT },
	{ "count", required_argument, NULL, COUNT },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "threads", required_argument, NULL, THREADS },
	{ "seed", required_argument, NULL, SEED },
	{ "messages", required_argument, NULL, MESSAGES },
	{ "first", required_argument, NULL, FIRST },
	{ "nth", required_argument, NULL, NTH },
	{ "marker", required_argument, NULL, MARKER },
	{ "held", required_argument, NULL, HELD },
	{ "module", required_argument, NULL, MODULE },
	{ "uid", required_argument, NULL, USER },
	{ "uid-after", required_argument, NULL, USER_AFTER },
	{ "userns", no_argument, NULL, USERNS },
	{ "netns", no_argument, NULL, NETNS },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static void set_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case ENGINE:
		options->engine = parse_engine(value);
		break;
	case AGE:
		options->max_age = parse_number(value);
		break;
	case GENERATION:
		options->generation = parse_number(value);
		break;
	case HOOKS:
		options->hooks = value;
		break;
	case BRIEF:
		options->brief = true;
		break;
	case DUMP:
		options->dump = true;
		break;
	case REPEAT:
		options->repeat = parse_number(value);
		break;
	case COUNT:
		options->count = parse_number(value);
		break;
	case TIMEOUT:
		options->timeout = parse_number(value);
		break;
	case SECONDS:
		options->storm.seconds = parse_number(value);
		break;
	case THREADS:
		options->storm.threads = parse_number(value);
		break;
	case SEED:
		options->storm.seed = parse_number(value);
		options->fuzz.seed = options->storm.seed;
		break;
	case MESSAGES:
		options->fuzz.messages = parse_number(value);
		break;
	case FIRST:
		options->fuzz.first = parse_number(value);
		break;
	case NTH:
		options->faults.nth = parse_number(value);
		break;
	case MARKER:
		options->faults.marker = value;
		break;
	case HELD:
		options->faults.held = parse_hooks(value);
		break;
	case MODULE:
		options->faults.module = value;
		break;
	case USER:
		options->uid = parse_number(value);
		break;
	case USER_AFTER:
		options->uid_after = parse_number(value);
		break;
	case USERNS:
		options->unshare |= CLONE_NEWUSER;
		break;
	case NETNS:
		options->unshare |= CLONE_NEWNET;
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.engine = -1, .max_age = -1, .generation = -1, .pid = -1, .uid = -1, .uid_after = -1,
		.repeat = 1, .count = 1, .timeout = 60,
		.storm = { .seconds = 10, .threads = 4, .seed = time(NULL) },
		.fuzz = { .seed = time(NULL), .messages = 1000 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		set_option(&options, option, optarg);
	become(options.uid);
	if (options.unshare && unshare(options.unshare))
		err(1, "moving to namespaces of our own");
	return run(argc - optind, argv + optind, &options);
}
