// SPDX-License-Identifier: GPL-2.0
/* vmshare doctor: why nothing merges, why a number is missing, are both engines of one mind. */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "diagnose.h"
#include "host.h"
#include "jsonout.h"
#include "names.h"
#include "procvm.h"
#include "selector.h"
#include "source.h"
#include "text.h"
#include "verify.h"

#define ROOT ""

static int set_verify(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->verify = true;
	return 0;
}

static const struct option options_doctor[] = {
	{ "verify", 0, NULL, "compare both walk engines; exit code 1 if they differ", set_verify },
	{ .name = NULL },
};

static json_t *finding_json(const struct finding *finding)
{
	json_t *object = json_object();

	json_object_set_new(object, "level", json_string(level_name(finding->level)));
	json_object_set_new(object, "check", json_string(finding->check));
	if (finding->vm)
		json_object_set_new(object, "pid", jsonout_number(finding->vm->pid));
	if (finding->vm && finding->vm->name)
		json_object_set_new(object, "name", jsonout_text(finding->vm->name));
	json_object_set_new(object, "message", jsonout_text(finding->message));
	return object;
}

static void print_json(const struct findings *findings, bool pretty)
{
	json_t *root = json_object(), *array = json_array();
	size_t i;

	for (i = 0; i < findings->count; i++)
		json_array_append_new(array, finding_json(&findings->finding[i]));
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "findings", array);
	jsonout_print(root, pretty);
}

static void print_finding(const struct finding *finding, bool color)
{
	static const char *const colors[] = { "\033[32m", "", "\033[33m", "\033[31m" };
	char name[2048], message[4096], label[16];

	text_escape(finding->message, message, sizeof(message));
	printf("%s%-7s%s  ", color ? colors[finding->level] : "", level_name(finding->level),
	       color ? "\033[0m" : "");
	if (finding->vm) {
		text_escape(vm_label(finding->vm, label, sizeof(label)), name, sizeof(name));
		printf("%s (pid %u): ", name, finding->vm->pid);
	}
	printf("%s\n", message);
}

static void print(const struct findings *findings, const struct options *options)
{
	size_t i;

	if (options->json) {
		print_json(findings, options->pretty);
		return;
	}
	for (i = 0; i < findings->count; i++)
		print_finding(&findings->finding[i], options->color);
}

/* The one VM that was asked about, or all. */
static int diagnose_vms(struct findings *findings, const struct snapshot *snap,
			const struct options *options, struct error *err)
{
	const struct vm *only = NULL;
	size_t i;

	if (options->operands.count &&
	    selector_find(snap, options->operands.word[0], &only, err))
		return -1;
	for (i = 0; i < snap->n_vms; i++) {
		if (only && &snap->vms[i] != only)
			continue;
		diagnose_numbers(findings, &snap->vms[i]);
		if (!options->from) {
			diagnose_backing(findings, &snap->vms[i], ROOT);
			continue;
		}
		diagnose_shmem(findings, &snap->vms[i]);
		diagnose_missing(findings, &snap->vms[i]);
	}
	return 0;
}

/* Without the module VMs are found by their open files, and have no numbers. */
static int find_vms(struct snapshot *snap, struct error *err)
{
	snapshot_init(snap);
	if (procvm_find(snap, ROOT, err))
		return -1;
	host_read(snap, ROOT);
	names_resolve(snap, ROOT);
	return 0;
}

/* Says what the module can do; whether it answers at all. */
static bool ask_module(struct findings *findings)
{
	struct module_info info;
	struct error problem;
	struct client *client;
	bool answered;

	if (client_open(&client, NULL, &problem)) {
		diagnose_module(findings, NULL, &problem);
		return false;
	}
	answered = !client_info(client, &info, &problem);
	diagnose_module(findings, answered ? &info : NULL, &problem);
	if (answered)
		module_info_free(&info);
	client_close(client);
	return answered;
}

/* An ill module must not keep the doctor from looking at the rest. */
static int take(struct snapshot *snap, bool module, const struct options *options,
		struct findings *findings, struct error *err)
{
	struct error problem;

	if (options->from)
		return source_once(options, 0, snap, err);
	if (module && !source_once(options, 0, snap, &problem))
		return 0;
	if (module)
		diagnose_module(findings, NULL, &problem);
	return find_vms(snap, err);
}

static int diagnose(const struct options *options, struct error *err)
{
	struct findings findings = { .exact = options->bytes };
	struct snapshot snap;
	bool module = !options->from && ask_module(&findings);
	int ret = take(&snap, module, options, &findings, err);

	if (!ret) {
		diagnose_ksm(&findings, &snap, options->from);
		if (options->from)
			diagnose_document(&findings, &snap);
		else
			diagnose_ksmd(&findings, &snap, ROOT);
		ret = diagnose_vms(&findings, &snap, options, err);
		if (!ret)
			print(&findings, options);
		findings_free(&findings);
		snapshot_free(&snap);
		return ret;
	}
	findings_free(&findings);
	return ret;
}

static json_t *difference_json(const struct difference *difference)
{
	json_t *object = json_object();

	json_object_set_new(object, "what", jsonout_text(difference->what));
	json_object_set_new(object, "changed_meanwhile",
			    json_boolean(difference->verdict == VERDICT_CHANGED));
	json_object_set_new(object, "tree_before", jsonout_number(difference->before));
	json_object_set_new(object, "pages", jsonout_number(difference->pages));
	json_object_set_new(object, "tree_after", jsonout_number(difference->after));
	return object;
}

static void print_verification_json(const struct verification *result, bool pretty)
{
	json_t *root = json_object(), *compared = json_object(), *array = json_array();
	size_t i;

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "equal", json_boolean(!result->differing));
	json_object_set_new(compared, "vms", jsonout_number(result->vms));
	json_object_set_new(compared, "sets", jsonout_number(result->sets));
	json_object_set_new(compared, "numbers", jsonout_number(result->numbers));
	json_object_set_new(root, "compared", compared);
	for (i = 0; i < result->count; i++)
		json_array_append_new(array, difference_json(&result->difference[i]));
	json_object_set_new(root, "differences", array);
	jsonout_print(root, pretty);
}

static void print_verification(const struct verification *result, const struct options *options)
{
	char what[4096];
	size_t i;

	if (options->json) {
		print_verification_json(result, options->pretty);
		return;
	}
	for (i = 0; i < result->count; i++) {
		const struct difference *difference = &result->difference[i];

		text_escape(difference->what, what, sizeof(what));
		printf("%s  %s: tree %" PRIu64 ", pages %" PRIu64 ", tree again %" PRIu64 "\n",
		       difference->verdict == VERDICT_CHANGED ? "changed" : "differs", what,
		       difference->before, difference->pages, difference->after);
	}
	printf("%zu numbers of %zu VMs and %zu sets compared: %zu differ, %zu changed meanwhile\n",
	       result->numbers, result->vms, result->sets, result->differing,
	       result->count - result->differing);
}

static int take_by(enum engine engine, const struct options *options, struct snapshot *snap,
		   struct error *err)
{
	struct options forced = *options;

	forced.engine = engine;
	return source_once(&forced, NEED_SETS, snap, err);
}

static int verify(const struct options *options, struct error *err)
{
	static const enum engine engines[] = { ENGINE_TREE, ENGINE_PAGES, ENGINE_TREE };
	struct verification result;
	struct snapshot snap[3];
	int taken = 0, ret = 0;

	while (taken < 3 && !ret) {
		ret = take_by(engines[taken], options, &snap[taken], err);
		taken += !ret;
	}
	if (!ret && verify_compare(&snap[0], &snap[1], &snap[2], &result))
		ret = error_no_memory(err);
	if (!ret) {
		print_verification(&result, options);
		ret = result.differing ? EXIT_RUNTIME : EXIT_OK;
		verification_free(&result);
	}
	while (taken--)
		snapshot_free(&snap[taken]);
	return ret;
}

static int check_verify(const struct options *options, struct error *err)
{
	if (options->from)
		return error_set(err, EXIT_USAGE,
				 "--verify makes the module walk anew; it does not go with --from");
	if (options->engine != ENGINE_UNKNOWN)
		return error_set(err, EXIT_USAGE,
				 "--verify uses both engines; it does not go with --engine");
	if (options->operands.count)
		return error_set(err, EXIT_USAGE, "--verify compares all VMs; name none");
	return 0;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	(void)cmd;
	if (!options->verify)
		return diagnose(options, err);
	return check_verify(options, err) ? -1 : verify(options, err);
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.args = "[VM]",
	.summary = "why nothing merges, and what this kernel lacks",
	.operands_max = 1,
	.options = options_doctor,
	.run = run,
};
