// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "content.h"
#include "vm.h"

#define CODE_ADDRESS	0x1000UL
#define MEMORY_ADDRESS	(1UL << 32)
#define TSS_ADDRESS	0xfffbd000UL

/* 16-bit code: what a virtual CPU does all its life. */
static const unsigned char halt_loop[] = { 0xf4, 0xeb, 0xfd };	/* 1: hlt; jmp 1b */
static const unsigned char spin_loop[] = { 0xeb, 0xfe };	/* 1: jmp 1b */
static const unsigned char device_loop[] = {
	0xe6, 0x80,		/* 1: out %al, $0x80 */
	0xa0, 0x00, 0x50,	/* mov 0x5000, %al: no memory is there */
	0xf4, 0xeb, 0xf8,	/* hlt; jmp 1b */
};

struct vcpu {
	int fd;
	struct kvm_run *run;
};

static int vm_fd = -1, kvm_fd = -1;
static struct vcpu vcpus[VM_MAX_VCPUS];
static unsigned int vcpu_count, halt_pause_us;

static int request(int fd, unsigned long op, unsigned long argument, const char *what)
{
	int result = ioctl(fd, op, argument);

	if (result < 0)
		err(1, "KVM refused: %s", what);
	return result;
}

static void *map(size_t bytes, int flags, int fd, const char *what)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "mapping %s", what);
	return memory;
}

static void add_slot(unsigned int slot, unsigned long guest_address, void *memory, size_t bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = guest_address,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)memory,
	};

	request(vm_fd, KVM_SET_USER_MEMORY_REGION, (uintptr_t)&region, "a memory slot");
}

static void add_code(enum vm_code code)
{
	void *page = map(PAGE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1, "the guest's code");

	if (code == VM_SPINS)
		memcpy(page, spin_loop, sizeof(spin_loop));
	else if (code == VM_USES_DEVICES)
		memcpy(page, device_loop, sizeof(device_loop));
	else
		memcpy(page, halt_loop, sizeof(halt_loop));
	add_slot(0, CODE_ADDRESS, page, PAGE_BYTES);
}

/* Real mode with flat segments; execution begins at the code's page. */
static void set_registers(int fd)
{
	struct kvm_regs registers = { .rip = CODE_ADDRESS, .rflags = 2 };
	struct kvm_sregs segments;

	request(fd, KVM_GET_SREGS, (uintptr_t)&segments, "reading segment registers");
	segments.cs.base = 0;
	segments.cs.selector = 0;
	request(fd, KVM_SET_SREGS, (uintptr_t)&segments, "setting segment registers");
	request(fd, KVM_SET_REGS, (uintptr_t)&registers, "setting registers");
}

static void add_vcpu(unsigned int id)
{
	size_t bytes = request(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0, "size of a virtual CPU");
	struct vcpu *vcpu = &vcpus[id];

	vcpu->fd = request(vm_fd, KVM_CREATE_VCPU, id, "a virtual CPU");
	vcpu->run = map(bytes, MAP_SHARED, vcpu->fd, "a virtual CPU");
	/* A forked child would keep the machine alive through this mapping. */
	madvise(vcpu->run, bytes, MADV_DONTFORK);
	set_registers(vcpu->fd);
}

static void *run_vcpu(void *argument)
{
	struct vcpu *vcpu = argument;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err(1, "running a virtual CPU");
		}
		switch (vcpu->run->exit_reason) {
		case KVM_EXIT_HLT:
			usleep(halt_pause_us);
			break;
		case KVM_EXIT_IO:
		case KVM_EXIT_MMIO:
			break;
		default:
			errx(1, "a virtual CPU stopped for reason %u (see KVM_EXIT_* in linux/kvm.h)",
			     vcpu->run->exit_reason);
		}
	}
	return NULL;
}

static void start_thread(unsigned int id)
{
	pthread_t thread;
	char name[16];
	int error = pthread_create(&thread, NULL, run_vcpu, &vcpus[id]);

	if (error)
		errx(1, "starting the thread of virtual CPU %u: %s", id, strerror(error));
	snprintf(name, sizeof(name), "CPU %u/KVM", id);
	pthread_setname_np(thread, name);
}

void vm_start(void *memory, size_t bytes, unsigned int count, enum vm_code code,
	      unsigned int pause_us)
{
	unsigned int id;

	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		err(1, "opening /dev/kvm (load kvm_amd or kvm_intel, or give --no-kvm)");
	vm_fd = request(kvm_fd, KVM_CREATE_VM, 0, "a virtual machine");
	request(vm_fd, KVM_SET_TSS_ADDR, TSS_ADDRESS, "the task state segment");
	add_code(code);
	add_slot(1, MEMORY_ADDRESS, memory, bytes);
	for (id = 0; id < count; id++)
		add_vcpu(id);
	vcpu_count = count;
	halt_pause_us = pause_us;
	for (id = 0; id < count; id++)
		start_thread(id);
}

bool vm_plug_vcpu(void)
{
	if (vm_fd < 0 || vcpu_count == VM_MAX_VCPUS)
		return false;
	add_vcpu(vcpu_count);
	start_thread(vcpu_count++);
	return true;
}

void vm_forget(void)
{
	unsigned int id;

	for (id = 0; id < vcpu_count; id++)
		close(vcpus[id].fd);
	if (vm_fd >= 0)
		close(vm_fd);
	if (kvm_fd >= 0)
		close(kvm_fd);
}
