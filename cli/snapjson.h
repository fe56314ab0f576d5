/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SNAPJSON_H
#define VMSHARE_SNAPJSON_H

#include <jansson.h>
#include <stdio.h>

#include "error.h"
#include "model.h"

/* A snapshot as the JSON document of the contract; what is not known is left out. */
json_t *snapjson_write(const struct snapshot *snap);
json_t *snapjson_write_vm(const struct snapshot *snap, const struct vm *vm);

/* The most that a document may have; the module reports at most 16,000 VMs. */
#define SNAPJSON_VMS_MAX 16384
#define SNAPJSON_VCPUS_MAX 4096		/* of one VM, as KVM */

/*
 * Reads such a document. Whatever is wrong with it is refused with the path of
 * the place, for instance vms[3].unique_bytes.
 */
int snapjson_read(const json_t *document, struct snapshot *snap, struct error *err);

/* The same from a file; name is for messages, "-" reads standard input. */
int snapjson_load(const char *name, struct snapshot *snap, struct error *err);

#endif
