// SPDX-License-Identifier: GPL-2.0
/*
 * Which processes are virtual machines, and which threads are their vCPUs.
 *
 * Nothing is remembered between two looks: a VM is a process that, now, holds
 * an open file of KVM which belongs to its own address space. So VMs that were
 * there before the module are seen like all others, a pid that was given to
 * another process cannot be confused, a child that inherited the files through
 * fork() is no VM, and neither is a process after exec().
 *
 * KVM's own list of VMs would be shorter to read but is private to kvm.ko, and
 * looking at it would have to keep kvm.ko from being unloaded. An open file
 * does that by itself.
 *
 * Cost: one pointer test per process (KVM always has a notifier on the address
 * space, and hardly anything else has), and the open files of those that pass.
 */
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/kvm_host.h>
#include <linux/magic.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "census.h"
#include "files.h"
#include "large.h"

struct candidates {
	struct task_struct **tasks;	/* referenced */
	u32 nr, room;
};

/* One process may own several VMs; vCPUs of more than these are not seen. */
#define MAX_KVMS	16

/* A VM may have thousands: so many in one hold of the file table's lock. */
#define VCPUS_AT_ONCE	32

/* A function of KVM, by which its files are known. */
struct kvm_function {
	const char *name;
	const void *address;	/* proven, or NULL */
};

/* What one look at the files of one process works with. */
struct look {
	struct vmshare_census *census;
	struct vmshare_vm_seen *vm;	/* its mm says whose files count */
	struct kvm *kvms[MAX_KVMS];	/* seen so far: compared, not followed */
	u32 nr_kvms, vm_index, vcpu_room;
	bool full;
	struct kvm *unfinished;		/* has vCPUs left: compared only */
	unsigned long next_vcpu;	/* of it */
	struct kvm_function vm_ioctl, vcpu_ioctl;
	struct kvm_function *asked;	/* is this its address? */
	const void *address;
};

/*
 * Whether a function has this name takes long to find out: it is asked for here
 * and found out when the file table's lock is let go.
 */
static bool is_function(struct look *look, struct kvm_function *function,
			const void *address)
{
	if (address == function->address)
		return true;
	look->asked = function;
	look->address = address;
	return false;
}

/* Return: whether what was asked for is KVM's. */
static noinline bool find_out(struct look *look)
{
	struct kvm_function *function = look->asked;
	size_t len = strlen(function->name);
	char text[KSYM_SYMBOL_LEN];

	look->asked = NULL;
	sprint_symbol(text, (unsigned long)look->address);
	if (strncmp(text, function->name, len) || strncmp(text + len, "+0x0/", 5))
		return false;
	function->address = look->address;
	return true;
}

/* Return: the VM behind an open file, or NULL if it is not known to be KVM's. */
static struct kvm *kvm_of_file(struct look *look, struct file *file)
{
	const void *ioctl = file->f_op->unlocked_ioctl;
	const char *name;

	if (file_inode(file)->i_sb->s_magic != ANON_INODE_FS_MAGIC || !ioctl)
		return NULL;
	name = file->f_path.dentry->d_name.name;
	if (!strcmp(name, "kvm-vm")) {
		if (is_function(look, &look->vm_ioctl, ioctl))
			return file->private_data;
	} else if (!strncmp(name, "kvm-vcpu:", 9)) {
		if (is_function(look, &look->vcpu_ioctl, ioctl))
			return ((struct kvm_vcpu *)file->private_data)->kvm;
	}
	return NULL;
}

static struct pid *vcpu_pid(struct kvm_vcpu *vcpu)
{
	struct pid *pid;

#ifdef VMSHARE_HAVE_VCPU_PID_LOCK
	read_lock(&vcpu->pid_lock);
	pid = get_pid(vcpu->pid);
	read_unlock(&vcpu->pid_lock);
#else
	rcu_read_lock();
	pid = get_pid(rcu_dereference(vcpu->pid));
	rcu_read_unlock();
#endif
	return pid;
}

static void see_vcpu(struct look *look, struct kvm_vcpu *vcpu)
{
	struct vmshare_census *census = look->census;
	struct vmshare_vcpu_seen *seen = &census->vcpus[census->nr_vcpus++];

	*seen = (struct vmshare_vcpu_seen) {
		.vm = look->vm_index,
		.id = vcpu->vcpu_id,
		.pid = vcpu_pid(vcpu),
	};
	vmshare_exits_read(vcpu, &seen->exits);
	look->vm->nr_vcpus++;
}

/* Return: whether there is more to see, after others had their turn. */
static bool see_vcpus(struct look *look, struct kvm *kvm)
{
	struct vmshare_census *census = look->census;
	unsigned long nr = atomic_read(&kvm->online_vcpus);
	unsigned long end = min(nr, look->next_vcpu + VCPUS_AT_ONCE);

	for (; look->next_vcpu < end; look->next_vcpu++) {
		struct kvm_vcpu *vcpu = kvm_get_vcpu(kvm, look->next_vcpu);

		look->full = census->nr_vcpus == look->vcpu_room;
		if (look->full)
			return false;
		if (vcpu)
			see_vcpu(look, vcpu);
	}
	return end < nr;
}

/* Return: false if it is known already, or one too many. */
static bool remember_kvm(struct look *look, struct kvm *kvm)
{
	u32 i;

	for (i = 0; i < look->nr_kvms; i++)
		if (look->kvms[i] == kvm)
			return false;
	if (look->nr_kvms == MAX_KVMS)
		return false;
	look->kvms[look->nr_kvms++] = kvm;
	look->next_vcpu = 0;
	return true;
}

/*
 * Called for each open file, under the lock of the file table: the file cannot
 * be closed, so neither the VM nor its vCPUs can go. A process may own several
 * VMs; they share its memory and count as one.
 *
 * Return: 0, or to stop at this file, its descriptor plus one.
 */
static int see_file(const void *data, struct file *file, unsigned int fd)
{
	struct look *look = (struct look *)data;
	struct kvm *kvm = kvm_of_file(look, file);

	if (look->asked)
		return fd + 1;
	if (!kvm || kvm->mm != look->vm->mm ||
	    (kvm != look->unfinished && !remember_kvm(look, kvm)))
		return 0;
	look->unfinished = see_vcpus(look, kvm) ? kvm : NULL;
	return look->unfinished || look->full ? fd + 1 : 0;
}

/*
 * A file is looked at again if it was not known or has vCPUs left. Whatever was
 * opened or closed in between, the next look sees.
 *
 * Return: whether the process owns a VM.
 */
static bool look_at_files(struct look *look, struct task_struct *task)
{
	unsigned int from = 0, stopped;

	look->nr_kvms = 0;
	look->unfinished = NULL;
	for (;;) {
		stopped = vmshare_files_each(task, from, see_file, look);
		if (!stopped || look->full)
			return look->nr_kvms;
		from = stopped - 1;
		if (look->asked && !find_out(look))
			from++;		/* a stranger's file of that name */
		cond_resched();
	}
}

/* The address space of a process, also when its first thread has ended. */
static struct mm_struct *grab_mm(struct task_struct *leader)
{
	struct mm_struct *mm = NULL;
	struct task_struct *t;

	rcu_read_lock();
	for_each_thread(leader, t) {
		task_lock(t);
		mm = t->mm;
		if (mm)
			mmgrab(mm);
		task_unlock(t);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

static bool may_be_vm(struct task_struct *leader)
{
	struct mm_struct *mm;
	struct task_struct *t;
	bool may = false;

	if (READ_ONCE(leader->flags) & PF_KTHREAD)
		return false;
	for_each_thread(leader, t) {
		task_lock(t);
		mm = t->mm;
		may = mm && READ_ONCE(mm->notifier_subscriptions);
		task_unlock(t);
		if (mm)
			break;
	}
	return may;
}

static bool collect_candidates(struct candidates *c)
{
	struct task_struct *p;
	bool fits = true;

	rcu_read_lock();
	for_each_process(p) {
		if (!may_be_vm(p))
			continue;
		if (c->nr == c->room) {
			fits = false;
			break;
		}
		c->tasks[c->nr++] = get_task_struct(p);
	}
	rcu_read_unlock();
	return fits;
}

static void release_candidates(struct candidates *c)
{
	while (c->nr)
		put_task_struct(c->tasks[--c->nr]);
	kvfree(c->tasks);
	c->tasks = NULL;
}

static int find_candidates(struct candidates *c)
{
	for (c->room = 64;; c->room *= 2) {
		c->nr = 0;
		if (c->room > 2 * VMSHARE_MAX_VMS)
			return -E2BIG;
		c->tasks = kvmalloc_array(c->room, sizeof(*c->tasks),
					  VMSHARE_GFP_LARGE);
		if (!c->tasks)
			return -ENOMEM;
		if (collect_candidates(c))
			return 0;
		release_candidates(c);
	}
}

/*
 * vfork() and clone(CLONE_VM) make a second process of one memory. Processes
 * are listed in the order of birth, so the first is the owner.
 */
static bool seen_before(struct vmshare_census *census, struct mm_struct *mm)
{
	u32 i;

	for (i = 0; i < census->nr_vms; i++)
		if (census->vms[i].mm == mm)
			return true;
	return false;
}

static void see_task(struct look *look, struct task_struct *task)
{
	struct vmshare_census *census = look->census;
	struct vmshare_vm_seen *vm = &census->vms[census->nr_vms];
	struct mm_struct *mm = grab_mm(task);

	if (!mm)
		return;
	*vm = (struct vmshare_vm_seen) {
		.mm = mm,
		.pid = task_tgid_nr(task),
		.start_time_ns = READ_ONCE(task->start_boottime),
	};
	look->vm = vm;
	look->vm_index = census->nr_vms;
	if (seen_before(census, mm) || !look_at_files(look, task)) {
		mmdrop(mm);
		return;
	}
	get_task_comm(vm->comm, task);
	vm->task = get_task_struct(task);
	census->nr_vms++;
}

static int look_at_all(struct vmshare_census *census, struct candidates *c,
		       u32 vcpu_room)
{
	struct look look = {
		.census = census,
		.vcpu_room = vcpu_room,
		.vm_ioctl.name = "kvm_vm_ioctl",
		.vcpu_ioctl.name = "kvm_vcpu_ioctl",
	};
	u32 i;

	census->vms = kvcalloc(c->nr + 1, sizeof(*census->vms),
			       VMSHARE_GFP_LARGE);
	census->vcpus = kvmalloc_array(vcpu_room, sizeof(*census->vcpus),
				       VMSHARE_GFP_LARGE);
	if (!census->vms || !census->vcpus)
		return -ENOMEM;
	for (i = 0; i < c->nr; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (census->nr_vms == VMSHARE_MAX_VMS)
			return -E2BIG;
		see_task(&look, c->tasks[i]);
		if (look.full)
			return -ENOSPC;
		cond_resched();
	}
	return 0;
}

int vmshare_census_take(struct vmshare_census *census)
{
	static atomic64_t begun = ATOMIC64_INIT(0);
	u64 number = atomic64_inc_return(&begun);
	struct candidates candidates = {};
	u32 vcpu_room = 256;
	int err;

	*census = (struct vmshare_census) {};
	err = find_candidates(&candidates);
	while (!err) {
		err = look_at_all(census, &candidates, vcpu_room);
		if (!err)
			break;
		vmshare_census_release(census);
		if (err != -ENOSPC)
			break;
		vcpu_room *= 4;
		err = 0;
	}
	release_candidates(&candidates);
	census->number = number;
	return err;
}

/* vhost and others may keep its users for a while when no process has it any more. */
static bool is_nobodys(const struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	if (!rcu_access_pointer(mm->owner))
		return true;
#endif
	return !atomic_read(&mm->mm_users);
}

bool vmshare_is_dying(const struct mm_struct *mm)
{
	return is_nobodys(mm) && mm_pgtables_bytes(mm);
}

void vmshare_census_release(struct vmshare_census *census)
{
	u32 i;

	for (i = 0; i < census->nr_vcpus; i++)
		put_pid(census->vcpus[i].pid);
	for (i = 0; i < census->nr_vms; i++) {
		mmdrop(census->vms[i].mm);
		put_task_struct(census->vms[i].task);
	}
	kvfree(census->vcpus);
	kvfree(census->vms);
	*census = (struct vmshare_census) {};
}
