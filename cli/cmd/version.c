// SPDX-License-Identifier: GPL-2.0
/* vmshare version: program, module, ABI, and what this kernel lets it do. */
#include "cmd.h"

#include <linux/vmshare.h>
#include <stdio.h>

#include "client.h"
#include "jsonout.h"
#include "text.h"

static int ask(struct module_info *info, struct error *err)
{
	struct client *client;
	int ret;

	if (client_open(&client, NULL, err))
		return -1;
	ret = client_info(client, info, err);
	client_close(client);
	return ret;
}

static json_t *capabilities_json(const struct module_info *info)
{
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < info->n_capabilities; i++) {
		const struct capability *capability = &info->capabilities[i];

		object = json_object();
		json_object_set_new(object, "name", jsonout_text(capability->name));
		json_object_set_new(object, "available", json_boolean(capability->available));
		if (capability->reason)
			json_object_set_new(object, "reason", jsonout_text(capability->reason));
		json_array_append_new(array, object);
	}
	return array;
}

static void put_module(json_t *root, const struct module_info *info)
{
	json_t *module = json_object();

	if (info->version)
		json_object_set_new(module, "version", jsonout_text(info->version));
	if (info->abi_known)
		json_object_set_new(module, "abi", json_integer(info->abi));
	if (info->engine != ENGINE_UNKNOWN)
		json_object_set_new(module, "engine", json_string(engine_name(info->engine)));
	json_object_set_new(module, "capabilities", capabilities_json(info));
	json_object_set_new(root, "module", module);
}

/* info is NULL where no module answered; problem says why. */
static void print_json(const struct module_info *info, const struct error *problem, bool pretty)
{
	json_t *root = json_object(), *missing;

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "cli", json_string(VMSHARE_VERSION));
	json_object_set_new(root, "abi", json_integer(VMSHARE_ABI_REVISION));
	if (info) {
		put_module(root, info);
	} else {
		missing = json_object();
		json_object_set_new(missing, "code", json_integer(problem->code));
		json_object_set_new(missing, "message", jsonout_text(problem->message));
		json_object_set_new(root, "module_error", missing);
	}
	jsonout_print(root, pretty);
}

static void print_capability(const struct capability *capability)
{
	char name[64], reason[512];

	text_escape(capability->name, name, sizeof(name));
	text_escape(capability->reason ? capability->reason : "", reason, sizeof(reason));
	printf("  %-20s %s%s%s\n", name, capability->available ? "yes" : "no",
	       *reason ? ": " : "", reason);
}

/* The module's, where it is known, and the program's. */
static void print_abi(const struct module_info *info)
{
	if (info->abi_known)
		printf("abi     %u (program: %u)\n", info->abi, VMSHARE_ABI_REVISION);
	else
		printf("abi     unknown (program: %u)\n", VMSHARE_ABI_REVISION);
}

static void print_module(const struct module_info *info)
{
	char version[64];
	size_t i;

	text_escape(info->version ? info->version : "unknown", version, sizeof(version));
	printf("module  %s\n", version);
	print_abi(info);
	printf("engine  %s\n", engine_name(info->engine));
	if (info->n_capabilities)
		printf("capabilities\n");
	for (i = 0; i < info->n_capabilities; i++)
		print_capability(&info->capabilities[i]);
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	struct module_info info = {};
	struct error problem = {};
	bool answered = !ask(&info, &problem);

	(void)cmd;
	(void)err;
	if (options->json) {
		print_json(answered ? &info : NULL, &problem, options->pretty);
	} else {
		printf("program %s\n", VMSHARE_VERSION);
		if (answered) {
			print_module(&info);
		} else {
			printf("module  not reachable: %s\n", problem.message);
			print_abi(&info);
		}
	}
	module_info_free(&info);
	return EXIT_OK;
}

const struct cmd cmd_version = {
	.name = "version",
	.args = "",
	.summary = "program, module, ABI, capabilities with reasons",
	.no_document = "asks the program and the module that are here",
	.options = no_options,
	.run = run,
};
