// SPDX-License-Identifier: GPL-2.0
#include <linux/netlink.h>
#include <net/netlink.h>

#include <linux/vmshare.h>

#include "netlink_msg.h"

void vmshare_explain(int err, struct netlink_ext_ack *extack)
{
	switch (err) {
	case -EPERM:
		NL_SET_ERR_MSG(extack,
			       "CAP_NET_ADMIN in the initial user namespace is needed (run as root)");
		break;
	case -ESTALE:
		NL_SET_ERR_MSG(extack,
			       "there is no such snapshot any more; take a new one");
		break;
	case -EINVAL:
		NL_SET_ERR_MSG(extack,
			       "a generation is one snapshot already; it goes without a maximum age or an engine");
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG(extack,
			       "the tree engine does not work on this kernel (see the capabilities); use the pages engine");
		break;
	case -ENOMEM:
		NL_SET_ERR_MSG(extack, "no memory for a walk; try again later");
		break;
	case -EBUSY:
		NL_SET_ERR_MSG(extack,
			       "memory is being off-lined; try again later or use the pages engine");
		break;
	case -EXFULL:
		NL_SET_ERR_MSG(extack,
			       "KSM's trees are full of dead nodes; let ksmd pass once (ksm/run = 1) or use the pages engine");
		break;
	case -E2BIG:
		NL_SET_ERR_MSG(extack, "too many virtual machines");
		break;
	}
}

int vmshare_check_permission(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_NET_ADMIN))
		return 0;
	vmshare_explain(-EPERM, extack);
	return -EPERM;
}

int vmshare_put_u64(struct sk_buff *msg, int attr, u64 value)
{
	return nla_put_u64_64bit(msg, attr, value, VMSHARE_A_PAD);
}

int vmshare_put_facts(struct sk_buff *msg, const struct vmshare_fact *facts, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (vmshare_put_u64(msg, facts[i].attr, facts[i].value))
			return -EMSGSIZE;
	return 0;
}

int vmshare_put_cpu_sums(struct sk_buff *msg, const struct vmshare_cpu_use *cpu)
{
	const struct vmshare_fact facts[] = {
		{ VMSHARE_A_RUN_NS, cpu->run_ns },
		{ VMSHARE_A_GUEST_NS, cpu->guest_ns },
		{ VMSHARE_A_VOLUNTARY_SWITCHES, cpu->voluntary },
		{ VMSHARE_A_INVOLUNTARY_SWITCHES, cpu->involuntary },
	};

	return vmshare_put_facts(msg, facts, ARRAY_SIZE(facts));
}

int vmshare_put_cpu_use(struct sk_buff *msg, const struct vmshare_cpu_use *cpu)
{
	if (IS_ENABLED(CONFIG_SCHED_INFO) &&
	    vmshare_put_u64(msg, VMSHARE_A_READY_NS, cpu->ready_ns))
		return -EMSGSIZE;
	if (vmshare_put_u64(msg, VMSHARE_A_MIGRATIONS, cpu->migrations))
		return -EMSGSIZE;
	return vmshare_put_cpu_sums(msg, cpu);
}

struct nlattr **vmshare_dump_attrs(struct netlink_callback *cb)
{
#ifdef VMSHARE_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return (struct nlattr **)genl_dumpit_info(cb)->attrs;
#endif
}
