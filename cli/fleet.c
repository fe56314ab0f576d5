// SPDX-License-Identifier: GPL-2.0
/* Hosts by their snapshot documents. */
#include "fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapjson.h"
#include "text.h"

/* The = after a host's name; none if a / comes before it, as hosts have none. */
static const char *name_end(const char *word)
{
	size_t length = strcspn(word, "=/");

	return length && word[length] == '=' ? word + length : NULL;
}

static const char *file_of(const char *word)
{
	const char *end = name_end(word);

	return end ? end + 1 : word;
}

int fleet_check_input(const struct words *words, const char *from, struct error *err)
{
	size_t readers = from && !strcmp(from, "-"), i;

	for (i = 0; i < words->count; i++)
		readers += !strcmp(file_of(words->word[i]), "-");
	if (readers < 2)
		return 0;
	return error_set(err, EXIT_USAGE,
			 "standard input (-) cannot be read twice; put the other snapshots into files");
}

static char *name_of_file(const char *file)
{
	const char *base = strrchr(file, '/'), *dot;

	base = base ? base + 1 : file;
	if (!strcmp(file, "-"))
		return strdup("stdin");
	dot = strrchr(base, '.');
	if (dot && dot != base && !strcmp(dot, ".json"))
		return strndup(base, (size_t)(dot - base));
	return strdup(base);
}

static int check_needs(const struct snapshot *snap, const char *file, unsigned int needs,
		       struct error *err)
{
	if (!(needs & NEED_SETS) || snap->sets_known)
		return 0;
	return error_set(err, EXIT_RUNTIME,
			 "snapshot %s: sets is missing; take the document by vmshare snapshot", file);
}

static int check_destination(int ret, const char *file, struct error *err)
{
	if (!ret)
		return 0;
	if (ret == -ENOMEM)
		return error_no_memory(err);
	return error_set(err, EXIT_RUNTIME,
			 "snapshot %s: host.mem_available_bytes or host.mem_total_bytes is missing, so what fits there is not known; take the document by vmshare snapshot on that host",
			 file);
}

static int add_host(struct fleet *fleet, const char *word, const struct margin *margin,
		    unsigned int needs, struct error *err)
{
	const char *end = name_end(word), *file = file_of(word);
	struct snapshot *snap = &fleet->snaps[fleet->hosts];
	struct destination *destination = &fleet->destinations[fleet->hosts];

	if (!*file)
		return error_set(err, EXIT_USAGE, "\"%s\" names no file", word);
	fleet->names[fleet->hosts] = end ? strndup(word, (size_t)(end - word)) :
					   name_of_file(file);
	if (!fleet->names[fleet->hosts])
		return error_no_memory(err);
	fleet->hosts++;
	if (snapjson_load(file, snap, err))
		return -1;
	if (check_needs(snap, file, needs, err))
		return -1;
	return check_destination(destination_init(destination, snap, margin), file, err);
}

/* Two hosts of one name could not be told apart in a plan. */
static int check_names(const struct fleet *fleet, struct error *err)
{
	size_t i, j;

	for (i = 0; i < fleet->hosts; i++) {
		for (j = 0; j < i; j++) {
			if (!strcmp(fleet->names[i], fleet->names[j]))
				return error_set(err, EXIT_USAGE,
						 "two snapshots are called \"%s\"; give them names: HOST=FILE",
						 fleet->names[i]);
		}
	}
	return 0;
}

int fleet_load(struct fleet *fleet, const struct words *words, const struct margin *margin,
	       unsigned int needs, struct error *err)
{
	size_t i;

	memset(fleet, 0, sizeof(*fleet));
	fleet->names = calloc(words->count + 1, sizeof(*fleet->names));
	fleet->snaps = calloc(words->count + 1, sizeof(*fleet->snaps));
	fleet->destinations = calloc(words->count + 1, sizeof(*fleet->destinations));
	if (!fleet->names || !fleet->snaps || !fleet->destinations) {
		fleet_free(fleet);
		return error_no_memory(err);
	}
	for (i = 0; i < words->count; i++) {
		if (add_host(fleet, words->word[i], margin, needs, err))
			break;
	}
	if (i == words->count && !check_names(fleet, err))
		return 0;
	fleet_free(fleet);
	return -1;
}

void fleet_free(struct fleet *fleet)
{
	size_t i;

	for (i = 0; i < fleet->hosts; i++) {
		free(fleet->names[i]);
		destination_free(&fleet->destinations[i]);
		snapshot_free(&fleet->snaps[i]);
	}
	free(fleet->names);
	free(fleet->snaps);
	free(fleet->destinations);
	memset(fleet, 0, sizeof(*fleet));
}

const char *fleet_name(const struct fleet *fleet, size_t host, char out[FLEET_NAME])
{
	text_escape(fleet->names[host], out, FLEET_NAME);
	return out;
}
