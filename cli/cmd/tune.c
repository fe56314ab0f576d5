// SPDX-License-Identifier: GPL-2.0
/* Learns the manager's settings from loads, and says what they are worth. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "jsonout.h"
#include "manageconf.h"
#include "options_manage.h"
#include "replace.h"
#include "table.h"
#include "text.h"
#include "training.h"

/* What was learned, and how it does on loads that it was not learned from. */
struct lesson {
	struct training training;
	struct manage_options before, after;
	struct learn_report report;
	struct learn_score examined_before, examined_after;
	bool adopted;
};

static int refuse(int ret, struct error *err)
{
	if (ret == -ENOMEM)
		return error_no_memory(err);
	return error_set(err, EXIT_RUNTIME, "the loads cannot be simulated with these settings");
}

static int learn(struct lesson *lesson, struct error *err)
{
	const struct training_part *learn = &lesson->training.learn;
	const struct training_part *examine = &lesson->training.examine;
	int ret;

	lesson->after = lesson->before;
	ret = learn_options(learn->prepared, learn->n, &lesson->after, &lesson->report);
	if (!ret)
		ret = learn_mean(examine->prepared, examine->n, &lesson->before,
				 &lesson->examined_before);
	if (!ret)
		ret = learn_mean(examine->prepared, examine->n, &lesson->after,
				 &lesson->examined_after);
	if (ret)
		return refuse(ret, err);
	lesson->adopted = lesson->examined_after.score < lesson->examined_before.score;
	return 0;
}

/* The loads of one name in one part. */
struct group {
	const char *name;
	const char *part;
	size_t loads;
	struct learn_score before, after;
};

static int score_group(const struct lesson *lesson, const struct training_part *part,
		       size_t first, struct group *group, struct error *err)
{
	size_t last = first;
	int ret;

	while (last < part->n && part->loads[last].name == part->loads[first].name)
		last++;
	group->name = part->loads[first].name;
	group->loads = last - first;
	ret = learn_mean(part->prepared + first, group->loads, &lesson->before, &group->before);
	if (!ret)
		ret = learn_mean(part->prepared + first, group->loads, &lesson->after,
				 &group->after);
	return ret ? refuse(ret, err) : 0;
}

static void ratio_cell(struct table *table, double ratio)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f%%", 100 * ratio);
	table_cell(table, text);
}

static void signed_cell(struct table *table, int digits, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%+.*f", digits, value);
	table_cell(table, text);
}

static void add_score(struct table *table, const char *name, const char *part,
		      const struct learn_score *before, const struct learn_score *after)
{
	char label[256];

	text_escape(name, label, sizeof(label));
	table_cell(table, label);
	table_cell(table, part);
	signed_cell(table, 3, before->score);
	signed_cell(table, 3, after->score);
	ratio_cell(table, before->batch);
	ratio_cell(table, after->batch);
	signed_cell(table, 2, before->late - before->late_before);
	signed_cell(table, 2, after->late - after->late_before);
	ratio_cell(table, before->switches);
	ratio_cell(table, after->switches);
}

static struct table *titled(void)
{
	static const char *const titles[] = {
		"LOADS", "PART", "SCORE", "LEARNED", "BATCH", "LEARNED", "LATE", "LEARNED",
		"SWITCH", "LEARNED",
	};
	const size_t count = sizeof(titles) / sizeof(titles[0]);
	struct table *table = table_new(count);
	size_t i;

	for (i = 0; i < count; i++)
		table_title(table, i, titles[i], i > 1);
	return table;
}

static json_t *score_json(const struct learn_score *score)
{
	json_t *object = json_object();

	json_object_set_new(object, "score", json_real(score->score));
	json_object_set_new(object, "batch_time_ratio", json_real(score->batch));
	json_object_set_new(object, "involuntary_switches_ratio", json_real(score->switches));
	json_object_set_new(object, "late", json_real(score->late));
	json_object_set_new(object, "late_without_manager", json_real(score->late_before));
	return object;
}

static json_t *scores_json(const char *name, const char *part, const struct learn_score *before,
			   const struct learn_score *after)
{
	json_t *object = json_object();

	if (name)
		json_object_set_new(object, "name", jsonout_text(name));
	if (part)
		json_object_set_new(object, "part", json_string(part));
	json_object_set_new(object, "before", score_json(before));
	json_object_set_new(object, "learned", score_json(after));
	return object;
}

/* One line of the table or, with rows given, one row for each group of loads. */
static int report_part(const struct lesson *lesson, const struct training_part *part,
		       const char *name, struct table *table, json_t *rows, struct error *err)
{
	struct group group;
	size_t i;

	for (i = 0; i < part->n; i += group.loads) {
		if (score_group(lesson, part, i, &group, err))
			return -1;
		if (rows)
			json_array_append_new(rows, scores_json(group.name, name, &group.before,
								&group.after));
		else
			add_score(table, group.name, name, &group.before, &group.after);
	}
	return 0;
}

static int report_groups(const struct lesson *lesson, struct table *table, json_t *rows,
			 struct error *err)
{
	return report_part(lesson, &lesson->training.learn, "training", table, rows, err) ||
	       report_part(lesson, &lesson->training.examine, "held out", table, rows, err) ?
	       -1 : 0;
}

static int print_scores(const struct lesson *lesson, const struct options *options,
			struct error *err)
{
	struct table *table = titled();
	int ret = report_groups(lesson, table, NULL, err);

	if (!ret) {
		add_score(table, "all", "training", &lesson->report.before,
			  &lesson->report.after);
		add_score(table, "all", "held out", &lesson->examined_before,
			  &lesson->examined_after);
		table_print(table, stdout, !options->no_header, options->color);
	}
	table_free(table);
	return ret;
}

static int print_lesson(const struct lesson *lesson, const struct options *options,
			struct error *err)
{
	printf("%u settings tried; scores: 0 is as good as no manager, below is better\n\n",
	       lesson->report.runs);
	if (print_scores(lesson, options, err))
		return -1;
	putchar('\n');
	if (lesson->adopted) {
		printf("better on loads that it was not learned from; the settings are:\n\n");
		manageconf_print(&lesson->after);
	} else {
		printf("not better on loads that it was not learned from: the settings stay\n");
	}
	return 0;
}

static int json_lesson(const struct lesson *lesson, bool pretty, struct error *err)
{
	char *settings = manageconf_write(lesson->adopted ? &lesson->after : &lesson->before);
	json_t *root, *rows;

	if (!settings)
		return error_no_memory(err);
	root = json_object();
	rows = json_array();
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "settings_tried", json_integer(lesson->report.runs));
	json_object_set_new(root, "adopted", json_boolean(lesson->adopted));
	json_object_set_new(root, "training", scores_json(NULL, NULL, &lesson->report.before,
							  &lesson->report.after));
	json_object_set_new(root, "held_out", scores_json(NULL, NULL, &lesson->examined_before,
							  &lesson->examined_after));
	json_object_set_new(root, "loads", rows);
	json_object_set_new(root, "config", jsonout_text(settings));
	free(settings);
	if (report_groups(lesson, NULL, rows, err)) {
		json_decref(root);
		return -1;
	}
	jsonout_print(root, pretty);
	return 0;
}

/*
 * A device or a pipe takes the text as it is, and so does a file that is yet to be where
 * a link leads; a file in its place would be wrong.
 */
static bool is_to_be_replaced(const char *name)
{
	struct stat st;

	return stat(name, &st) ? lstat(name, &st) : S_ISREG(st.st_mode);
}

static int write_into(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");
	int failed = !out || fputs(text, out) == EOF;

	return (out && fclose(out)) || failed ? -1 : 0;
}

static int write_file(const char *name, const char *text, struct error *err)
{
	char target[PATH_MAX];	/* a link stays */
	int failed = !is_to_be_replaced(name) ? write_into(name, text) :
		     replace_file(realpath(name, target) ? target : name, text, 0666);

	if (!failed)
		return 0;
	return error_set(err, errno == EACCES || errno == EPERM ? EXIT_PERMISSION : EXIT_RUNTIME,
			 "cannot write %s: %s", name, strerror(errno));
}

static int write_settings(const struct lesson *lesson, const char *name, struct error *err)
{
	char *text = manageconf_write(lesson->adopted ? &lesson->after : &lesson->before);
	int ret;

	if (!text)
		return error_no_memory(err);
	ret = write_file(name, text, err);
	free(text);
	return ret;
}

static int tune(struct lesson *lesson, const struct options *options, struct error *err)
{
	int ret;

	if (training_init(&lesson->training, &options->operands, options->families,
			  &lesson->before, err))
		return -1;
	ret = learn(lesson, err);
	if (!ret && options->output)
		ret = write_settings(lesson, options->output, err);
	if (!ret)
		ret = options->json ? json_lesson(lesson, options->pretty, err) :
				      print_lesson(lesson, options, err);
	training_free(&lesson->training);
	return ret;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct lesson lesson = {};
	int ret;

	(void)cmd;
	if (!options->operands.count && !options->families)
		return error_set(err, EXIT_USAGE, "tune needs a TRACE of vmshare manage --record, "
				 "or --families to learn from loads of its own");
	if (options_manage(options, &lesson.before, err))
		return -1;
	ret = tune(&lesson, options, err);
	manage_options_free(&lesson.before);
	return ret;
}

static const struct option options_tune[] = {
	{ "families", 0, NULL, "learn from generated loads (with TRACE: as well)", set_families },
	{ "config", 0, "FILE", "begin with these settings; their rules hold for the traces' VMs",
	  set_config },
	{ "policy", 0, "POLICY", "lending (default) or published", set_policy },
	{ "output", 0, "FILE", "write the settings there", set_output },
	{ .name = NULL },
};

const struct cmd cmd_tune = {
	.name = "tune",
	.args = "[TRACE]...",
	.summary = "settings of manage that do better on recorded load",
	.no_document = "reads traces, as vmshare manage --record writes them: vmshare tune TRACE",
	.operands_max = SIZE_MAX,
	.options = options_tune,
	.run = run,
};
