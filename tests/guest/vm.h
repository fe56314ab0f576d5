/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TESTS_VM_H
#define VMSHARE_TESTS_VM_H

#include <stdbool.h>
#include <stddef.h>

#define VM_MAX_VCPUS 64

/* What virtual CPUs do over and over. */
enum vm_code {
	VM_HALTS,
	VM_SPINS,		/* they never leave guest mode of their own accord */
	VM_USES_DEVICES,	/* a port and a device's memory, then they halt */
};

/*
 * Starts a virtual machine with [@memory, @memory + @bytes) as guest memory and
 * @vcpus running virtual CPUs; from one halt to the next they pause @pause_us.
 * Exits with a message when it cannot.
 */
void vm_start(void *memory, size_t bytes, unsigned int vcpus, enum vm_code code,
	      unsigned int pause_us);

/* One more virtual CPU while the others run; false if there is no room for it. */
bool vm_plug_vcpu(void);

/* In a forked child: lets go of the machine, whose life is its parent's. */
void vm_forget(void);

#endif
