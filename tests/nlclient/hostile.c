// SPDX-License-Identifier: GPL-2.0
#include "hostile.h"

#include <err.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/uapi/linux/vmshare.h"
#include "link.h"
#include "print.h"

#define SILENCE (-1)	/* expected: no answer at all */
#define SILENCE_SECONDS 2

typedef struct nl_msg *(*forge_fn)(struct link *link);

struct attack {
	const char *name;
	forge_fn forge;
	int expected[4];	/* errno values, ended by a second 0 */
	bool wordless;		/* refused by code that gives no reason */
};

static struct nl_msg *request(struct link *link, uint8_t command)
{
	return link_request(link, command, 0);
}

static struct nl_msg *dump(struct link *link, uint8_t command)
{
	return link_request(link, command, NLM_F_DUMP);
}

/* A request for host with one more 32-bit attribute. */
static struct nl_msg *host_with_u32(struct link *link, int type, uint32_t value)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);

	nla_put_u32(message, type, value);
	return message;
}

static struct nl_msg *host_with_u64(struct link *link, int type, uint64_t value)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);

	nla_put_u64(message, type, value);
	return message;
}

static struct nl_msg *vm_with_pid(struct link *link, uint32_t pid)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_VM);

	nla_put_u32(message, VMSHARE_A_PID, pid);
	return message;
}

static struct nlattr *first_attr(struct nl_msg *message)
{
	return genlmsg_attrdata(nlmsg_data(nlmsg_hdr(message)), 0);
}

static struct nl_msg *unknown_attr(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_MAX + 100, 1);
}

static struct nl_msg *attr_zero(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_UNSPEC, 1);
}

static struct nl_msg *pad_attr(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_PAD, 0);
}

static struct nl_msg *answer_attr(struct link *link)
{
	return host_with_u64(link, VMSHARE_A_WALK_NS, 1);
}

static struct nl_msg *info_with_age(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_INFO);

	nla_put_u32(message, VMSHARE_A_MAX_AGE_MS, 1);
	return message;
}

static struct nl_msg *host_with_pid(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_PID, 1);
}

static struct nl_msg *set_with_pid(struct link *link)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_SET);

	nla_put_u32(message, VMSHARE_A_PID, 1);
	return message;
}

static struct nl_msg *wrong_type(struct link *link)
{
	return host_with_u64(link, VMSHARE_A_MAX_AGE_MS, 1000);
}

static struct nl_msg *short_attr(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);

	nla_put_u16(message, VMSHARE_A_ENGINE, VMSHARE_ENGINE_AUTO);
	return message;
}

static struct nl_msg *empty_attr(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);

	nla_put_flag(message, VMSHARE_A_GENERATION);
	return message;
}

static struct nl_msg *string_for_number(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_VM);

	nla_put_string(message, VMSHARE_A_PID, "one hundred");
	return message;
}

/* An attribute that claims to go on after the end of the message. */
static struct nl_msg *truncated(struct link *link)
{
	struct nl_msg *message = host_with_u32(link, VMSHARE_A_MAX_AGE_MS, 1000);

	first_attr(message)->nla_len += 64;
	return message;
}

/* An attribute shorter than its own header. */
static struct nl_msg *stunted(struct link *link)
{
	struct nl_msg *message = host_with_u32(link, VMSHARE_A_MAX_AGE_MS, 1000);

	first_attr(message)->nla_len = 2;
	return message;
}

static struct nl_msg *trailing_bytes(struct link *link)
{
	struct nl_msg *message = host_with_u32(link, VMSHARE_A_MAX_AGE_MS, 1000);

	nlmsg_append(message, "\1\2", 2, 0);
	return message;
}

static struct nl_msg *nested_flag(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_ENGINE | NLA_F_NESTED, VMSHARE_ENGINE_AUTO);
}

static struct nl_msg *nested_garbage(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);
	char garbage[61];

	memset(garbage, 0xa5, sizeof(garbage));
	nla_put(message, VMSHARE_A_CAPABILITY | NLA_F_NESTED, sizeof(garbage), garbage);
	return message;
}

static struct nl_msg *nested_deep(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);
	struct nlattr *nests[100];

	for (int i = 0; i < 100; i++)
		nests[i] = nla_nest_start(message, VMSHARE_A_CAPABILITY);
	for (int i = 100; i--;)
		nla_nest_end_keep_empty(message, nests[i]);
	return message;
}

static struct nl_msg *oversized(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_HOST);
	char blob[60000] = { 0 };

	nla_put(message, VMSHARE_A_MEMBERS, sizeof(blob), blob);
	return message;
}

static struct nl_msg *twice(struct link *link)
{
	struct nl_msg *message = host_with_u32(link, VMSHARE_A_MAX_AGE_MS, 0);

	nla_put_u32(message, VMSHARE_A_MAX_AGE_MS, 60000);
	return message;
}

static struct nl_msg *bad_engine(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_ENGINE, VMSHARE_ENGINE_MAX + 1);
}

static struct nl_msg *huge_engine(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_ENGINE, UINT32_MAX);
}

static struct nl_msg *dump_bad_engine(struct link *link)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_SET);

	nla_put_u32(message, VMSHARE_A_ENGINE, VMSHARE_ENGINE_MAX + 1);
	return message;
}

static struct nl_msg *huge_age(struct link *link)
{
	return host_with_u32(link, VMSHARE_A_MAX_AGE_MS, UINT32_MAX);
}

static struct nl_msg *zero_generation(struct link *link)
{
	return host_with_u64(link, VMSHARE_A_GENERATION, 0);
}

static struct nl_msg *stale_generation(struct link *link)
{
	return host_with_u64(link, VMSHARE_A_GENERATION, UINT64_MAX);
}

static struct nl_msg *dump_stale_generation(struct link *link)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_VM);

	nla_put_u64(message, VMSHARE_A_GENERATION, UINT64_MAX);
	return message;
}

static struct nl_msg *generation_and_age(struct link *link)
{
	struct nl_msg *message = host_with_u64(link, VMSHARE_A_GENERATION, 1);

	nla_put_u32(message, VMSHARE_A_MAX_AGE_MS, 1000);
	return message;
}

static struct nl_msg *generation_and_engine(struct link *link)
{
	struct nl_msg *message = host_with_u64(link, VMSHARE_A_GENERATION, 1);

	nla_put_u32(message, VMSHARE_A_ENGINE, VMSHARE_ENGINE_TREE);
	return message;
}

static struct nl_msg *no_pid(struct link *link)
{
	return request(link, VMSHARE_CMD_VM);
}

static struct nl_msg *zero_pid(struct link *link)
{
	return vm_with_pid(link, 0);
}

static struct nl_msg *unknown_pid(struct link *link)
{
	return vm_with_pid(link, 0x7fffffff);
}

static struct nl_msg *negative_pid(struct link *link)
{
	return vm_with_pid(link, UINT32_MAX);
}

static struct nl_msg *not_a_vm(struct link *link)
{
	return vm_with_pid(link, 1);
}

static struct nl_msg *dump_unknown_pid(struct link *link)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_VCPU);

	nla_put_u32(message, VMSHARE_A_PID, 0x7fffffff);
	return message;
}

static struct nl_msg *track_with_u32(struct link *link, int type, uint32_t value)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_TRACK);

	nla_put_u32(message, type, value);
	return message;
}

static struct nl_msg *track_nothing_named(struct link *link)
{
	return request(link, VMSHARE_CMD_TRACK);
}

static struct nl_msg *track_unknown_hook(struct link *link)
{
	return track_with_u32(link, VMSHARE_A_HOOKS, VMSHARE_HOOK_KVM << 1);
}

static struct nl_msg *track_all_bits(struct link *link)
{
	return track_with_u32(link, VMSHARE_A_HOOKS, UINT32_MAX);
}

static struct nl_msg *track_with_pid(struct link *link)
{
	struct nl_msg *message = track_with_u32(link, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);

	nla_put_u32(message, VMSHARE_A_PID, 1);
	return message;
}

static struct nl_msg *track_short(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_TRACK);

	nla_put_u16(message, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);
	return message;
}

static struct nl_msg *track_long(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_TRACK);

	nla_put_u64(message, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);
	return message;
}

static struct nl_msg *track_nested(struct link *link)
{
	return track_with_u32(link, VMSHARE_A_HOOKS | NLA_F_NESTED, VMSHARE_HOOK_SCHED);
}

static struct nl_msg *track_dump(struct link *link)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_TRACK);

	nla_put_u32(message, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);
	return message;
}

static struct nl_msg *cpu_do(struct link *link)
{
	return request(link, VMSHARE_CMD_CPU);
}

static struct nl_msg *cpu_with_u32(struct link *link, int type, uint32_t value)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_CPU);

	nla_put_u32(message, type, value);
	return message;
}

static struct nl_msg *cpu_with_age(struct link *link)
{
	return cpu_with_u32(link, VMSHARE_A_MAX_AGE_MS, 1000);
}

static struct nl_msg *cpu_with_hooks(struct link *link)
{
	return cpu_with_u32(link, VMSHARE_A_HOOKS, VMSHARE_HOOK_SCHED);
}

static struct nl_msg *cpu_zero_pid(struct link *link)
{
	return cpu_with_u32(link, VMSHARE_A_PID, 0);
}

static struct nl_msg *cpu_brief_with_payload(struct link *link)
{
	return cpu_with_u32(link, VMSHARE_A_BRIEF, 1);
}

static struct nl_msg *vm_brief(struct link *link)
{
	struct nl_msg *message = dump(link, VMSHARE_CMD_VM);

	nla_put_flag(message, VMSHARE_A_BRIEF);
	return message;
}

static struct nl_msg *cpu_unknown_pid(struct link *link)
{
	return cpu_with_u32(link, VMSHARE_A_PID, 0x7fffffff);
}

static struct nl_msg *thread_dump(struct link *link)
{
	return dump(link, VMSHARE_CMD_THREAD);
}

static struct nl_msg *preemption_dump(struct link *link)
{
	return dump(link, VMSHARE_CMD_PREEMPTION);
}

static struct nl_msg *bad_command(struct link *link)
{
	return request(link, 200);
}

static struct nl_msg *command_zero(struct link *link)
{
	return request(link, VMSHARE_CMD_UNSPEC);
}

static struct nl_msg *event_command(struct link *link)
{
	return request(link, VMSHARE_CMD_VM_APPEARED);
}

static struct nl_msg *do_of_dump(struct link *link)
{
	return request(link, VMSHARE_CMD_SET);
}

static struct nl_msg *dump_of_do(struct link *link)
{
	return dump(link, VMSHARE_CMD_INFO);
}

static struct nl_msg *reserved_bits(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_INFO);
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(message));

	header->reserved = 0xffff;
	return message;
}

static struct nl_msg *bad_version(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_INFO);
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(message));

	header->version = 250;
	return message;
}

/* Just a netlink header: too short to name a command. */
static struct nl_msg *headless(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_INFO);

	nlmsg_hdr(message)->nlmsg_len = NLMSG_HDRLEN;
	return message;
}

/* A message that claims more bytes than were sent is not looked at. */
static struct nl_msg *boastful(struct link *link)
{
	struct nl_msg *message = request(link, VMSHARE_CMD_INFO);

	nlmsg_hdr(message)->nlmsg_len += 4096;
	return message;
}

static const struct attack attacks[] = {
	{ "unknown-attr", unknown_attr, { EINVAL }, false },
	{ "attr-zero", attr_zero, { EINVAL }, false },
	{ "pad-attr", pad_attr, { EINVAL }, false },
	{ "answer-attr", answer_attr, { EINVAL }, false },
	{ "info-with-age", info_with_age, { EINVAL }, false },
	{ "host-with-pid", host_with_pid, { EINVAL }, false },
	{ "set-with-pid", set_with_pid, { EINVAL }, false },
	{ "wrong-type", wrong_type, { EINVAL, ERANGE }, false },
	{ "short-attr", short_attr, { EINVAL, ERANGE }, false },
	{ "empty-attr", empty_attr, { EINVAL, ERANGE }, false },
	{ "string-for-number", string_for_number, { EINVAL, ERANGE }, false },
	{ "truncated", truncated, { EINVAL }, false },
	{ "stunted", stunted, { EINVAL }, false },
	{ "trailing-bytes", trailing_bytes, { EINVAL }, false },
	{ "nested-flag", nested_flag, { EINVAL }, false },
	{ "nested-garbage", nested_garbage, { EINVAL }, false },
	{ "nested-deep", nested_deep, { EINVAL }, false },
	{ "oversized", oversized, { EINVAL }, false },
	{ "twice", twice, { 0, EINVAL }, false },
	{ "bad-engine", bad_engine, { EINVAL, ERANGE }, false },
	{ "huge-engine", huge_engine, { EINVAL, ERANGE }, false },
	{ "dump-bad-engine", dump_bad_engine, { EINVAL, ERANGE }, false },
	{ "huge-age", huge_age, { 0 }, false },
	{ "zero-generation", zero_generation, { ESTALE, EINVAL, ERANGE }, false },
	{ "stale-generation", stale_generation, { ESTALE }, false },
	{ "dump-stale-generation", dump_stale_generation, { ESTALE }, false },
	{ "generation-and-age", generation_and_age, { EINVAL }, false },
	{ "generation-and-engine", generation_and_engine, { EINVAL }, false },
	{ "no-pid", no_pid, { EINVAL }, false },
	{ "zero-pid", zero_pid, { ESRCH, EINVAL, ERANGE }, false },
	{ "unknown-pid", unknown_pid, { ESRCH }, false },
	{ "negative-pid", negative_pid, { ESRCH, EINVAL, ERANGE }, false },
	{ "not-a-vm", not_a_vm, { ESRCH }, false },
	{ "dump-unknown-pid", dump_unknown_pid, { 0, ESRCH }, false },
	{ "track-nothing-named", track_nothing_named, { EINVAL }, false },
	{ "track-unknown-hook", track_unknown_hook, { EINVAL, ERANGE }, false },
	{ "track-all-bits", track_all_bits, { EINVAL, ERANGE }, false },
	{ "track-with-pid", track_with_pid, { EINVAL }, false },
	{ "track-short", track_short, { EINVAL, ERANGE }, false },
	{ "track-long", track_long, { EINVAL, ERANGE }, false },
	{ "track-nested", track_nested, { EINVAL }, false },
	{ "track-dump", track_dump, { EOPNOTSUPP }, true },
	{ "cpu-do", cpu_do, { EOPNOTSUPP }, true },
	{ "cpu-with-age", cpu_with_age, { EINVAL }, false },
	{ "cpu-with-hooks", cpu_with_hooks, { EINVAL }, false },
	{ "cpu-zero-pid", cpu_zero_pid, { EINVAL, ERANGE }, false },
	{ "cpu-brief-with-payload", cpu_brief_with_payload, { EINVAL, ERANGE }, false },
	{ "vm-brief", vm_brief, { EINVAL }, false },
	{ "cpu-unknown-pid", cpu_unknown_pid, { 0, ESRCH }, false },
	{ "thread-dump", thread_dump, { EOPNOTSUPP }, true },
	{ "preemption-dump", preemption_dump, { EOPNOTSUPP }, true },
	{ "bad-command", bad_command, { EOPNOTSUPP }, true },
	{ "command-zero", command_zero, { EOPNOTSUPP }, true },
	{ "event-command", event_command, { EOPNOTSUPP }, true },
	{ "do-of-dump", do_of_dump, { EOPNOTSUPP }, true },
	{ "dump-of-do", dump_of_do, { EOPNOTSUPP }, true },
	{ "reserved-bits", reserved_bits, { 0, EINVAL }, false },
	{ "bad-version", bad_version, { 0, EINVAL }, true },
	{ "headless", headless, { EINVAL }, true },
	{ "boastful", boastful, { SILENCE }, true },
};

#define NR_ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

static bool is_expected(const struct attack *attack, const struct answer *answer)
{
	int error = answer->silent ? SILENCE : answer->error;
	bool found = error == attack->expected[0];

	for (int i = 1; i < 4 && attack->expected[i]; i++)
		found |= error == attack->expected[i];
	if (answer->error && !attack->wordless && !answer->text[0])
		return false;
	return found;
}

static void print_expected(const struct attack *attack)
{
	printf(",\"expected\":[%d", attack->expected[0]);
	for (int i = 1; i < 4 && attack->expected[i]; i++)
		printf(",%d", attack->expected[i]);
	putchar(']');
}

static void send_forged(struct link *link, const struct attack *attack)
{
	struct nl_msg *message = attack->forge(link);
	struct nlmsghdr *header = nlmsg_hdr(message);
	size_t size = header->nlmsg_len;

	if (attack->expected[0] == SILENCE) {
		size = NLMSG_HDRLEN + GENL_HDRLEN;
		link_set_timeout(link, SILENCE_SECONDS);
	}
	nl_complete_msg(link->sock, message);
	link_send_bytes(link, header, size);
	nlmsg_free(message);
}

static bool run_attack(const struct attack *attack)
{
	struct answer answer;
	struct link link;
	int error = link_open(&link, 0);
	bool well, alive;

	if (error)
		errx(1, "opening the netlink family: %s; load vmshare.ko", strerror(error));
	send_forged(&link, attack);
	link_receive(&link, NULL, NULL, &answer);
	link_close(&link);
	alive = link_is_served(VMSHARE_CMD_INFO);
	well = is_expected(attack, &answer);

	printf("{\"kind\":\"%s\",", attack->name);
	print_answer(&answer);
	print_expected(attack);
	printf(",\"as_expected\":%s,\"alive\":%s}\n", well ? "true" : "false",
	       alive ? "true" : "false");
	fflush(stdout);
	return well && alive;
}

int hostile(const char *name)
{
	bool all = !strcmp(name, "all"), list = !strcmp(name, "list");
	bool known = all || list, well = true;

	for (size_t i = 0; i < NR_ATTACKS; i++) {
		if (list) {
			puts(attacks[i].name);
		} else if (all || !strcmp(name, attacks[i].name)) {
			known = true;
			well &= run_attack(&attacks[i]);
		}
	}
	if (!known)
		errx(2, "no request is called \"%s\"; \"raw list\" names them", name);
	return well ? 0 : 1;
}
