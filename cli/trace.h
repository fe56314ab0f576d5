/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TRACE_H
#define VMSHARE_TRACE_H

#include <stdio.h>

#include "error.h"
#include "policy/manage.h"

/*
 * Samples of a host in a file, one JSON document per line: first
 * {"vmshare_trace":1}, then a sample per line with the members of struct
 * manage_sample and struct manage_vm under their names. A quota is absent where
 * there is none, a name or UUID where it is not known.
 *
 * A trace may come from somebody who may mean harm: length, number of samples
 * and of VMs are limited, and every number is checked.
 */
#define TRACE_VERSION 1
#define TRACE_BYTES_MAX (256ul << 20)
#define TRACE_LINE_MAX (16ul << 20)
#define TRACE_SAMPLES_MAX 1000000ul
#define TRACE_ROWS_MAX 4000000ul	/* VMs of all samples together */

struct trace {
	struct manage_sample *samples;	/* time_ns ascends; at least one */
	size_t n_samples;
};

/* The first line. Writing sets errno and returns -1 if the stream has failed. */
int trace_write_head(FILE *out);

/* One line, flushed, so that a trace that ends abruptly is whole up to its last line. */
int trace_write_sample(FILE *out, const struct manage_sample *sample);

/*
 * Reads a trace from bytes; name is for messages, which begin with name:LINE.
 * A last line without its end is what a crash leaves: it is dropped. Returns -1
 * with err filled and nothing to free.
 */
int trace_parse(const char *name, const char *text, size_t len, struct trace *trace,
		struct error *err);

/* From a file; "-" is standard input. */
int trace_load(const char *name, struct trace *trace, struct error *err);
void trace_free(struct trace *trace);

#endif
