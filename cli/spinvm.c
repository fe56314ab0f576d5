// SPDX-License-Identifier: GPL-2.0
/*
 * The job, twice. Its machine code needs nothing but a page of registers of its
 * own and a table, and is copied into the guest as it is; the guest runs it in
 * 64-bit mode with its memory mapped one to one.
 */
#include "spinvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define START_SECONDS 60

/* The guest's memory; the same for the program, which needs the first two alone. */
#define WORK_AT 0x0			/* u64 work done, u64 state */
#define TABLE_AT 0x1000			/* 256 KiB */
#define TABLES_AT 0x80000		/* three page tables */
#define CODE_AT 0x83000
#define STACK_AT 0x85000		/* its end */
#define MEMORY 0x100000

#define PORT 0x10			/* of the guest's device */
#define BATCHES 64			/* for each page that goes there */

/* What parent and child both see: a page for them alone, then the memory. */
struct shared {
	enum exit_code code;
	char problem[PAGE - sizeof(enum exit_code)];	/* why the child gave up */
	uint8_t memory[MEMORY] __attribute__((aligned(PAGE)));
};

#ifdef __x86_64__
/*
 * spin_batch(memory): 4096 steps of a xorshift generator, each adding to a word
 * of the table; then counts itself. spin_guest: that and the device, for ever.
 */
__asm__(
	".text\n"
	".globl spin_guest, spin_batch, spin_end\n"
	"spin_guest:\n"
	"	mov $64, %ebx\n"
	"1:	call spin_batch\n"
	"	dec %ebx\n"
	"	jnz 1b\n"
	"	out %al, $0x10\n"
	"	jmp spin_guest\n"
	"spin_batch:\n"
	"	mov $4096, %ecx\n"
	"	mov 8(%rdi), %rax\n"
	"2:	mov %rax, %rdx\n"
	"	shl $13, %rdx\n"
	"	xor %rdx, %rax\n"
	"	mov %rax, %rdx\n"
	"	shr $7, %rdx\n"
	"	xor %rdx, %rax\n"
	"	mov %rax, %rdx\n"
	"	shl $17, %rdx\n"
	"	xor %rdx, %rax\n"
	"	mov %eax, %edx\n"
	"	and $0x3fff8, %edx\n"
	"	add %rax, 0x1000(%rdi,%rdx)\n"
	"	dec %ecx\n"
	"	jnz 2b\n"
	"	mov %rax, 8(%rdi)\n"
	"	incq (%rdi)\n"
	"	ret\n"
	"spin_end:\n");

extern const char spin_guest[], spin_end[];
extern void spin_batch(void *memory);
#endif

static __attribute__((noreturn)) void fail_with(struct shared *shared, enum exit_code code,
						const char *what)
{
	shared->code = code;
	snprintf(shared->problem, sizeof(shared->problem), "%s: %s", what, strerror(errno));
	_exit(1);
}

static void fail(struct shared *shared, const char *what)
{
	fail_with(shared, EXIT_RUNTIME, what);
}

static void *memory_of(struct shared *shared)
{
	return shared->memory;
}

#ifdef __x86_64__

struct guest {
	struct shared *shared;
	const struct spin_place *place;
	int vm, vcpu, doorbell;
	struct kvm_run *run;
};

static int request(struct guest *guest, int fd, unsigned long op, void *argument,
		   const char *what)
{
	int result = ioctl(fd, op, argument);

	if (result < 0)
		fail(guest->shared, what);
	return result;
}

/* One page of 2 MiB that is mapped to itself. */
static void make_page_tables(uint8_t *memory)
{
	uint64_t *tables = (uint64_t *)(memory + TABLES_AT);

	tables[0] = (TABLES_AT + PAGE) | 3;		/* present, writable */
	tables[PAGE / 8] = (TABLES_AT + 2 * PAGE) | 3;
	tables[2 * PAGE / 8] = 0x83;			/* and large */
}

static void set_long_mode(struct guest *guest)
{
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1,
		.g = 1,
	};
	struct kvm_regs registers = { .rip = CODE_AT, .rsp = STACK_AT, .rdi = WORK_AT, .rflags = 2 };
	struct kvm_sregs special;

	request(guest, guest->vcpu, KVM_GET_SREGS, &special, "reading the guest's registers");
	special.cr3 = TABLES_AT;
	special.cr4 = 1 << 5;				/* PAE */
	special.cr0 = 0x80000011;			/* PG, ET, PE */
	special.efer = 0x500;				/* LMA, LME */
	special.cs = data;
	special.cs.selector = 8;
	special.cs.type = 11;
	special.cs.db = 0;
	special.cs.l = 1;
	special.ds = special.es = special.fs = special.gs = special.ss = data;
	request(guest, guest->vcpu, KVM_SET_SREGS, &special, "setting the guest's registers");
	request(guest, guest->vcpu, KVM_SET_REGS, &registers, "setting the guest's registers");
}

/* Without it the guest's CPU has no 64-bit mode. */
static void set_cpuid(struct guest *guest, int kvm)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	if (!cpuid)
		fail(guest->shared, "memory for the guest's CPUID");
	cpuid->nent = 256;
	request(guest, kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "asking for KVM's CPUID");
	request(guest, guest->vcpu, KVM_SET_CPUID2, cpuid, "setting the guest's CPUID");
	free(cpuid);
}

/* What the guest writes to the port only wakes the VMM's thread. */
static void add_device(struct guest *guest)
{
	struct kvm_ioeventfd device = {
		.addr = PORT, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	guest->doorbell = eventfd(0, EFD_CLOEXEC);
	if (guest->doorbell < 0)
		fail(guest->shared, "making an eventfd");
	device.fd = guest->doorbell;
	request(guest, guest->vm, KVM_IOEVENTFD, &device, "adding the guest's device");
}

static void add_memory(struct guest *guest)
{
	uint8_t *memory = memory_of(guest->shared);
	struct kvm_userspace_memory_region region = {
		.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory,
	};

	make_page_tables(memory);
	memcpy(memory + CODE_AT, spin_guest, (size_t)(spin_end - spin_guest));
	request(guest, guest->vm, KVM_SET_USER_MEMORY_REGION, &region, "giving the guest memory");
}

static int open_kvm(struct shared *shared)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm >= 0)
		return kvm;
	if (errno == EACCES || errno == EPERM)
		fail_with(shared, EXIT_PERMISSION, "opening /dev/kvm (be root or of the group kvm)");
	fail_with(shared, EXIT_SUPPORT, "opening /dev/kvm (is kvm_intel or kvm_amd loaded?)");
}

static void make_guest(struct guest *guest)
{
	int kvm = open_kvm(guest->shared);
	size_t size;

	guest->vm = request(guest, kvm, KVM_CREATE_VM, NULL, "making a VM");
	request(guest, guest->vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000ul, "placing the TSS");
	add_memory(guest);
	add_device(guest);
	guest->vcpu = request(guest, guest->vm, KVM_CREATE_VCPU, NULL, "making a vCPU");
	set_cpuid(guest, kvm);
	set_long_mode(guest);
	size = (size_t)request(guest, kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "size of a vCPU");
	guest->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
	if (guest->run == MAP_FAILED)
		fail(guest->shared, "mapping the vCPU");
	close(kvm);
}

static void stay_on(struct shared *shared, const cpu_set_t *cpus)
{
	if (sched_setaffinity(0, sizeof(*cpus), cpus))
		fail(shared, "choosing CPUs");
}

static void *run_vcpu(void *argument)
{
	struct guest *guest = argument;

	stay_on(guest->shared, &guest->place->vcpu);
	for (;;) {
		if (!ioctl(guest->vcpu, KVM_RUN, 0)) {
			errno = EPROTO;
			fail(guest->shared, "the guest stopped by itself");
		}
		if (errno != EINTR && errno != EAGAIN)
			fail(guest->shared, "running the guest");
	}
	return NULL;
}

#endif

static int open_device(struct shared *shared)
{
	int fd = memfd_create("device", MFD_CLOEXEC);

	if (fd < 0)
		fail(shared, "making the device's memory");
	return fd;
}

static void write_page(struct shared *shared, int device)
{
	if (pwrite(device, shared->memory + TABLE_AT, PAGE, 0) != PAGE)
		fail(shared, "writing to the device");
}

#ifdef __x86_64__

static void run_guest(struct shared *shared, const struct spin_place *place)
{
	struct guest guest = { .shared = shared, .place = place };
	int device = open_device(shared);
	uint64_t rings;
	pthread_t thread;

	make_guest(&guest);
	stay_on(shared, &place->vmm);
	errno = pthread_create(&thread, NULL, run_vcpu, &guest);
	if (errno)
		fail(shared, "starting the vCPU's thread");
	pthread_setname_np(thread, "spin vCPU");
	for (;;) {
		if (read(guest.doorbell, &rings, sizeof(rings)) == sizeof(rings))
			write_page(shared, device);
	}
}

static void run_program(struct shared *shared, const struct spin_place *place)
{
	int device = open_device(shared), i;

	stay_on(shared, &place->vcpu);
	for (;;) {
		for (i = 0; i < BATCHES; i++)
			spin_batch(memory_of(shared));
		write_page(shared, device);
	}
}

static void run_child(struct shared *shared, const struct spin_place *place)
{
	uint64_t *state = memory_of(shared);

	/* nobody is left who could end it when the parent is gone */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, place->guest ? "spin VMM" : "spin");
	state[1] = 88172645463325252ull;
	if (place->guest)
		run_guest(shared, place);
	else
		run_program(shared, place);
}

#else

static void run_child(struct shared *shared, const struct spin_place *place)
{
	(void)place;
	errno = EOPNOTSUPP;
	fail(shared, "the built-in guest is for x86-64 alone");
}

#endif

uint64_t spin_work(const struct spin *spin)
{
	struct shared *shared = spin->shared;

	return __atomic_load_n((uint64_t *)memory_of(shared), __ATOMIC_RELAXED);
}

static int gave_up(struct spin *spin, struct error *err)
{
	struct shared *shared = spin->shared;
	const char *problem = *shared->problem ? shared->problem : "it ended by itself";

	error_set(err, *shared->problem ? shared->code : EXIT_RUNTIME,
		  "the experiment's job could not be started: %s", problem);
	munmap(shared, sizeof(*shared));
	spin->pid = 0;
	return -1;
}

static int wait_until_working(struct spin *spin, struct error *err)
{
	const struct timespec pause = { 0, 1000000 };
	unsigned int tries;

	for (tries = 0; tries < START_SECONDS * 1000; tries++) {
		if (spin_work(spin))
			return 0;
		if (waitpid(spin->pid, NULL, WNOHANG) == spin->pid)
			return gave_up(spin, err);
		nanosleep(&pause, NULL);
	}
	spin_stop(spin);
	return error_set(err, EXIT_RUNTIME, "the experiment's job did no work within %d s",
			 START_SECONDS);
}

int spin_start(struct spin *spin, const struct spin_place *place, struct error *err)
{
	spin->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (spin->shared == MAP_FAILED)
		return error_no_memory(err);
	spin->pid = fork();
	if (!spin->pid) {
		run_child(spin->shared, place);
		_exit(1);
	}
	if (spin->pid < 0) {
		munmap(spin->shared, sizeof(struct shared));
		return error_set(err, EXIT_RUNTIME, "cannot start a process: %s", strerror(errno));
	}
	return wait_until_working(spin, err);
}

void spin_stop(struct spin *spin)
{
	kill(spin->pid, SIGKILL);
	waitpid(spin->pid, NULL, 0);
	munmap(spin->shared, sizeof(struct shared));
	spin->pid = 0;
}
