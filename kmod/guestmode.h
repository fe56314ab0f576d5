/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's hooks: time in guest mode, exactly. They stand on the scheduler's. */
#ifndef _VMSHARE_GUESTMODE_H
#define _VMSHARE_GUESTMODE_H

/* Find KVM's tracepoints, now or when kvm.ko is loaded. Return: NULL or why not. */
const char *vmshare_guestmode_init(void);
void vmshare_guestmode_exit(void);

/*
 * Attach, now or as soon as KVM is there. While the scheduler's hooks are on.
 * Return: 0 or -ENOMEM; if KVM is not there yet, memory may be short later, and
 * guest time is missing then.
 */
int vmshare_guestmode_attach(void);
void vmshare_guestmode_detach(void);

#endif
