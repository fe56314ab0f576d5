/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_DIAGNOSE_H
#define VMSHARE_DIAGNOSE_H

#include "decode.h"
#include "model.h"

/* Why nothing merges, and why a number is missing: what was found, as sentences. */

enum level { LEVEL_OK, LEVEL_INFO, LEVEL_WARNING, LEVEL_PROBLEM };

struct finding {
	enum level level;
	const char *check;		/* one word for scripts */
	const struct vm *vm;		/* NULL: about the host */
	char *message;
};

struct findings {
	struct finding *finding;
	size_t count;
	bool exact;			/* sizes with all digits, instead of rounded */
};

/* From the numbers of a snapshot, live or from a document. */
void diagnose_ksm(struct findings *findings, const struct snapshot *snap, bool document);
void diagnose_numbers(struct findings *findings, const struct vm *vm);
void diagnose_shmem(struct findings *findings, const struct vm *vm);

/* What a document does not have, of the host and of a VM. */
void diagnose_document(struct findings *findings, const struct snapshot *snap);
void diagnose_missing(struct findings *findings, const struct vm *vm);

/* From /sys and /proc of this host. root: see files.h. */
void diagnose_ksmd(struct findings *findings, const struct snapshot *snap, const char *root);
void diagnose_backing(struct findings *findings, const struct vm *vm, const char *root);

/* What the module cannot do here; info is NULL if it did not answer, problem says why. */
void diagnose_module(struct findings *findings, const struct module_info *info,
		     const struct error *problem);

const char *level_name(enum level level);
void findings_free(struct findings *findings);

#endif
