/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_DECODE_H
#define VMSHARE_DECODE_H

#include <stddef.h>

#include "error.h"
#include "model.h"

struct capability {
	char *name;
	bool available;
	char *reason;			/* NULL: none given */
};

/* What the module says about itself. */
struct module_info {
	char *version;
	bool abi_known;
	uint32_t abi;
	enum engine engine;		/* what "auto" means */
	struct capability *capabilities;
	size_t n_capabilities;
};

void module_info_free(struct module_info *info);

/*
 * Attributes of one message to the model. Pure: no input, no output, nothing
 * outside what it is given. Bytes that are not what the ABI says are refused
 * with a reason and leave at most a part of the row behind; attributes that
 * are not known are skipped.
 */
int decode_info(const void *attrs, size_t len, struct module_info *info, struct error *err);
int decode_host(const void *attrs, size_t len, struct snapshot *snap, struct error *err);
int decode_vm(const void *attrs, size_t len, struct snapshot *snap, struct error *err);
int decode_vcpu(const void *attrs, size_t len, struct snapshot *snap, struct error *err);
int decode_set(const void *attrs, size_t len, struct snapshot *snap, struct error *err);

/* The rows of VMSHARE_CMD_CPU, appended; the rows are to be sorted at the end. */
int decode_cpu(const void *attrs, size_t len, struct cpu *cpu, struct error *err);
int decode_thread(const void *attrs, size_t len, struct cpu *cpu, struct error *err);
int decode_preemption(const void *attrs, size_t len, struct cpu *cpu, struct error *err);

#endif
