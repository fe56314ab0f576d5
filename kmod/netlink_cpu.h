/* SPDX-License-Identifier: GPL-2.0 */
/* The CPU half of the family: VMSHARE_CMD_TRACK and VMSHARE_CMD_CPU. */
#ifndef _VMSHARE_NETLINK_CPU_H
#define _VMSHARE_NETLINK_CPU_H

#include <net/genetlink.h>

#include <linux/vmshare.h>

extern const struct nla_policy vmshare_track_policy[VMSHARE_A_HOOKS + 1];
extern const struct nla_policy vmshare_cpu_policy[VMSHARE_A_BRIEF + 1];

int vmshare_track_doit(struct sk_buff *skb, struct genl_info *info);

int vmshare_cpu_start(struct netlink_callback *cb);
int vmshare_cpu_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vmshare_cpu_done(struct netlink_callback *cb);

#endif
