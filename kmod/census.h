/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_CENSUS_H
#define _VMSHARE_CENSUS_H

#include <linux/sched.h>
#include <linux/types.h>

#include "exits.h"

/* Set members travel in one netlink attribute, which ends at 64 KiB. */
#define VMSHARE_MAX_VMS	16000

struct vmshare_vcpu_seen {
	u32 vm;			/* index into the census */
	u32 id;
	struct pid *pid;	/* referenced; NULL before its first KVM_RUN */
	struct vmshare_exits exits;
};

struct vmshare_vm_seen {
	struct task_struct *task;	/* group leader, referenced */
	struct mm_struct *mm;		/* mmgrab()ed: the structure, not the
					 * memory; mmget_not_zero() before that is used
					 */
	pid_t pid;
	u64 start_time_ns;
	char comm[TASK_COMM_LEN];
	u32 nr_vcpus;
};

/* Every KVM process at one moment, in the order of birth. */
struct vmshare_census {
	struct vmshare_vm_seen *vms;
	struct vmshare_vcpu_seen *vcpus;	/* VM by VM */
	u32 nr_vms, nr_vcpus;
	u64 number;		/* a census begun later has a higher one */
};

/**
 * vmshare_census_take() - find every process that owns a KVM virtual machine
 * @census: filled; give it back with vmshare_census_release()
 *
 * Sleeps. Finds VMs however old they are, with exported interfaces only.
 *
 * Return: 0, -ENOMEM, -EINTR on a fatal signal, -E2BIG beyond VMSHARE_MAX_VMS.
 */
int vmshare_census_take(struct vmshare_census *census);
void vmshare_census_release(struct vmshare_census *census);

/*
 * Is this memory being given back? No process has it any more, so it is no VM's in a
 * census, but its mappings are there for as long as that takes.
 * @mm: referenced, as a structure
 */
bool vmshare_is_dying(const struct mm_struct *mm);

#endif
