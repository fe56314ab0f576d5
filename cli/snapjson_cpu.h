/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_SNAPJSON_CPU_H
#define VMSHARE_SNAPJSON_CPU_H

#include <jansson.h>

#include "error.h"
#include "model.h"

/* The CPU side of a snapshot document: threads, time windows, preemptions. */

/* window_ns and preemptions of the document, and window of its host. */
void snapjson_put_window(json_t *root, json_t *host, const struct snapshot *snap);

/* threads and window of a VM; window of each of its vCPUs, which are in "vcpus". */
void snapjson_put_threads(json_t *object, const struct snapshot *snap, const struct vm *vm);

/* Counters of a time window as an object. */
json_t *snapjson_counters(const struct counters *counters);

/* Names of what a row of preemptions has. */
#define PREEMPTION_FIELDS 6
extern const char *const preemption_field_key[PREEMPTION_FIELDS];

/* The most that a document may have. */
#define SNAPJSON_THREADS_MAX 65536	/* of one VM */
#define SNAPJSON_EXITS_MAX 256		/* reasons, of one thread */
#define SNAPJSON_PREEMPTIONS_MAX (1 << 20)

int snapjson_read_threads(const json_t *object, const char *parent, uint32_t pid,
			  struct snapshot *snap, struct error *err);

/* To be called when all VMs have been read. */
int snapjson_read_window(const json_t *document, struct snapshot *snap, struct error *err);

#endif
