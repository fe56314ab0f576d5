/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_WORK_H
#define _VMSHARE_WORK_H

#include <linux/workqueue.h>

/*
 * For all that is not done for a request: snapshots that get old, looks for new VMs and for
 * new threads. The last are started on the CPU that such a thread has just got, which may be
 * all the CPU that it has and be its alone (a vCPU that is pinned, of a real-time class):
 * there they would wait for it with a lock that others want, or take its time. So any CPU
 * that the host leaves to such work does it: of the same NUMA node on kernels before 6.6,
 * where they wait if none of that node's has time.
 */
extern struct workqueue_struct *vmshare_workqueue;

/* Before anything that queues. Return: 0 or -ENOMEM. */
int vmshare_work_init(void);

/* When all that queues is gone, and was waited for. */
void vmshare_work_exit(void);

#endif
