// SPDX-License-Identifier: GPL-2.0
/* One way for the verbs to a snapshot, whether live or from a document. */
#include "source.h"

#include <stdlib.h>

#include "client.h"
#include "host.h"
#include "names.h"
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
	struct source *source = calloc(1, sizeof(*source));

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
	snapshot_sort_sets(snap);
	host_read(snap, ROOT);
	names_resolve(snap, ROOT);
	if (needs & NEED_PSS)
		host_read_pss(snap, ROOT);
	return 0;
}

int source_next(struct source *source, unsigned int needs, uint32_t max_age_ms,
		struct snapshot *snap, struct error *err)
{
	if (!source->client)
		return from_document(source, needs, snap, err);
	return from_module(source, needs, max_age_ms, snap, err);
}

void source_close(struct source *source)
{
	if (!source)
		return;
	client_close(source->client);
	free(source);
}

int source_once(const struct options *options, unsigned int needs, struct snapshot *snap,
		struct error *err)
{
	struct source *source;
	int ret;

	if (source_open(&source, options, err))
		return -1;
	ret = source_next(source, needs, 0, snap, err);
	source_close(source);
	return ret;
}
