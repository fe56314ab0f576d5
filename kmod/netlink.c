// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: requests in, facts of a snapshot out. Nothing is
 * computed here.
 *
 * The family is served in parallel: a walk takes its time, and the global lock
 * of generic netlink must not be held meanwhile. A dump holds its snapshot from
 * start to done, so what it shows is of one moment.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include <linux/vmshare.h>

#include "caps.h"
#include "netlink.h"
#include "netlink_cpu.h"
#include "netlink_msg.h"
#include "snapshot.h"

/* ---- requests ---- */

/* Without any policy attributes would not be looked at, nor refused. */
static const struct nla_policy no_policy[VMSHARE_A_PAD + 1] = {
	[VMSHARE_A_PAD] = { .type = NLA_REJECT },
};

static const struct nla_policy choice_policy[VMSHARE_A_ENGINE + 1] = {
	[VMSHARE_A_GENERATION] = { .type = NLA_U64 },
	[VMSHARE_A_MAX_AGE_MS] = { .type = NLA_U32 },
	[VMSHARE_A_ENGINE] = NLA_POLICY_MAX(NLA_U32, VMSHARE_ENGINE_MAX),
};

static const struct nla_policy vm_policy[VMSHARE_A_PID + 1] = {
	[VMSHARE_A_GENERATION] = { .type = NLA_U64 },
	[VMSHARE_A_MAX_AGE_MS] = { .type = NLA_U32 },
	[VMSHARE_A_ENGINE] = NLA_POLICY_MAX(NLA_U32, VMSHARE_ENGINE_MAX),
	[VMSHARE_A_PID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* The snapshot that a request asks for, referenced. */
static int choose_snapshot(struct nlattr **attrs, struct vmshare_snapshot **snap)
{
	struct nlattr *generation = attrs[VMSHARE_A_GENERATION];

	if (!generation)
		return vmshare_snapshot_get(vmshare_get_u32(attrs[VMSHARE_A_ENGINE]),
					    vmshare_get_u32(attrs[VMSHARE_A_MAX_AGE_MS]),
					    snap);
	if (attrs[VMSHARE_A_MAX_AGE_MS] || attrs[VMSHARE_A_ENGINE])
		return -EINVAL;
	*snap = vmshare_snapshot_find(nla_get_u64(generation));
	return *snap ? 0 : -ESTALE;
}

/* ---- answers ---- */

/* What only the tree engine sees: the memory of all processes. */
static int put_host_wide(struct sk_buff *msg, const struct vmshare_snapshot *s)
{
	const struct vmshare_fact facts[] = {
		{ VMSHARE_A_WALK_NODES, s->nodes },
		{ VMSHARE_A_CHECKED_NODES, s->checked_nodes },
		{ VMSHARE_A_MERGED_FRAMES, s->merged_frames },
		{ VMSHARE_A_MERGED_MAPPINGS, s->merged_mappings },
		{ VMSHARE_A_STALE_ITEMS, s->stale_items },
	};

	if (s->engine != VMSHARE_ENGINE_TREE)
		return 0;
	return vmshare_put_facts(msg, facts, ARRAY_SIZE(facts));
}

static int put_host(struct sk_buff *msg, const struct vmshare_snapshot *s)
{
	const struct vmshare_fact facts[] = {
		{ VMSHARE_A_TIME_NS, s->time_ns },
		{ VMSHARE_A_WALK_NS, s->walk_ns },
		{ VMSHARE_A_WALK_ITEMS, s->items },
		{ VMSHARE_A_LONGEST_HOLD_NS, s->longest_hold_ns },
	};

	if (nla_put_u32(msg, VMSHARE_A_ENGINE, s->engine) ||
	    nla_put_u8(msg, VMSHARE_A_CONSISTENT, s->consistent) ||
	    nla_put_u32(msg, VMSHARE_A_VMS, s->nr_vms) ||
	    nla_put_u32(msg, VMSHARE_A_SETS, s->nr_sets) ||
	    vmshare_put_facts(msg, facts, ARRAY_SIZE(facts)))
		return -EMSGSIZE;
	return put_host_wide(msg, s);
}

static int put_identity(struct sk_buff *msg, u32 pid, u64 start_time_ns,
			const char *comm)
{
	if (nla_put_u32(msg, VMSHARE_A_PID, pid) ||
	    vmshare_put_u64(msg, VMSHARE_A_START_TIME_NS, start_time_ns) ||
	    nla_put_string(msg, VMSHARE_A_COMM, comm))
		return -EMSGSIZE;
	return 0;
}

static int put_vm(struct sk_buff *msg, const struct vmshare_vm *vm)
{
	const struct vmshare_fact facts[] = {
		{ VMSHARE_A_ANON_BYTES, vm->memory.anon },
		{ VMSHARE_A_UNIQUE_BYTES, vm->unique },
		{ VMSHARE_A_SELF_SHARED_BYTES, vm->self_shared },
		{ VMSHARE_A_SELF_FRAMES_BYTES, vm->self_frames },
		{ VMSHARE_A_INTER_SHARED_BYTES, vm->inter_shared },
		{ VMSHARE_A_SHMEM_BYTES, vm->memory.shmem },
		{ VMSHARE_A_PRIVATE_SHMEM_BYTES, vm->memory.private_shmem },
		{ VMSHARE_A_HUGETLB_BYTES, vm->memory.hugetlb },
		{ VMSHARE_A_SWAP_BYTES, vm->memory.swap },
		{ VMSHARE_A_PAGE_TABLES_BYTES, vm->memory.page_tables },
		{ VMSHARE_A_FREED_BYTES, vm->freed },
	};

	if (put_identity(msg, vm->pid, vm->start_time_ns, vm->comm) ||
	    vmshare_put_facts(msg, facts, ARRAY_SIZE(facts)) ||
	    nla_put_u32(msg, VMSHARE_A_VCPUS, vm->nr_vcpus))
		return -EMSGSIZE;
	return vmshare_put_cpu_use(msg, &vm->cpu);
}

static int put_vcpu(struct sk_buff *msg, const struct vmshare_vcpu *vcpu)
{
	if (nla_put_u32(msg, VMSHARE_A_PID, vcpu->pid) ||
	    nla_put_u32(msg, VMSHARE_A_VCPU_ID, vcpu->id) ||
	    vmshare_put_u64(msg, VMSHARE_A_EXITS, vcpu->exits))
		return -EMSGSIZE;
	if (!vcpu->tid)
		return 0;
	if (nla_put_u32(msg, VMSHARE_A_TID, vcpu->tid))
		return -EMSGSIZE;
	return vmshare_put_cpu_use(msg, &vcpu->cpu);
}

static int put_set(struct sk_buff *msg, const struct vmshare_snapshot *s, u32 i)
{
	const struct vmshare_shared *set = &s->sets[i];

	if (nla_put(msg, VMSHARE_A_MEMBERS, set->nr * sizeof(u32),
		    s->members + set->first) ||
	    nla_put_u8(msg, VMSHARE_A_OUTSIDE, set->outside) ||
	    vmshare_put_u64(msg, VMSHARE_A_FRAMES_BYTES, set->frames))
		return -EMSGSIZE;
	return 0;
}

static int put_capability(struct sk_buff *msg, enum vmshare_cap cap)
{
	const char *why = vmshare_cap_reason(cap);
	struct nlattr *nest = nla_nest_start(msg, VMSHARE_A_CAPABILITY);

	if (!nest ||
	    nla_put_string(msg, VMSHARE_CAP_NAME, vmshare_cap_name(cap)) ||
	    nla_put_u8(msg, VMSHARE_CAP_AVAILABLE, !why) ||
	    (why && nla_put_string(msg, VMSHARE_CAP_REASON, why)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_info(struct sk_buff *msg)
{
	int cap;

	if (nla_put_u32(msg, VMSHARE_A_ABI, VMSHARE_ABI_REVISION) ||
	    nla_put_string(msg, VMSHARE_A_MODULE_VERSION, VMSHARE_VERSION) ||
	    nla_put_u32(msg, VMSHARE_A_ENGINE,
			vmshare_snapshot_default_engine()))
		return -EMSGSIZE;
	for (cap = 0; cap < VMSHARE_CAPS; cap++)
		if (put_capability(msg, cap))
			return -EMSGSIZE;
	return 0;
}

/* ---- kinds of facts in a snapshot ---- */

/* Put element @i of a snapshot; the generation goes first into every message. */
typedef int (*put_element)(struct sk_buff *msg, const struct vmshare_snapshot *s,
			   u32 i);

static int put_host_element(struct sk_buff *msg,
			    const struct vmshare_snapshot *s, u32 i)
{
	return put_host(msg, s);
}

static int put_vm_element(struct sk_buff *msg,
			  const struct vmshare_snapshot *s, u32 i)
{
	return put_vm(msg, &s->vms[i]);
}

static int put_vcpu_element(struct sk_buff *msg,
			    const struct vmshare_snapshot *s, u32 i)
{
	return put_vcpu(msg, &s->vcpus[i]);
}

static u32 nr_elements(const struct vmshare_snapshot *s, u8 cmd)
{
	switch (cmd) {
	case VMSHARE_CMD_HOST:
		return 1;
	case VMSHARE_CMD_VM:
		return s->nr_vms;
	case VMSHARE_CMD_VCPU:
		return s->nr_vcpus;
	case VMSHARE_CMD_SET:
		return s->nr_sets;
	}
	return 0;
}

static put_element putter_of(u8 cmd)
{
	switch (cmd) {
	case VMSHARE_CMD_HOST:
		return put_host_element;
	case VMSHARE_CMD_VM:
		return put_vm_element;
	case VMSHARE_CMD_VCPU:
		return put_vcpu_element;
	default:
		return put_set;
	}
}

static int put_message(struct sk_buff *msg, u32 portid, u32 seq, int flags,
		       u8 cmd, const struct vmshare_snapshot *s, u32 i)
{
	void *head = genlmsg_put(msg, portid, seq, &vmshare_family, flags, cmd);

	if (!head)
		return -EMSGSIZE;
	if (vmshare_put_u64(msg, VMSHARE_A_GENERATION, s->generation) ||
	    putter_of(cmd)(msg, s, i)) {
		genlmsg_cancel(msg, head);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return 0;
}

/* ---- do ---- */

static int info_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = vmshare_check_permission(skb, info->extack);
	struct sk_buff *msg;
	void *head;

	if (err)
		return err;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	head = genlmsg_put_reply(msg, info, &vmshare_family, 0, VMSHARE_CMD_INFO);
	if (!head || put_info(msg)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);
}

static int reply(struct genl_info *info, u8 cmd,
		 const struct vmshare_snapshot *s, u32 i)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!msg)
		return -ENOMEM;
	if (put_message(msg, info->snd_portid, info->snd_seq, 0, cmd, s, i)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return genlmsg_reply(msg, info);
}

static int host_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = vmshare_check_permission(skb, info->extack);
	struct vmshare_snapshot *snap;

	if (err)
		return err;
	err = choose_snapshot(info->attrs, &snap);
	vmshare_explain(err, info->extack);
	if (err)
		return err;
	err = reply(info, VMSHARE_CMD_HOST, snap, 0);
	vmshare_snapshot_put(snap);
	return err;
}

static bool find_vm(const struct vmshare_snapshot *s, u32 pid, u32 *i)
{
	for (*i = 0; *i < s->nr_vms; (*i)++)
		if (s->vms[*i].pid == pid)
			return true;
	return false;
}

static int vm_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = vmshare_check_permission(skb, info->extack);
	struct nlattr *pid = info->attrs[VMSHARE_A_PID];
	struct vmshare_snapshot *snap;
	u32 i;

	if (err)
		return err;
	if (!pid) {
		NL_SET_ERR_MSG(info->extack,
			       "which VM? give the pid of its process, or ask for a dump");
		return -EINVAL;
	}
	err = choose_snapshot(info->attrs, &snap);
	vmshare_explain(err, info->extack);
	if (err)
		return err;
	if (find_vm(snap, nla_get_u32(pid), &i)) {
		err = reply(info, VMSHARE_CMD_VM, snap, i);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, pid,
				    "no process of this pid owns a KVM virtual machine");
		err = -ESRCH;
	}
	vmshare_snapshot_put(snap);
	return err;
}

/* ---- dump ---- */

struct dump {
	struct vmshare_snapshot *snap;	/* from start to done */
	u32 next;			/* element */
	u32 pid;			/* only this VM's; 0: all */
	int refusal;			/* why there is no snapshot */
	u8 cmd;
};

static struct dump *dump_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump) > sizeof(cb->ctx));
	return (struct dump *)cb->ctx;
}

/* The largest set must fit into one buffer. */
static u32 largest_message(const struct vmshare_snapshot *s, u8 cmd)
{
	u32 i, members = 0;

	if (cmd == VMSHARE_CMD_SET)
		for (i = 0; i < s->nr_sets; i++)
			members = max(members, s->sets[i].nr);
	return NLMSG_GOODSIZE + members * sizeof(u32);
}

/*
 * Older kernels let a dump give its reasons only once it has begun: then the
 * refusal is the dump's end, with the same number and text.
 */
static int start_dump(struct netlink_callback *cb, u8 cmd)
{
	int err = vmshare_check_permission(cb->skb, cb->extack);
	struct nlattr **attrs = vmshare_dump_attrs(cb);
	struct dump *dump = dump_of(cb);

	if (err)
		return err;
	*dump = (struct dump) { .cmd = cmd };
	if (cmd == VMSHARE_CMD_VM || cmd == VMSHARE_CMD_VCPU)
		dump->pid = vmshare_get_u32(attrs[VMSHARE_A_PID]);
	err = choose_snapshot(attrs, &dump->snap);
	if (!err) {
		cb->min_dump_alloc = largest_message(dump->snap, cmd);
	} else if (!cb->extack) {
		dump->refusal = err;
		err = 0;
	}
	vmshare_explain(err, cb->extack);
	return err;
}

static int start_host_dump(struct netlink_callback *cb)
{
	return start_dump(cb, VMSHARE_CMD_HOST);
}

static int start_vm_dump(struct netlink_callback *cb)
{
	return start_dump(cb, VMSHARE_CMD_VM);
}

static int start_vcpu_dump(struct netlink_callback *cb)
{
	return start_dump(cb, VMSHARE_CMD_VCPU);
}

static int start_set_dump(struct netlink_callback *cb)
{
	return start_dump(cb, VMSHARE_CMD_SET);
}

static bool is_wanted(const struct dump *dump, u32 i)
{
	if (!dump->pid)
		return true;
	return dump->pid == (dump->cmd == VMSHARE_CMD_VM ? dump->snap->vms[i].pid :
							   dump->snap->vcpus[i].pid);
}

static int dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);
	u32 nr;

	if (dump->refusal) {
		vmshare_explain(dump->refusal, cb->extack);
		return dump->refusal;
	}
	nr = nr_elements(dump->snap, dump->cmd);
	for (; dump->next < nr; dump->next++) {
		if (!is_wanted(dump, dump->next))
			continue;
		if (put_message(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, NLM_F_MULTI, dump->cmd,
				dump->snap, dump->next))
			return skb->len ? skb->len : -EMSGSIZE;
	}
	return skb->len;
}

static int done_dump(struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);

	vmshare_snapshot_put(dump->snap);
	dump->snap = NULL;
	return 0;
}

/* ---- events ---- */

static const struct genl_multicast_group groups[] = {
	{
		.name = VMSHARE_MCGRP_EVENTS,
#ifdef VMSHARE_HAVE_GENL_MCAST_CAP
		.flags = GENL_MCAST_CAP_NET_ADMIN,
#endif
	},
};

bool vmshare_netlink_is_heard(void)
{
	return genl_has_listeners(&vmshare_family, &init_net, 0);
}

void vmshare_netlink_tell(u8 event, u32 pid, u64 start_time_ns,
			  const char *comm)
{
	struct sk_buff *msg;
	void *head;

	if (!vmshare_netlink_is_heard())
		return;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg) {	/* listeners are told that they have missed something */
		genl_set_err(&vmshare_family, &init_net, 0, 0, -ENOBUFS);
		return;
	}
	head = genlmsg_put(msg, 0, 0, &vmshare_family, 0, event);
	if (!head || put_identity(msg, pid, start_time_ns, comm)) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_end(msg, head);
	genlmsg_multicast(&vmshare_family, msg, 0, 0, GFP_KERNEL);
}

/* ---- the family ---- */

#define CHOICE	.policy = choice_policy, .maxattr = ARRAY_SIZE(choice_policy) - 1
#define VM	.policy = vm_policy, .maxattr = ARRAY_SIZE(vm_policy) - 1

static const struct genl_ops ops[] = {
	{
		.cmd = VMSHARE_CMD_INFO,
		.policy = no_policy,
		.maxattr = ARRAY_SIZE(no_policy) - 1,
		.doit = info_doit,
	},
	{
		.cmd = VMSHARE_CMD_HOST,
		CHOICE,
		.doit = host_doit,
		.start = start_host_dump,
		.dumpit = dumpit,
		.done = done_dump,
	},
	{
		.cmd = VMSHARE_CMD_VM,
		VM,
		.doit = vm_doit,
		.start = start_vm_dump,
		.dumpit = dumpit,
		.done = done_dump,
	},
	{
		.cmd = VMSHARE_CMD_VCPU,
		VM,
		.start = start_vcpu_dump,
		.dumpit = dumpit,
		.done = done_dump,
	},
	{
		.cmd = VMSHARE_CMD_SET,
		CHOICE,
		.start = start_set_dump,
		.dumpit = dumpit,
		.done = done_dump,
	},
	{
		.cmd = VMSHARE_CMD_TRACK,
		.policy = vmshare_track_policy,
		.maxattr = VMSHARE_A_HOOKS,
		.doit = vmshare_track_doit,
	},
	{
		.cmd = VMSHARE_CMD_CPU,
		.policy = vmshare_cpu_policy,
		.maxattr = VMSHARE_A_BRIEF,
		.start = vmshare_cpu_start,
		.dumpit = vmshare_cpu_dumpit,
		.done = vmshare_cpu_done,
	},
};

struct genl_family vmshare_family __ro_after_init = {
	.name = VMSHARE_GENL_NAME,
	.version = VMSHARE_GENL_VERSION,
	.module = THIS_MODULE,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

int __init vmshare_netlink_init(void)
{
	return genl_register_family(&vmshare_family);
}

void vmshare_netlink_exit(void)
{
	genl_unregister_family(&vmshare_family);
}
