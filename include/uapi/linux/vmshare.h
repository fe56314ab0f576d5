/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * vmshare: which virtual machines share which memory, over generic netlink.
 *
 * This file is the whole contract between the module and its clients. It only
 * grows: numbers are never reused, new attributes are optional, and a client
 * must skip attributes it does not know.
 *
 * Everything here is facts; what to do about them is decided in user space.
 *
 * Permissions: every command needs CAP_NET_ADMIN in the initial user
 * namespace, because who shares pages with whom is a side channel. The family
 * exists only in the initial network namespace.
 *
 * Snapshots: HOST, VM, VCPU and SET answer from a snapshot. One walk over the
 * host's merged memory makes one immutable snapshot with a number of its own,
 * VMSHARE_A_GENERATION. A request chooses its snapshot in one of two ways:
 *
 *   GENERATION              that very snapshot; -ESTALE when it is no longer
 *                           kept (take a new one and start over)
 *   MAX_AGE_MS and ENGINE   one whose walk began no longer than MAX_AGE_MS
 *                           before the request, by that engine; a new walk is
 *                           made if there is none. Without MAX_AGE_MS the age
 *                           is 0: always a walk that began after the request.
 *
 * To see one instant in several dumps: ask HOST for a snapshot, then name its
 * GENERATION in the dumps that follow. The newest VMSHARE_KEEP snapshots can be
 * named, for VMSHARE_KEEP_MS; a dump that has begun keeps its own to its end.
 *
 * Requests are parsed strictly: an attribute that the command does not take is
 * refused. Every refusal carries an extended-ack message (NETLINK_EXT_ACK).
 *
 * Units: sizes are bytes of resident memory, times are nanoseconds; counters
 * count since the thread or process was born. An attribute that is absent is
 * not known; it is never 0 in place of "not known".
 */
#ifndef _UAPI_LINUX_VMSHARE_H
#define _UAPI_LINUX_VMSHARE_H

#define VMSHARE_GENL_NAME	"vmshare"
#define VMSHARE_GENL_VERSION	1
#define VMSHARE_ABI_REVISION	4	/* grows with every addition below */
#define VMSHARE_MCGRP_EVENTS	"events"

#define VMSHARE_KEEP		8	/* so many snapshots can be named, */
#define VMSHARE_KEEP_MS		10000	/* and for so long */

enum vmshare_cmd {
	VMSHARE_CMD_UNSPEC,

	/* do. Takes nothing. Gives ABI, MODULE_VERSION, ENGINE (what AUTO
	 * means on this kernel) and one CAPABILITY per thing that this kernel
	 * may or may not let the module do.
	 */
	VMSHARE_CMD_INFO,

	/* do, dump. Takes a snapshot choice. Gives one message about the
	 * snapshot itself and the host's merged memory: the attributes of the
	 * group "host".
	 */
	VMSHARE_CMD_HOST,

	/* do (needs PID; -ESRCH if no VM has it), dump. Takes a snapshot
	 * choice. Gives one message per VM: the attributes of the group "VM".
	 */
	VMSHARE_CMD_VM,

	/* dump. Takes a snapshot choice and PID (only that VM's vCPUs).
	 * Gives one message per vCPU: the attributes of the group "vCPU".
	 */
	VMSHARE_CMD_VCPU,

	/* dump. Takes a snapshot choice. Gives one message per distinct set
	 * of VMs that together map at least one merged frame: the attributes
	 * of the group "set".
	 */
	VMSHARE_CMD_SET,

	/* Events to the group VMSHARE_MCGRP_EVENTS: PID, START_TIME_NS, COMM. */
	VMSHARE_CMD_VM_APPEARED,
	VMSHARE_CMD_VM_GONE,

	/* do. Takes HOOKS: what is to be counted for as long as the asking
	 * socket is open, or until it asks for 0. Counters start at 0 when the
	 * first client asks and are gone with the last one. -EOPNOTSUPP with
	 * the reason where this kernel lacks what a hook needs.
	 */
	VMSHARE_CMD_TRACK,

	/* dump. Takes PID (only that VM's threads and what displaced them),
	 * and BRIEF. Gives, of one moment and without a walk over memory: one
	 * message CPU about the host, one THREAD for each thread that runs or
	 * works for a VM, and, while scheduler hooks are attached, one
	 * PREEMPTION for each pair of a VM and who ran while it was ready. With
	 * BRIEF there is no PREEMPTION, and of a THREAD only whose it is and
	 * what it has used since its birth: no exits, no waits.
	 */
	VMSHARE_CMD_CPU,
	VMSHARE_CMD_THREAD,
	VMSHARE_CMD_PREEMPTION,

	__VMSHARE_CMD_LAST
};
#define VMSHARE_CMD_MAX (__VMSHARE_CMD_LAST - 1)

/* How the merged frames are found. Both give the same sets. */
enum vmshare_engine {
	VMSHARE_ENGINE_AUTO,	/* request only: the best this kernel has */
	VMSHARE_ENGINE_TREE,	/* the rmap_items of KSM's stable trees */
	VMSHARE_ENGINE_PAGES,	/* the page tables of every VM */

	__VMSHARE_ENGINE_LAST
};
#define VMSHARE_ENGINE_MAX (__VMSHARE_ENGINE_LAST - 1)

enum vmshare_attr {
	VMSHARE_A_UNSPEC,
	VMSHARE_A_PAD,

	/* Choice of snapshot, and part of every answer made from one. */
	VMSHARE_A_GENERATION,		/* u64, never 0 */
	VMSHARE_A_MAX_AGE_MS,		/* u32, request only */
	VMSHARE_A_ENGINE,		/* u32, enum vmshare_engine */

	/* A VM is a process that owns a KVM virtual machine. */
	VMSHARE_A_PID,			/* u32, its thread group id */
	VMSHARE_A_START_TIME_NS,	/* u64, since boot; with PID: unique */
	VMSHARE_A_COMM,			/* string */

	/* INFO */
	VMSHARE_A_ABI,			/* u32, VMSHARE_ABI_REVISION */
	VMSHARE_A_MODULE_VERSION,	/* string */
	VMSHARE_A_CAPABILITY,		/* nest of VMSHARE_CAP_*, repeated */

	/* host: the walk */
	VMSHARE_A_TIME_NS,		/* u64, CLOCK_REALTIME at its start */
	VMSHARE_A_WALK_NS,		/* u64, how long it took */
	VMSHARE_A_WALK_ITEMS,		/* u64, rmap_items or page-table entries */
	VMSHARE_A_WALK_NODES,		/* u64, stable nodes (tree engine) */
	VMSHARE_A_CHECKED_NODES,	/* u64, of these, checked item by item */
	VMSHARE_A_LONGEST_HOLD_NS,	/* u64, of the lock that others wait for */
	VMSHARE_A_CONSISTENT,		/* u8: 1 if nothing was seen to change
					 * while the walk had let go of its lock,
					 * and all VMs could be looked at
					 */
	/* host: merged memory over all processes, VMs and others */
	VMSHARE_A_MERGED_FRAMES,	/* u64, frames mapped at least once */
	VMSHARE_A_MERGED_MAPPINGS,	/* u64, page-table entries on these */
	VMSHARE_A_STALE_ITEMS,		/* u64, rmap_items that map nothing any
					 * more though KSM still counts them
					 * (tree engine)
					 */
	VMSHARE_A_VMS,			/* u32, number of VMs */
	VMSHARE_A_SETS,			/* u32, number of sets */

	/* VM: resident anonymous memory,
	 * ANON = UNIQUE + SELF_SHARED + INTER_SHARED
	 */
	VMSHARE_A_ANON_BYTES,		/* u64 */
	VMSHARE_A_UNIQUE_BYTES,		/* u64, mappings of unmerged frames */
	VMSHARE_A_SELF_SHARED_BYTES,	/* u64, mappings of merged frames that
					 * no other process maps
					 */
	VMSHARE_A_SELF_FRAMES_BYTES,	/* u64, the frames behind those */
	VMSHARE_A_INTER_SHARED_BYTES,	/* u64, mappings of merged frames that
					 * another process maps as well
					 */
	/* VM: other memory */
	VMSHARE_A_SHMEM_BYTES,		/* u64, resident shared memory */
	VMSHARE_A_PRIVATE_SHMEM_BYTES,	/* u64, shared memory that goes with
					 * the VM: unlinked, and no other
					 * process has it open
					 */
	VMSHARE_A_HUGETLB_BYTES,	/* u64, goes back to its pool */
	VMSHARE_A_SWAP_BYTES,		/* u64 */
	VMSHARE_A_PAGE_TABLES_BYTES,	/* u64, of the process */
	VMSHARE_A_FREED_BYTES,		/* u64, what the host gets back when
					 * this VM alone leaves: UNIQUE +
					 * SELF_FRAMES + PRIVATE_SHMEM +
					 * PAGE_TABLES
					 */

	/* VM: over all its threads, but READY_NS and MIGRATIONS over living
	 * ones; vCPU: of that thread
	 */
	VMSHARE_A_RUN_NS,		/* u64, on a CPU */
	VMSHARE_A_READY_NS,		/* u64, runnable but not running */
	VMSHARE_A_GUEST_NS,		/* u64, in guest mode */
	VMSHARE_A_VOLUNTARY_SWITCHES,	/* u64 */
	VMSHARE_A_INVOLUNTARY_SWITCHES,	/* u64 */
	VMSHARE_A_MIGRATIONS,		/* u64, between CPUs */
	VMSHARE_A_VCPUS,		/* u32, VM only */

	/* vCPU */
	VMSHARE_A_VCPU_ID,		/* u32 */
	VMSHARE_A_TID,			/* u32, absent before its first run */
	VMSHARE_A_EXITS,		/* u64 */

	/* set */
	VMSHARE_A_MEMBERS,		/* array of u32 pids, ascending */
	VMSHARE_A_OUTSIDE,		/* u8: 1 if a process that is no VM
					 * maps these frames as well
					 */
	VMSHARE_A_FRAMES_BYTES,		/* u64 */

	/* TRACK, CPU */
	VMSHARE_A_HOOKS,		/* u32, VMSHARE_HOOK_*: wanted; attached */

	/* CPU: since the scheduler hooks were attached, over all CPUs;
	 * TRACKED_NS * CPUs = VMS_NS + HOST_NS + IDLE_NS
	 */
	VMSHARE_A_TRACKED_NS,		/* u64, since they were attached */
	VMSHARE_A_CPUS,			/* u32 */
	VMSHARE_A_VMS_NS,		/* u64, threads of VMs ran */
	VMSHARE_A_HOST_NS,		/* u64, all others ran */
	VMSHARE_A_IDLE_NS,		/* u64 */

	/* THREAD: PID of its VM, TID (0: the threads that have ended, one sum
	 * a VM), COMM, VCPU_ID of a vCPU, the counters since birth as in
	 * "vCPU" (but TID 0 has READY_NS and MIGRATIONS only while scheduler
	 * hooks are attached, of those that ended since), and:
	 */
	VMSHARE_A_THREAD_KIND,		/* u32, enum vmshare_thread_kind */
	/* nest of VMSHARE_EXIT_*, repeated; vCPU: since birth */
	VMSHARE_A_EXIT_REASON,
	/* THREAD, since the scheduler hooks were attached */
	VMSHARE_A_WAITS,		/* u64, times it was ready and then ran */
	VMSHARE_A_WAKEUPS,		/* u64, of these, after a sleep */
	VMSHARE_A_WAIT_NS,		/* u64, READY_NS of these waits */
	VMSHARE_A_WAIT_HISTOGRAM,	/* array of u64: element i counts waits
					 * of at least 2^i and less than 2^(i+1)
					 * ns; the first also shorter ones
					 */
	/* THREAD (vCPU), since the KVM hooks were attached */
	VMSHARE_A_ENTRIES,		/* u64, into guest mode */
	VMSHARE_A_IN_GUEST_NS,		/* u64, between entry and exit */

	/* PREEMPTION: while a thread of VM PID was ready */
	VMSHARE_A_BY_PID,		/* u32, this VM ran; 0: no VM did */
	VMSHARE_A_COUNT,		/* u64, in so many pieces */
	/* WAIT_NS			   and for so long; summed over BY_PID
	 *				   it is the WAIT_NS of PID's threads
	 */
	VMSHARE_A_IDLE_WAIT_NS,		/* u64, of this nobody ran: the CPU was
					 * waking up, or PID is throttled;
					 * BY_PID 0 only
					 */
	VMSHARE_A_UNKNOWN_WAIT_NS,	/* u64, of this it was not kept who ran;
					 * BY_PID 0 only
					 */

	/* CPU, request only */
	VMSHARE_A_BRIEF,		/* flag */

	/* THREAD but TID 0 */
	VMSHARE_A_IN_PROCESS,		/* u8: 1 if it is one of its VM's process,
					 * and will be in the sum of TID 0
					 */

	__VMSHARE_A_LAST
};
#define VMSHARE_A_MAX (__VMSHARE_A_LAST - 1)

/* What can be hooked; see VMSHARE_CMD_TRACK. */
#define VMSHARE_HOOK_SCHED	1	/* context switches */
#define VMSHARE_HOOK_KVM	2	/* entries into guest mode, and exits */

enum vmshare_thread_kind {
	VMSHARE_THREAD_VCPU,
	VMSHARE_THREAD_VMM,		/* another thread of the VM's process */
	VMSHARE_THREAD_KERNEL,		/* a kernel thread that works for it */

	__VMSHARE_THREAD_LAST
};
#define VMSHARE_THREAD_MAX (__VMSHARE_THREAD_LAST - 1)

/* Nested in VMSHARE_A_EXIT_REASON */
enum vmshare_exit_attr {
	VMSHARE_EXIT_UNSPEC,
	VMSHARE_EXIT_PAD,
	VMSHARE_EXIT_NAME,		/* string, one word */
	VMSHARE_EXIT_COUNT,		/* u64 */

	__VMSHARE_EXIT_LAST
};
#define VMSHARE_EXIT_MAX (__VMSHARE_EXIT_LAST - 1)

/* Nested in VMSHARE_A_CAPABILITY */
enum vmshare_cap_attr {
	VMSHARE_CAP_UNSPEC,
	VMSHARE_CAP_NAME,		/* string, one word */
	VMSHARE_CAP_AVAILABLE,		/* u8, 0 or 1 */
	VMSHARE_CAP_REASON,		/* string, why not; absent if available */

	__VMSHARE_CAP_LAST
};
#define VMSHARE_CAP_MAX (__VMSHARE_CAP_LAST - 1)

#endif /* _UAPI_LINUX_VMSHARE_H */
