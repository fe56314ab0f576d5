// SPDX-License-Identifier: GPL-2.0
/*
 * For tests only: while this is loaded, a function of the kernel's does nothing and
 * returns an error to certain callers.
 *
 *	insmod refuse.ko function=genl_register_family error=17 caller=[vmshare]
 *	cat /sys/module/refuse/parameters/refused
 *
 * Where its first instruction would be, another function is gone to (x86) that only
 * returns. What arguments it has does not matter to that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *function;
static int error;
static char caller[KSYM_SYMBOL_LEN];
static int after, refused;
static char first[KSYM_SYMBOL_LEN];
module_param(function, charp, 0444);
module_param(error, int, 0444);		/* a positive errno; 0: NULL */
module_param_string(caller, caller, sizeof(caller), 0444); /* is in its symbol */
module_param(after, int, 0644);		/* so many of its calls go through first */
module_param(refused, int, 0644);	/* how many since then did not */
module_param_string(first, first, sizeof(first), 0444); /* where from */

#ifndef ASM_RET
#define ASM_RET "ret\n"
#endif
#ifndef ASM_ENDBR
#define ASM_ENDBR
#endif

void just_return(void);
asm(".pushsection .text\n"
    ".type just_return, @function\n"
    "just_return:\n" ASM_ENDBR ASM_RET
    ".size just_return, . - just_return\n"
    ".popsection\n");

static DEFINE_RAW_SPINLOCK(lock);	/* of what is counted */

static bool is_refused(unsigned long from)
{
	static char text[KSYM_SYMBOL_LEN];
	unsigned long flags;
	bool is = false;

	raw_spin_lock_irqsave(&lock, flags);
	sprint_symbol(text, from);
	if (strstr(text, caller) && after-- <= 0) {
		if (!refused++)
			strscpy(first, text, sizeof(first));
		is = true;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return is;
}

/* Return: 1, if the function is not to run. */
static int refuse(struct kprobe *probe, struct pt_regs *regs)
{
	if (!is_refused(*(unsigned long *)regs->sp)) /* the caller */
		return 0;
	regs->ip = (unsigned long)just_return;
	regs->ax = -error;
	return 1;
}

/* Whoever has one may change where the probed function goes on. */
static void unused(struct kprobe *probe, struct pt_regs *regs,
		   unsigned long flags)
{
}

static struct kprobe probe = {
	.pre_handler = refuse,
	.post_handler = unused,
};

static int __init refuse_init(void)
{
	probe.symbol_name = function;
	return register_kprobe(&probe);
}

static void __exit refuse_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(refuse_init);
module_exit(refuse_exit);

MODULE_DESCRIPTION("A function that fails");
MODULE_AUTHOR("The vmshare authors");
MODULE_LICENSE("GPL");
