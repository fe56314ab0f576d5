// SPDX-License-Identifier: GPL-2.0
/*
 * One dump gives everything of one look: first the host, then the threads, then
 * who displaced whom. It holds its report from start to done.
 */
#include <linux/netlink.h>
#include <net/netlink.h>

#include "caps.h"
#include "cpu.h"
#include "hooks.h"
#include "netlink_cpu.h"
#include "netlink_msg.h"

/* ---- track ---- */

const struct nla_policy vmshare_track_policy[VMSHARE_A_HOOKS + 1] = {
	[VMSHARE_A_HOOKS] = NLA_POLICY_MASK(NLA_U32, VMSHARE_HOOK_SCHED |
						     VMSHARE_HOOK_KVM),
};

static void explain_hooks(int err, struct netlink_ext_ack *extack)
{
	if (err == -EOPNOTSUPP)
		NL_SET_ERR_MSG(extack,
			       "this kernel lacks what that hook needs; the capabilities say what");
	else
		vmshare_explain(err, extack);
}

int vmshare_track_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *hooks = info->attrs[VMSHARE_A_HOOKS];
	int err = vmshare_check_permission(skb, info->extack);

	if (err)
		return err;
	if (!hooks) {
		NL_SET_ERR_MSG(info->extack,
			       "which hooks? give HOOKS, 0 to let go of all");
		return -EINVAL;
	}
	err = vmshare_hooks_want(info->snd_portid, nla_get_u32(hooks));
	explain_hooks(err, info->extack);
	return err;
}

/* ---- one message each ---- */

const struct nla_policy vmshare_cpu_policy[VMSHARE_A_BRIEF + 1] = {
	[VMSHARE_A_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[VMSHARE_A_BRIEF] = { .type = NLA_FLAG },
};

static int put_host(struct sk_buff *msg, const struct vmshare_cpu_report *r)
{
	const struct vmshare_fact facts[] = {
		{ VMSHARE_A_TRACKED_NS, r->totals.tracked_ns },
		{ VMSHARE_A_VMS_NS, r->totals.vms_ns },
		{ VMSHARE_A_HOST_NS, r->totals.host_ns },
		{ VMSHARE_A_IDLE_NS, r->totals.idle_ns },
	};

	if (nla_put_u32(msg, VMSHARE_A_HOOKS, r->hooks))
		return -EMSGSIZE;
	if (!r->hooks)
		return 0;
	if (nla_put_u32(msg, VMSHARE_A_CPUS, r->totals.cpus))
		return -EMSGSIZE;
	return vmshare_put_facts(msg, facts, ARRAY_SIZE(facts));
}

static int put_exit_reason(struct sk_buff *msg, const char *name, u64 count)
{
	struct nlattr *nest = nla_nest_start(msg, VMSHARE_A_EXIT_REASON);

	if (!nest || nla_put_string(msg, VMSHARE_EXIT_NAME, name) ||
	    nla_put_u64_64bit(msg, VMSHARE_EXIT_COUNT, count, VMSHARE_EXIT_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_exits(struct sk_buff *msg, const struct vmshare_exits *exits)
{
	unsigned int i;

	if (vmshare_put_u64(msg, VMSHARE_A_EXITS, exits->all))
		return -EMSGSIZE;
	for (i = 0; vmshare_exit_reason(i); i++)
		if (put_exit_reason(msg, vmshare_exit_reason(i),
				    exits->by_reason[i]))
			return -EMSGSIZE;
	return 0;
}

static int put_waits(struct sk_buff *msg, const struct vmshare_cpu_thread *t,
		     u32 hooks)
{
	const struct vmshare_waits *w = &t->waits;
	const struct vmshare_fact facts[] = {
		{ VMSHARE_A_WAITS, w->waits },
		{ VMSHARE_A_WAKEUPS, w->wakeups },
		{ VMSHARE_A_WAIT_NS, w->wait_ns },
	};

	if (vmshare_put_facts(msg, facts, ARRAY_SIZE(facts)) ||
	    nla_put(msg, VMSHARE_A_WAIT_HISTOGRAM, sizeof(w->histogram),
		    w->histogram))
		return -EMSGSIZE;
	if (!t->is_vcpu || !(hooks & VMSHARE_HOOK_KVM))
		return 0;
	if (vmshare_put_u64(msg, VMSHARE_A_ENTRIES, w->entries) ||
	    vmshare_put_u64(msg, VMSHARE_A_IN_GUEST_NS, w->in_guest_ns))
		return -EMSGSIZE;
	return 0;
}

/* Of what has ended only the hooks know how long it was ready. */
static int put_use(struct sk_buff *msg, const struct vmshare_cpu_thread *t)
{
	return t->tid || t->is_tracked ? vmshare_put_cpu_use(msg, &t->use) :
					 vmshare_put_cpu_sums(msg, &t->use);
}

static int put_thread(struct sk_buff *msg, const struct vmshare_cpu_thread *t,
		      const struct vmshare_cpu_report *r)
{
	if (nla_put_u32(msg, VMSHARE_A_PID, t->pid) ||
	    nla_put_u32(msg, VMSHARE_A_TID, t->tid) ||
	    nla_put_u32(msg, VMSHARE_A_THREAD_KIND, t->kind) ||
	    nla_put_string(msg, VMSHARE_A_COMM, t->comm) ||
	    put_use(msg, t))
		return -EMSGSIZE;
	if (t->tid && nla_put_u8(msg, VMSHARE_A_IN_PROCESS, t->is_in_process))
		return -EMSGSIZE;
	if (t->is_vcpu && nla_put_u32(msg, VMSHARE_A_VCPU_ID, t->vcpu_id))
		return -EMSGSIZE;
	if (r->is_brief)
		return 0;
	if (t->is_vcpu && put_exits(msg, &t->exits))
		return -EMSGSIZE;
	return t->is_tracked ? put_waits(msg, t, r->hooks) : 0;
}

static int put_preemption(struct sk_buff *msg,
			  const struct vmshare_preemption *p)
{
	if (nla_put_u32(msg, VMSHARE_A_PID, p->pid) ||
	    nla_put_u32(msg, VMSHARE_A_BY_PID, p->by) ||
	    vmshare_put_u64(msg, VMSHARE_A_COUNT, p->count) ||
	    vmshare_put_u64(msg, VMSHARE_A_WAIT_NS, p->ns))
		return -EMSGSIZE;
	if (p->by)
		return 0;
	if (vmshare_put_u64(msg, VMSHARE_A_IDLE_WAIT_NS, p->idle_ns) ||
	    vmshare_put_u64(msg, VMSHARE_A_UNKNOWN_WAIT_NS, p->unknown_ns))
		return -EMSGSIZE;
	return 0;
}

/* ---- dump ---- */

struct dump {
	struct vmshare_cpu_report *report;	/* from start to done */
	u32 next;			/* message */
	u32 pid;			/* only this VM's; 0: all */
	int refusal;			/* why there is no report */
};

static struct dump *dump_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump) > sizeof(cb->ctx));
	return (struct dump *)cb->ctx;
}

/* Older kernels tell reasons only at the dump's end: see start_dump(). */
int vmshare_cpu_start(struct netlink_callback *cb)
{
	int err = vmshare_check_permission(cb->skb, cb->extack);
	struct dump *dump = dump_of(cb);
	struct nlattr **attrs;

	if (err)
		return err;
	attrs = vmshare_dump_attrs(cb);
	*dump = (struct dump) {
		.pid = vmshare_get_u32(attrs[VMSHARE_A_PID]),
	};
	err = vmshare_cpu_report(&dump->report,
				 nla_get_flag(attrs[VMSHARE_A_BRIEF]));
	if (err && !cb->extack) {
		dump->refusal = err;
		err = 0;
	}
	vmshare_explain(err, cb->extack);
	return err;
}

static bool is_wanted(const struct dump *dump, u32 pid)
{
	return !dump->pid || dump->pid == pid;
}

/* Message number @i: the host, a thread, or a pair. */
static int put_body(struct sk_buff *msg, const struct vmshare_cpu_report *r,
		    u32 i)
{
	if (!i)
		return put_host(msg, r);
	if (--i < r->nr_threads)
		return put_thread(msg, &r->threads[i], r);
	return put_preemption(msg, &r->preemptions[i - r->nr_threads]);
}

static u8 cmd_of(const struct vmshare_cpu_report *r, u32 i)
{
	if (!i)
		return VMSHARE_CMD_CPU;
	return i <= r->nr_threads ? VMSHARE_CMD_THREAD : VMSHARE_CMD_PREEMPTION;
}

static bool has_message(const struct dump *dump, u32 i)
{
	const struct vmshare_cpu_report *r = dump->report;

	if (!i)
		return true;
	if (--i < r->nr_threads)
		return is_wanted(dump, r->threads[i].pid);
	return is_wanted(dump, r->preemptions[i - r->nr_threads].pid);
}

static int put_message(struct sk_buff *skb, struct netlink_callback *cb, u32 i)
{
	const struct vmshare_cpu_report *r = dump_of(cb)->report;
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &vmshare_family,
				 NLM_F_MULTI, cmd_of(r, i));

	if (!head)
		return -EMSGSIZE;
	if (put_body(skb, r, i)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int vmshare_cpu_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);
	u32 nr;

	if (dump->refusal) {
		vmshare_explain(dump->refusal, cb->extack);
		return dump->refusal;
	}
	nr = 1 + dump->report->nr_threads + dump->report->nr_preemptions;
	for (; dump->next < nr; dump->next++)
		if (has_message(dump, dump->next) &&
		    put_message(skb, cb, dump->next))
			return skb->len ? skb->len : -EMSGSIZE;
	return skb->len;
}

int vmshare_cpu_done(struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);

	vmshare_cpu_report_free(dump->report);
	dump->report = NULL;
	return 0;
}
