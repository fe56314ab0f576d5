// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <err.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/uapi/linux/vmshare.h"
#include "print.h"

uint32_t parse_hooks(const char *text)
{
	static const struct {
		const char *name;
		uint32_t hooks;
	} names[] = {
		{ "sched", VMSHARE_HOOK_SCHED },
		{ "kvm", VMSHARE_HOOK_KVM },
		{ "sched,kvm", VMSHARE_HOOK_SCHED | VMSHARE_HOOK_KVM },
	};
	unsigned long number;
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i].name))
			return names[i].hooks;
	number = strtoul(text, &end, 0);
	if (end == text || *end || number > UINT32_MAX)
		errx(2, "\"%s\" is no set of hooks: sched, kvm, sched,kvm or a number", text);
	return number;
}

void ask_hooks(struct link *link, uint32_t hooks, struct answer *answer)
{
	struct nl_msg *message = link_request(link, VMSHARE_CMD_TRACK, NLM_F_ACK);

	nla_put_u32(message, VMSHARE_A_HOOKS, hooks);
	link_send(link, message);
	link_receive(link, print_message, NULL, answer);
}

static void ask_cpu(struct link *link, const char *pid, struct answer *answer)
{
	struct nl_msg *message = link_request(link, VMSHARE_CMD_CPU, NLM_F_DUMP);

	if (pid)
		nla_put_u32(message, VMSHARE_A_PID, strtoul(pid, NULL, 0));
	link_send(link, message);
	link_receive(link, print_message, NULL, answer);
}

static void obey(struct link *link, char *line, struct answer *answer)
{
	char *rest;
	const char *verb = strtok_r(line, " \n", &rest);
	const char *operand = strtok_r(NULL, " \n", &rest);

	if (verb && operand && !strcmp(verb, "hooks"))
		ask_hooks(link, parse_hooks(operand), answer);
	else if (verb && !strcmp(verb, "cpu"))
		ask_cpu(link, operand, answer);
	else
		errx(2, "\"%s\" is no line for a session: hooks HOOKS, or cpu [PID]",
		     verb ? verb : "");
}

int obey_lines(struct link *link)
{
	char line[128];
	int failed = 0;

	while (fgets(line, sizeof(line), stdin)) {
		struct answer answer;

		obey(link, line, &answer);
		failed |= print_end(&answer);
	}
	return failed;
}
