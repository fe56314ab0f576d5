/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TESTS_VM_H
#define VMSHARE_TESTS_VM_H

#include <stdbool.h>
#include <stddef.h>

#define VM_MAX_VCPUS 64

/*
 * Starts a virtual machine with [@memory, @memory + @bytes) as guest memory and
 * @vcpus running virtual CPUs, which halt again and again, @pause_us between one
 * time and the next, or, with @spin, never leave guest mode of their own accord.
 * Exits with a message when it cannot.
 */
void vm_start(void *memory, size_t bytes, unsigned int vcpus, bool spin, unsigned int pause_us);

/* In a forked child: lets go of the machine, whose life is its parent's. */
void vm_forget(void);

#endif
