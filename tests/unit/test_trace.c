// SPDX-License-Identifier: GPL-2.0
/* Traces: written, read back, cut off, broken, and replayed. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay.h"
#include "trace.h"

#define SAMPLES 20
#define VMS 5

static void fill_vm(struct manage_vm *vm, unsigned int step, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "vm \"%u\"\n", i);
	*vm = (struct manage_vm){
		.pid = 10 + i, .start_time_ns = 77 + i, .vcpus = 1 + i, .name = i ? strdup(name) : NULL,
		.uuid = i == 2 ? strdup("0-1") : NULL, .run_ns = step * 900000000ull * (i + 1),
		.vmm_ns = step * 7 + i, .guest_ns = step * 5, .ready_ns = step * 300000000ull * i,
		.throttled_ns = step * 11, .voluntary_switches = step * 3,
		.involuntary_switches = step * 2, .quota_ns = MANAGE_UNLIMITED,
	};
	if (i == 1) {
		vm->quota_ns = 50000000;
		vm->period_ns = 100000000;
	}
	vm->foreign = i == 3;
}

/* The bytes of a trace, and the samples that are in it. */
static char *make_trace(struct manage_sample *samples, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	unsigned int step, i;

	trace_write_head(out);
	for (step = 0; step < SAMPLES; step++) {
		struct manage_sample *sample = &samples[step];

		*sample = (struct manage_sample){ .time_ns = 5 + step * 1000000000ull, .cpus = 4,
						  .idle_ns = step * 12345, .n_vms = VMS,
						  .vms = calloc(VMS, sizeof(*sample->vms)) };
		for (i = 0; i < VMS; i++)
			fill_vm(&sample->vms[i], step, i);
		trace_write_sample(out, sample);
	}
	fclose(out);
	return text;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_vm(const struct manage_vm *a, const struct manage_vm *b)
{
	return a->pid == b->pid && a->start_time_ns == b->start_time_ns && a->vcpus == b->vcpus &&
	       same_text(a->name, b->name) && same_text(a->uuid, b->uuid) &&
	       a->run_ns == b->run_ns && a->vmm_ns == b->vmm_ns && a->guest_ns == b->guest_ns &&
	       a->ready_ns == b->ready_ns && a->throttled_ns == b->throttled_ns &&
	       a->voluntary_switches == b->voluntary_switches &&
	       a->involuntary_switches == b->involuntary_switches && a->quota_ns == b->quota_ns &&
	       a->period_ns == b->period_ns && a->foreign == b->foreign;
}

static unsigned int differing(const struct trace *trace, const struct manage_sample *samples)
{
	unsigned int wrong = 0;
	size_t i, j;

	for (i = 0; i < trace->n_samples; i++) {
		const struct manage_sample *got = &trace->samples[i];

		wrong += got->time_ns != samples[i].time_ns || got->cpus != samples[i].cpus ||
			 got->idle_ns != samples[i].idle_ns || got->n_vms != samples[i].n_vms;
		for (j = 0; j < got->n_vms && j < samples[i].n_vms; j++)
			wrong += !same_vm(&got->vms[j], &samples[i].vms[j]);
	}
	return wrong;
}

static void test_back(const char *text, size_t len, const struct manage_sample *samples)
{
	struct error err = {};
	struct trace trace;

	if (!ok(!trace_parse("t", text, len, &trace, &err), "what was written is read: %s",
		err.message))
		return;
	is_number(trace.n_samples, SAMPLES, "all samples");
	is_number(differing(&trace, samples), 0, "as they were");
	trace_free(&trace);
}

/* A crash can end the file anywhere. */
static void test_cut(const char *text, size_t len, const struct manage_sample *samples)
{
	unsigned int wrong = 0, refused = 0;
	struct trace trace;
	struct error err;
	size_t cut;

	for (cut = 0; cut < len; cut += 97) {
		if (trace_parse("t", text, cut, &trace, &err)) {
			refused++;
			continue;
		}
		wrong += differing(&trace, samples);
		trace_free(&trace);
	}
	is_number(wrong, 0, "a trace that was cut off is right up to its last whole line");
	ok(refused < 20, "it is refused only before its first sample ends, %u times", refused);
}

#define HEAD "{\"vmshare_trace\":1}\n"
#define SAMPLE(vms) "{\"time_ns\":1,\"cpus\":1,\"idle_ns\":0,\"vms\":[" vms "]}\n"
#define COUNTERS "\"run_ns\":0,\"vmm_ns\":0,\"guest_ns\":0,\"ready_ns\":0,\"throttled_ns\":0," \
	"\"voluntary_switches\":0,\"involuntary_switches\":0"
#define VM_OF(pid, more) "{\"pid\":" pid ",\"start_time_ns\":1,\"vcpus\":1," COUNTERS more "}"

static const struct {
	const char *lines;
	const char *message;
} refused[] = {
	{ HEAD SAMPLE("7"), "t:2: vms[0]: must be an object" },
	{ HEAD SAMPLE("{\"pid\":5}"), "t:2: vms[0].start_time_ns: is missing" },
	{ HEAD SAMPLE("{\"pid\":5,\"start_time_ns\":1,\"vcpus\":65537}"), "t:2: vms[0].vcpus: is too large" },
	{ HEAD SAMPLE("{\"pid\":5,\"start_time_ns\":1,\"vcpus\":1}"), "t:2: vms[0].run_ns: is missing" },
	{ HEAD SAMPLE(VM_OF("5", ",\"name\":7")), "t:2: vms[0].name: must be a string" },
	{ HEAD SAMPLE(VM_OF("5", ",\"uuid\":7")), "t:2: vms[0].uuid: must be a string" },
	{ HEAD SAMPLE(VM_OF("5", ",\"foreign\":7")), "t:2: vms[0].foreign: must be true or false" },
	{ HEAD SAMPLE(VM_OF("5", ",\"quota_ns\":1")), "t:2: vms[0].period_ns: is missing" },
	{ HEAD SAMPLE(VM_OF("5", ",\"quota_ns\":-1")), "t:2: vms[0].quota_ns: must not be negative" },
	{ HEAD SAMPLE(VM_OF("5", ",\"quota_ns\":1,\"period_ns\":999999")), "period_ns is below a millisecond" },
	{ HEAD SAMPLE(VM_OF("5", ",\"quota_ns\":1,\"period_ns\":1000000001")), "period_ns: is too large" },
	{ HEAD SAMPLE(VM_OF("5", "") "," VM_OF("5", "")), "t:2: vms[1]: pids have to ascend" },
	{ "{\"vmshare_trace\":\"1\"}\n", "t:1: vmshare_trace: must be a whole number" },
	{ "", "t:1: a trace without any whole sample" },
	{ "{}\n", "t:1: is no trace of vmshare manage --record" },
	{ "[1]\n", "t:1: is no trace" },
	{ "{\n", "t:1: is no trace of vmshare manage --record: {\"vmshare_trace\":1} is missing in line 1" },
	{ "{\"version\":1}", "t:1: is no trace" },
	{ "{\"vmshare_trace\":1}", "t:1: a trace without any whole sample" },
	{ "{\"vmshare_trace\":1}\nx\n", "t:2: is not a JSON document" },
	{ "{\"vmshare_trace\":2}\n", "t:1: a trace of version 2; this program reads version 1" },
	{ "{\"vmshare_trace\":1}\n[]\n", "t:2: the line: must be an object" },
	{ "{\"vmshare_trace\":1}\n{\"time_ns\":1,\"cpus\":0,\"idle_ns\":0,\"vms\":[]}\n",
	  "t:2: cpus: a host has at least one" },
	{ "{\"vmshare_trace\":1}\n{\"time_ns\":1,\"cpus\":1,\"idle_ns\":0,\"vms\":[]}\n"
	  "{\"time_ns\":1,\"cpus\":1,\"idle_ns\":0,\"vms\":[]}\n",
	  "t:3: time_ns: is not after that of the line before" },
	{ "{\"vmshare_trace\":1}\n{\"time_ns\":-1,\"cpus\":1,\"idle_ns\":0,\"vms\":[]}\n",
	  "t:2: time_ns: must not be negative" },
	{ "{\"vmshare_trace\":1}\n{\"time_ns\":1,\"cpus\":1,\"idle_ns\":0,\"vms\":[{}]}\n",
	  "t:2: vms[0].pid: is missing" },
	{ "{\"vmshare_trace\":1}\n{\"time_ns\":1,\"cpus\":9999999,\"idle_ns\":0,\"vms\":[]}\n",
	  "t:2: cpus: is too large" },
};

static void test_refused(void)
{
	struct trace trace;
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		memset(&err, 0, sizeof(err));
		ok(trace_parse("t", refused[i].lines, strlen(refused[i].lines), &trace, &err) == -1,
		   "trace %zu is refused", i);
		has_text(err.message, refused[i].message, "with line and reason");
	}
}

static void test_broken(const char *text, size_t len)
{
	static const char bytes[] = "{}[]\",:0123456789-e.\n\\ntf";
	unsigned int silent = 0, i, j;
	char *copy = malloc(len);
	struct trace trace;
	struct error err;

	for (i = 0; i < 1000; i++) {
		memcpy(copy, text, len);
		for (j = 0; j < 1 + i % 4; j++)
			copy[test_random_below(len)] = bytes[test_random_below(sizeof(bytes) - 1)];
		memset(&err, 0, sizeof(err));
		if (!trace_parse("t", copy, len, &trace, &err))
			trace_free(&trace);
		else
			silent += strncmp(err.message, "t:", 2) != 0;
	}
	free(copy);
	is_number(silent, 0, "1000 broken traces are read or refused by line");
}

/* What replay_print() writes to standard output, which is the test's own otherwise. */
static char *replayed(const struct trace *trace, const struct manage_options *options, bool json)
{
	struct replay_view view = { .json = json };
	char path[4096];
	struct error err;
	int saved, file;

	snprintf(path, sizeof(path), "%s/replayed", test_root());
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(file, STDOUT_FILENO);
	close(file);
	replay_print(trace, options, &view, &err);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return test_read(path);
}

static void test_replay(const char *text, size_t len)
{
	struct manage_options options;
	struct trace trace;
	struct error err;
	int json;

	manage_options_init(&options);
	trace_parse("t", text, len, &trace, &err);
	for (json = 0; json < 2; json++) {
		char *first = replayed(&trace, &options, json), *second = replayed(&trace, &options, json);

		ok(first && second && *first && !strcmp(first, second), "the same in every run");
		has_text(first, "somebody else has set its limits", "with its reasons");
		ok(!strchr(first, '\n') || !strstr(first, "vm \"1\"\n"), "names are escaped");
		free(first);
		free(second);
	}
	trace_free(&trace);
}

/* What the manager says of a VM with CPUs of its own, and of one that is left as it was. */
static void test_decisions(void)
{
	struct manage_decision decision = {
		.pid = 5, .class = MANAGE_BATCH, .class_before = MANAGE_SERVICE, .quota_ns = 50000000,
		.period_ns = 100000000, .weight = 70, .cpus_first = 2, .cpus = 3, .cpus_own = true,
		.change = true, .demand_millicpus = MANAGE_UNLIMITED, .reason = "a\033b",
	};
	json_t *object = decision_json(&decision, NULL);
	char line[512];

	ok(json_integer_value(json_object_get(object, "cpus")) == 3 &&
	   json_integer_value(json_object_get(object, "cpus_first")) == 2 &&
	   json_is_true(json_object_get(object, "cpus_own")), "CPUs");
	is_text(json_string_value(json_object_get(object, "class_before")), "service", "what it was before");
	ok(!json_object_get(object, "name") && !json_object_get(object, "demand_millicpus"),
	   "and nothing that is not known");
	json_decref(object);
	decision_line(&decision, NULL, line, sizeof(line));
	is_text(line, "5 batch 50000/100000us weight 70 (new): a\\x1bb", "as a line");
	decision = (struct manage_decision){ .pid = 5, .quota_ns = MANAGE_UNLIMITED };
	object = decision_json(&decision, "x");
	ok(!json_object_get(object, "quota_ns") && !json_object_get(object, "cpus") &&
	   !json_object_get(object, "weight") && !json_object_get(object, "class_before"), "as found");
	json_decref(object);
}

/* A line that is longer than any that is read, in a file, and a file that is not there. */
static void test_long_line(void)
{
	size_t head = strlen(HEAD), len = head + TRACE_LINE_MAX + 2;
	char *text = malloc(len);
	struct trace trace;
	struct error err;

	memcpy(text, HEAD, head);
	memset(text + head, ' ', len - head);
	text[len - 1] = '\n';
	ok(trace_parse("t", text, len, &trace, &err) == -1, "a long line is refused");
	has_text(err.message, "t:2: is longer than 16 MiB", "and not parsed");
	free(text);
	ok(trace_load("/nonexistent", &trace, &err) == -1, "no such trace");
	has_text(err.message, "/nonexistent: cannot open it", "is told by its name");
}

void test_trace(void)
{
	struct manage_sample samples[SAMPLES];
	size_t len, i;
	char *text = make_trace(samples, &len);

	test_back(text, len, samples);
	test_cut(text, len, samples);
	test_refused();
	test_long_line();
	test_decisions();
	test_broken(text, len);
	test_replay(text, len);
	for (i = 0; i < SAMPLES; i++)
		manage_sample_free(&samples[i]);
	free(text);
}
