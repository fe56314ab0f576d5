// SPDX-License-Identifier: GPL-2.0
/*
 * For measuring only: the bare pointer chase over what the tree engine walks.
 *
 * Every node and every rmap_item of KSM's stable trees is visited and one word
 * of each is read, in one hold of the mutex, and nothing else is done. That is
 * the floor for any walk of these lists on the machine at hand.
 *
 *	echo 1 > /sys/module/chase/parameters/run
 *	cat /sys/module/chase/parameters/{ns,nodes,items}
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/timekeeping.h>

#include "compat/ksm.h"

static ulong ns, nodes, items, seen;
module_param(ns, ulong, 0444);
module_param(nodes, ulong, 0444);
module_param(items, ulong, 0444);
module_param(seen, ulong, 0444);	/* so that the reads are not dropped */

static void chase_node(const struct vmshare_ksm *k, const void *node)
{
	struct hlist_node *at = vmshare_ksm_first(k, node);

	nodes++;
	for (; at; at = at->next) {
		seen ^= (ulong)vmshare_ksm_item_mm(k, vmshare_ksm_item(k, at));
		items++;
	}
}

static void chase_place(const struct vmshare_ksm *k, const void *node)
{
	struct hlist_node *dup;

	if (!vmshare_ksm_is_chain(k, node)) {
		chase_node(k, node);
		return;
	}
	for (dup = vmshare_ksm_first(k, node); dup; dup = dup->next)
		chase_node(k, (void *)dup - k->node_hlist_dup);
}

static void chase(const struct vmshare_ksm *k)
{
	struct rb_node *rb;
	int tree;

	for (tree = 0; tree < vmshare_ksm_nr_trees(k); tree++)
		for (rb = rb_first(&(*k->stable_trees)[tree]); rb; rb = rb_next(rb))
			chase_place(k, (void *)rb - k->node_rb);
}

static int run(const char *value, const struct kernel_param *param)
{
	const struct vmshare_ksm *k = vmshare_ksm();
	u64 since;

	nodes = 0;
	items = 0;
	mutex_lock(k->thread_mutex);
	since = ktime_get_mono_fast_ns();
	chase(k);
	ns = ktime_get_mono_fast_ns() - since;
	mutex_unlock(k->thread_mutex);
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run };
module_param_cb(run, &run_ops, NULL, 0200);

static int __init chase_init(void)
{
	const char *why = vmshare_ksm_init();

	if (!why)
		return 0;
	pr_err("%s\n", why);
	return -EOPNOTSUPP;
}

static void __exit chase_exit(void)
{
}

module_init(chase_init);
module_exit(chase_exit);

MODULE_DESCRIPTION("Bare pointer chase over KSM's stable trees, for measuring");
MODULE_LICENSE("GPL");
