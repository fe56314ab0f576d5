/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the family share: refusals, and attributes. */
#ifndef _VMSHARE_NETLINK_MSG_H
#define _VMSHARE_NETLINK_MSG_H

#include <net/genetlink.h>

#include "threads.h"

extern struct genl_family vmshare_family;

/* What a refusal means and what to do about it. */
void vmshare_explain(int err, struct netlink_ext_ack *extack);

/* Who shares memory with whom is a side channel. Return: 0 or -EPERM. */
int vmshare_check_permission(struct sk_buff *skb,
			     struct netlink_ext_ack *extack);

static inline u32 vmshare_get_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

struct nlattr **vmshare_dump_attrs(struct netlink_callback *cb);

struct vmshare_fact {
	int attr;
	u64 value;
};

/* Return: 0 or -EMSGSIZE. */
int vmshare_put_u64(struct sk_buff *msg, int attr, u64 value);
int vmshare_put_facts(struct sk_buff *msg, const struct vmshare_fact *facts,
		      size_t nr);
/* All of it; and without READY_NS and MIGRATIONS. */
int vmshare_put_cpu_use(struct sk_buff *msg, const struct vmshare_cpu_use *cpu);
int vmshare_put_cpu_sums(struct sk_buff *msg, const struct vmshare_cpu_use *cpu);

#endif
