// SPDX-License-Identifier: GPL-2.0
#include "work.h"

struct workqueue_struct *vmshare_workqueue;

int vmshare_work_init(void)
{
	vmshare_workqueue = alloc_workqueue("vmshare", WQ_UNBOUND, 0);
	return vmshare_workqueue ? 0 : -ENOMEM;
}

void vmshare_work_exit(void)
{
	destroy_workqueue(vmshare_workqueue);
}
