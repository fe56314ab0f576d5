// SPDX-License-Identifier: GPL-2.0
/* One way for the verbs to a snapshot, whether live or from a document. */
#include "source.h"

#include <errno.h>
#include <linux/vmshare.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "host.h"
#include "names.h"
#include "owners.h"
#include "snapjson.h"

#define ROOT ""

struct source {
	const struct options *options;
	struct client *client;		/* NULL: a document */
};

/* A missing module on a kernel without KSM is not to be cured by modprobe. */
static int explain(struct error *err)
{
	if (err->code == EXIT_SUPPORT && !host_has_ksm(ROOT))
		error_prefix(err, "this kernel has no KSM (CONFIG_KSM): there is nothing to share; ");
	return -1;
}

int source_open(struct source **result, const struct options *options, struct error *err)
{
	struct source *source;

	if (options->from && options->window_ms)
		return error_set(err, EXIT_USAGE,
				 "--window watches this host; a document has the window it was taken over");
	source = calloc(1, sizeof(*source));
	if (!source)
		return error_no_memory(err);
	source->options = options;
	if (!options->from && client_open(&source->client, NULL, err)) {
		free(source);
		return explain(err);
	}
	*result = source;
	return 0;
}

static int from_document(const struct source *source, unsigned int needs, struct snapshot *snap,
			 struct error *err)
{
	if (snapjson_load(source->options->from, snap, err))
		return -1;
	if (!(needs & NEED_SETS) || snap->sets_known)
		return 0;
	snapshot_free(snap);
	return error_set(err, EXIT_RUNTIME,
			 "snapshot %s: sets is missing; take the document by vmshare snapshot",
			 source->options->from);
}

/* Run time of the process's other threads and of kernel threads that work for it. */
static void sum_vmm_time(struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->cpu.n_threads; i++) {
		const struct thread *thread = &snap->cpu.threads[i];
		struct vm *vm = snapshot_vm(snap, thread->pid);
		uint64_t run_ns;

		if (vm && thread->kind != THREAD_VCPU &&
		    facts_get(&thread->counters.facts, THREAD_RUN_NS, &run_ns))
			facts_add(&vm->facts, VM_VMM_NS, run_ns);
	}
}

/* An older module has no threads to tell of; the rest is as good without. */
static int add_threads(struct source *source, struct snapshot *snap, struct error *err)
{
	int ret = client_cpu(source->client, 0, &snap->cpu, err);

	if (ret == -EOPNOTSUPP)
		return 0;
	if (!ret)
		sum_vmm_time(snap);
	return ret;
}

static int from_module(struct source *source, unsigned int needs, uint32_t max_age_ms,
		       struct snapshot *snap, struct error *err)
{
	struct client_request request = {
		.engine = source->options->engine,
		.max_age_ms = max_age_ms,
		.vcpus = needs & NEED_VCPUS,
		.sets = needs & NEED_SETS,
	};

	if (client_snapshot(source->client, &request, snap, err))
		return -1;
	if ((needs & NEED_CPU) && add_threads(source, snap, err)) {
		snapshot_free(snap);
		return -1;
	}
	snapshot_sort_sets(snap);
	host_read(snap, ROOT);
	names_resolve(snap, ROOT);
	if (needs & NEED_PSS)
		host_read_pss(snap, ROOT);
	if (needs & NEED_OWNER)
		owners_resolve(snap, ROOT);
	return 0;
}

int source_next(struct source *source, unsigned int needs, uint32_t max_age_ms,
		struct snapshot *snap, struct error *err)
{
	if (!source->client)
		return from_document(source, needs, snap, err);
	return from_module(source, needs, max_age_ms, snap, err);
}

int source_track(struct source *source, uint32_t hooks, struct error *missing,
		 struct error *err)
{
	int ret = client_track(source->client, hooks, missing);

	if (!ret)
		return (int)hooks;
	if (ret == -EOPNOTSUPP && hooks != VMSHARE_HOOK_SCHED) {
		hooks = VMSHARE_HOOK_SCHED;
		ret = client_track(source->client, hooks, err);
		return ret ? -1 : (int)hooks;
	}
	*err = *missing;
	return -1;
}

static void wait_ms(uint32_t ms)
{
	struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}

/* Threads at the end of the window belong to VMs of the snapshot that follows. */
static int watch(struct source *source, unsigned int needs, uint32_t window_ms,
		 struct snapshot *snap, struct error *err)
{
	struct cpu before, now;
	int ret;

	if (client_cpu(source->client, 0, &before, err))
		return -1;
	wait_ms(window_ms);
	ret = client_cpu(source->client, 0, &now, err);
	if (ret) {
		cpu_free(&before);
		return ret;
	}
	ret = source_next(source, needs | NEED_CPU, 0, snap, err);
	if (!ret && cpu_difference(&now, &before, &snap->window)) {
		snapshot_free(snap);
		ret = error_no_memory(err);
	}
	cpu_free(&before);
	cpu_free(&now);
	return ret;
}

int source_window(struct source *source, unsigned int needs, uint32_t hooks, uint32_t window_ms,
		  struct error *missing, struct snapshot *snap, struct error *err)
{
	struct error ignored;

	if (!source->client)
		return from_document(source, needs, snap, err);
	if (source_track(source, hooks, missing ? missing : &ignored, err) < 0)
		return -1;
	return watch(source, needs, window_ms, snap, err);
}

void source_close(struct source *source)
{
	if (!source)
		return;
	client_close(source->client);
	free(source);
}

int source_once_window(const struct options *options, unsigned int needs, uint32_t hooks,
		       struct snapshot *snap, struct error *err)
{
	struct source *source;
	int ret;

	if (source_open(&source, options, err))
		return -1;
	if (options->window_ms)
		ret = source_window(source, needs, hooks, options->window_ms, NULL, snap, err);
	else
		ret = source_next(source, needs, 0, snap, err);
	source_close(source);
	return ret;
}

int source_once(const struct options *options, unsigned int needs, struct snapshot *snap,
		struct error *err)
{
	struct options without = *options;

	without.window_ms = 0;
	return source_once_window(&without, needs, 0, snap, err);
}
