/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_NETLINK_H
#define _VMSHARE_NETLINK_H

#include <linux/types.h>

int vmshare_netlink_init(void);

/* Waits for requests under way; dumps under way keep the module from going. */
void vmshare_netlink_exit(void);

/* Does anybody listen to events? */
bool vmshare_netlink_is_heard(void);

/* Send an event about a VM, one of the VMSHARE_CMD_VM_ events. */
void vmshare_netlink_tell(u8 event, u32 pid, u64 start_time_ns,
			  const char *comm);

#endif
