/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CMD_H
#define VMSHARE_CMD_H

#include "error.h"
#include "options.h"

/* A key of -s that is one verb's own. */
struct sort_key {
	const char *key;
	const char *title;
	const char *help;
};

struct cmd {
	const char *name;
	const char *args;
	const char *summary;
	unsigned int needs;		/* enum need: always; columns may add */
	bool columns, sorts;		/* -o, -s matter: the help lists the keys */
	const struct sort_key *sort_keys;	/* of -s, checked by the verb; NULL: the columns */
	const char *no_document;	/* what the verb looks at instead of --from; NULL: it takes one */
	size_t operands_min, operands_max;
	const struct option *options;

	/* Returns an exit code, or -1 with err filled. */
	int (*run)(const struct cmd *cmd, const struct options *options, struct error *err);
};

extern const struct cmd cmd_list;
extern const struct cmd cmd_show;
extern const struct cmd cmd_top;
extern const struct cmd cmd_matrix;
extern const struct cmd cmd_overhead;
extern const struct cmd cmd_victim;
extern const struct cmd cmd_place;
extern const struct cmd cmd_snapshot;
extern const struct cmd cmd_doctor;
extern const struct cmd cmd_manage;
extern const struct cmd cmd_tune;
extern const struct cmd cmd_version;

#endif
