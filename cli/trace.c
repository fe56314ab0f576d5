// SPDX-License-Identifier: GPL-2.0
/* Samples as JSON lines. */
#include "trace.h"

#include <errno.h>
#include <jansson.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "jsonin.h"
#include "jsonout.h"
#include "readall.h"

#define CPUS_MAX 65536u

struct member {
	const char *key;
	size_t offset;
};

#define MEMBER(member) { #member, offsetof(struct manage_vm, member) }

/* The counters of a VM; a document has all of them. */
static const struct member counters[] = {
	MEMBER(run_ns), MEMBER(vmm_ns), MEMBER(guest_ns), MEMBER(ready_ns), MEMBER(throttled_ns),
	MEMBER(voluntary_switches), MEMBER(involuntary_switches),
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static uint64_t *counter_of(struct manage_vm *vm, size_t i)
{
	return (uint64_t *)((char *)vm + counters[i].offset);
}

/* Half a line would be taken for the beginning of the next one. */
static int take_back(FILE *out, off_t start)
{
	int error = errno;

	__fpurge(out);
	if (start >= 0 && !ftruncate(fileno(out), start))
		fseeko(out, start, SEEK_SET);
	errno = error;
	return -1;
}

static int write_line(FILE *out, json_t *line)
{
	off_t start = ftello(out);
	int failed;

	errno = 0;
	failed = json_dumpf(line, out, JSON_COMPACT);
	json_decref(line);
	return failed || putc('\n', out) == EOF || fflush(out) ? take_back(out, start) : 0;
}

int trace_write_head(FILE *out)
{
	return write_line(out, json_pack("{s:i}", "vmshare_trace", TRACE_VERSION));
}

static json_t *vm_json(const struct manage_vm *vm)
{
	json_t *object = json_object();
	struct manage_vm copy = *vm;
	size_t i;

	json_object_set_new(object, "pid", json_integer(vm->pid));
	json_object_set_new(object, "start_time_ns", jsonout_number(vm->start_time_ns));
	if (vm->name)
		json_object_set_new(object, "name", jsonout_text(vm->name));
	if (vm->uuid)
		json_object_set_new(object, "uuid", jsonout_text(vm->uuid));
	json_object_set_new(object, "vcpus", json_integer(vm->vcpus));
	for (i = 0; i < COUNTERS; i++)
		json_object_set_new(object, counters[i].key, jsonout_number(*counter_of(&copy, i)));
	if (vm->quota_ns != MANAGE_UNLIMITED) {
		json_object_set_new(object, "quota_ns", jsonout_number(vm->quota_ns));
		json_object_set_new(object, "period_ns", jsonout_number(vm->period_ns));
	}
	if (vm->foreign)
		json_object_set_new(object, "foreign", json_true());
	return object;
}

int trace_write_sample(FILE *out, const struct manage_sample *sample)
{
	json_t *line = json_object(), *vms = json_array();
	size_t i;

	for (i = 0; i < sample->n_vms; i++)
		json_array_append_new(vms, vm_json(&sample->vms[i]));
	json_object_set_new(line, "time_ns", jsonout_number(sample->time_ns));
	json_object_set_new(line, "cpus", json_integer(sample->cpus));
	json_object_set_new(line, "idle_ns", jsonout_number(sample->idle_ns));
	json_object_set_new(line, "vms", vms);
	return write_line(out, line);
}

static int read_small(const json_t *object, const char *path, const char *key, uint32_t max,
		      uint32_t *number, struct error *err)
{
	uint64_t value;

	if (jsonin_need_number(object, path, key, max, &value, err))
		return -1;
	*number = (uint32_t)value;
	return 0;
}

static int read_quota(const json_t *object, const char *path, struct manage_vm *vm,
		      struct error *err)
{
	vm->quota_ns = MANAGE_UNLIMITED;
	if (!json_object_get(object, "quota_ns"))
		return 0;
	if (jsonin_need_number(object, path, "quota_ns", INT64_MAX, &vm->quota_ns, err) ||
	    jsonin_need_number(object, path, "period_ns", MANAGE_PERIOD_MAX_NS, &vm->period_ns,
			       err))
		return -1;
	if (vm->period_ns < MANAGE_PERIOD_MIN_NS)
		return jsonin_refuse(err, path, "period_ns is below a millisecond");
	return 0;
}

static int read_vm(const json_t *object, const char *path, struct manage_vm *vm,
		   struct error *err)
{
	size_t i;

	if (jsonin_check_object(object, path, err) ||
	    read_small(object, path, "pid", INT32_MAX, &vm->pid, err) ||
	    jsonin_need_number(object, path, "start_time_ns", INT64_MAX, &vm->start_time_ns, err) ||
	    jsonin_text(object, path, "name", &vm->name, err) ||
	    jsonin_text(object, path, "uuid", &vm->uuid, err) ||
	    read_small(object, path, "vcpus", CPUS_MAX, &vm->vcpus, err))
		return -1;
	for (i = 0; i < COUNTERS; i++) {
		if (jsonin_need_number(object, path, counters[i].key, INT64_MAX, counter_of(vm, i),
				       err))
			return -1;
	}
	return read_quota(object, path, vm, err) ||
	       jsonin_bool(object, path, "foreign", &vm->foreign, false, err) ? -1 : 0;
}

static int read_vms(const json_t *rows, struct manage_sample *sample, struct error *err)
{
	size_t count = json_array_size(rows), i;
	char path[JSONIN_PATH];

	sample->vms = calloc(count + 1, sizeof(*sample->vms));
	if (!sample->vms)
		return error_no_memory(err);
	for (i = 0; i < count; i++) {
		struct manage_vm *vm = &sample->vms[i];

		jsonin_join_index(path, "", "vms", i);
		/* what has been read of a VM is freed with the sample */
		sample->n_vms++;
		if (read_vm(json_array_get(rows, i), path, vm, err))
			return -1;
		if (i && vm->pid <= vm[-1].pid)
			return jsonin_refuse(err, path, "pids have to ascend");
	}
	return 0;
}

static int read_sample(const json_t *line, struct manage_sample *sample, struct error *err)
{
	const json_t *vms;

	if (jsonin_check_object(line, "the line", err) ||
	    jsonin_need_number(line, "", "time_ns", INT64_MAX, &sample->time_ns, err) ||
	    read_small(line, "", "cpus", CPUS_MAX, &sample->cpus, err) ||
	    jsonin_need_number(line, "", "idle_ns", INT64_MAX, &sample->idle_ns, err) ||
	    jsonin_array(line, "", "vms", true, MANAGE_VMS_MAX, &vms, err))
		return -1;
	if (!sample->cpus)
		return jsonin_refuse(err, "cpus", "a host has at least one");
	return read_vms(vms, sample, err);
}

/* Where the reading is. */
struct reader {
	const char *text, *end;
	unsigned long line;
	size_t rows;
	struct trace *trace;
	struct error *err;
};

static struct manage_sample *add_sample(struct reader *reader)
{
	struct trace *trace = reader->trace;
	struct manage_sample *samples = trace->samples;
	size_t n = trace->n_samples;

	if (!(n & (n - 1))) {
		samples = reallocarray(samples, n ? 2 * n : 1, sizeof(*samples));
		if (!samples)
			return NULL;
		trace->samples = samples;
	}
	memset(&samples[n], 0, sizeof(*samples));
	trace->n_samples++;
	return &samples[n];
}

static int check_order(struct reader *reader, const struct manage_sample *sample)
{
	struct trace *trace = reader->trace;

	reader->rows += sample->n_vms;
	if (trace->n_samples > 1 && sample->time_ns <= sample[-1].time_ns)
		return jsonin_refuse(reader->err, "time_ns", "is not after that of the line before");
	if (trace->n_samples > TRACE_SAMPLES_MAX || reader->rows > TRACE_ROWS_MAX)
		return error_set(reader->err, EXIT_RUNTIME, "more than %lu samples or %lu VMs in "
				 "all of them; cut the trace into parts", TRACE_SAMPLES_MAX,
				 TRACE_ROWS_MAX);
	return 0;
}

static int refuse_head(struct error *err)
{
	return error_set(err, EXIT_RUNTIME, "is no trace of vmshare manage --record: "
			 "{\"vmshare_trace\":%d} is missing in line 1", TRACE_VERSION);
}

static int read_head(const json_t *line, struct error *err)
{
	uint64_t version;

	if (!json_object_get(line, "vmshare_trace"))
		return refuse_head(err);
	if (jsonin_need_number(line, "", "vmshare_trace", INT32_MAX, &version, err))
		return -1;
	if (version != TRACE_VERSION)
		return error_set(err, EXIT_RUNTIME, "a trace of version %d; this program reads "
				 "version %d", (int)version, TRACE_VERSION);
	return 0;
}

static int read_document(struct reader *reader, const json_t *line)
{
	struct manage_sample *sample;

	if (reader->line == 1)
		return read_head(line, reader->err);
	sample = add_sample(reader);
	if (!sample)
		return error_no_memory(reader->err);
	return read_sample(line, sample, reader->err) ? -1 : check_order(reader, sample);
}

static int read_line(struct reader *reader, size_t len)
{
	json_t *line;
	int ret;

	if (len > TRACE_LINE_MAX)
		return error_set(reader->err, EXIT_RUNTIME, "is longer than %lu MiB",
				 TRACE_LINE_MAX >> 20);
	line = document_parse(reader->text, len, reader->err);
	if (!line)
		return reader->line == 1 ? refuse_head(reader->err) : -1;
	ret = read_document(reader, line);
	json_decref(line);
	return ret;
}

static int read_lines(struct reader *reader)
{
	const char *newline;

	/* what has no end was being written when it ended */
	while ((newline = memchr(reader->text, '\n', (size_t)(reader->end - reader->text)))) {
		reader->line++;
		if (read_line(reader, (size_t)(newline - reader->text)))
			return -1;
		reader->text = newline + 1;
	}
	reader->line++;
	if (reader->trace->n_samples)
		return 0;
	/* all of it may be another document */
	if (reader->line == 1 && reader->text < reader->end &&
	    read_line(reader, (size_t)(reader->end - reader->text)))
		return -1;
	return error_set(reader->err, EXIT_RUNTIME, "a trace without any whole sample");
}

int trace_parse(const char *name, const char *text, size_t len, struct trace *trace,
		struct error *err)
{
	struct reader reader = { .text = text, .end = text + len, .trace = trace, .err = err };

	memset(trace, 0, sizeof(*trace));
	if (!read_lines(&reader))
		return 0;
	trace_free(trace);
	return error_prefix(err, "%s:%lu: ", name, reader.line);
}

int trace_load(const char *name, struct trace *trace, struct error *err)
{
	size_t len;
	char *text = readall(name, TRACE_BYTES_MAX, "trace", &len, err);
	int ret;

	if (!text)
		return error_prefix(err, "%s: ", readall_name(name));
	ret = trace_parse(readall_name(name), text, len, trace, err);
	free(text);
	return ret;
}

void trace_free(struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->n_samples; i++)
		manage_sample_free(&trace->samples[i]);
	free(trace->samples);
	memset(trace, 0, sizeof(*trace));
}
