// SPDX-License-Identifier: GPL-2.0
/* vmshare manage: classes of VMs, and CPU bandwidth by them. */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "control.h"
#include "jsonout.h"
#include "manageconf.h"
#include "options_daemon.h"
#include "options_manage.h"
#include "outlet.h"
#include "replay.h"
#include "service.h"
#include "status_view.h"
#include "text.h"

static void say(const char *text)
{
	char line[OUTLET_LINE - 64];

	text_escape(text, line, sizeof(line));
	if (outlet_has_room(stderr))
		fprintf(stderr, "vmshare: %s\n", line);
}

/* The file that was named must be there; that of the usual place need not. */
static int load_config(void *data, struct manage_options *policy, struct error *err)
{
	struct options options = *(const struct options *)data;

	if (!options.config && !access(MANAGECONF_PATH, F_OK))
		options.config = MANAGECONF_PATH;
	if (options_manage(&options, policy, err))
		return -1;
	if (options.interval_ms)
		policy->t_check_ns = (uint64_t)options.interval_ms * 1000000;
	/* --policy and --interval may not go with what was read */
	if (!manage_options_wrong(policy))
		return 0;
	error_set(err, EXIT_USAGE, "%s", manage_options_wrong(policy));
	manage_options_free(policy);
	return -1;
}

/*
 * The module has gone if it no longer knows its own family. Asking for it by name
 * would load it again, against whoever has removed it.
 */
static int read_counters(void *data, struct cpu *cpu, struct error *err)
{
	int ret = client_cpu_use(data, cpu, err);

	if (ret == -ENOENT)
		return error_set(err, EXIT_SUPPORT,
				 "the kernel module vmshare has been removed: without its counters nothing is limited; load it (modprobe vmshare) and start the manager again");
	return ret ? -1 : 0;
}

/* Whoever reads from a pipe or a terminal could keep the manager waiting, with limits in place. */
static FILE *open_file(const char *name, bool *regular)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
	struct stat status;
	FILE *file;

	/* of a pipe that nobody reads */
	*regular = fd >= 0 || errno != ENXIO;
	if (fd < 0)
		return NULL;
	*regular = !fstat(fd, &status) && S_ISREG(status.st_mode);
	file = *regular ? fdopen(fd, "w") : NULL;
	if (!file)
		close(fd);
	return file;
}

static FILE *open_trace(const char *name, struct error *err)
{
	bool regular;
	FILE *trace = open_file(name, &regular);

	if (trace && !trace_write_head(trace))
		return trace;
	error_set(err, regular && errno == EACCES ? EXIT_PERMISSION : EXIT_RUNTIME, "cannot write %s: %s", name,
		  regular ? strerror(errno) : "it is no file; record into one");
	if (trace)
		fclose(trace);
	return NULL;
}

static int print_status(json_t *status, const struct options *options, struct error *err)
{
	int ret = EXIT_OK;

	if (options->json) {
		jsonout_print(status, options->pretty);
		return ret;
	}
	ret = status_print(status, options, stdout, err);
	json_decref(status);
	return ret;
}

static int measure(const struct options *options, struct service_options *service,
		   struct error *err)
{
	json_t *status;
	FILE *nowhere;
	int ret;

	if (options->manage == MANAGE_RUN)
		return service_run(service, err);
	/* the status says it all at the end */
	nowhere = fopen("/dev/null", "we");
	if (!nowhere)
		return error_set(err, EXIT_RUNTIME, "cannot open /dev/null: %s", strerror(errno));
	service->manager.out = nowhere;
	ret = service_once(service, &status, err);
	fclose(nowhere);
	return ret ? ret : print_status(status, options, err);
}

static const char *directory(const struct options *options)
{
	return options->dir ? options->dir : CONTROL_DIR;
}

/*
 * Before anything is asked of the module, which may be missing. Whoever was told to end
 * meanwhile has done what there was to do.
 */
static int restore_first(const struct options *options, bool *told, struct error *err)
{
	size_t failed;

	*told = false;
	if (options->manage != MANAGE_RUN || !options->apply)
		return 0;
	if (service_restore(directory(options), say, &failed, err))
		return -1;
	*told = service_release_signals();
	return *told ? service_check_restored(failed, err) : 0;
}

static int restore(const struct options *options, struct error *err)
{
	size_t failed;

	if (service_restore(directory(options), say, &failed, err) ||
	    service_check_restored(failed, err))
		return -1;
	if (options->json)
		jsonout_print(json_pack("{s:i, s:i}", "version", 1, "failed", 0), options->pretty);
	return EXIT_OK;
}

static int run_live(const struct options *options, struct error *err)
{
	struct service_options service = {
		.manager = {
			.source.read = read_counters, .root = "", .apply = options->apply,
			.json = options->json, .out = stdout, .say = say,
		},
		.dir = directory(options),
		.reload = load_config,
		.data = (void *)options,
	};
	struct client *client;
	int ret = -1;
	bool told;

	if (restore_first(options, &told, err))
		return -1;
	if (told)
		return EXIT_OK;
	if (load_config((void *)options, &service.manager.policy, err))
		return -1;
	if (!client_open(&client, NULL, err)) {
		service.manager.source.data = client;
		if (options->record)
			service.manager.record = open_trace(options->record, err);
		if (!options->record || service.manager.record)
			ret = measure(options, &service, err);
		if (service.manager.record)
			fclose(service.manager.record);
		client_close(client);
	}
	manage_options_free(&service.manager.policy);
	return ret;
}

static int check(const struct options *options, struct error *err)
{
	struct manage_options policy;
	json_t *root = NULL;
	int ret = EXIT_OK;

	if (load_config((void *)options, &policy, err))
		return -1;
	if (options->json)
		root = manageconf_json(&policy);
	else
		manageconf_print(&policy);
	if (root)
		jsonout_print(root, options->pretty);
	else if (options->json)
		ret = error_no_memory(err);
	manage_options_free(&policy);
	return ret;
}

static int replay(const struct options *options, struct error *err)
{
	struct replay_view view = { .json = options->json, .pretty = options->pretty };
	struct manage_options policy;
	struct trace trace;
	int ret;

	if (load_config((void *)options, &policy, err))
		return -1;
	ret = trace_load(options->trace, &trace, err);
	if (!ret) {
		ret = replay_print(&trace, &policy, &view, err);
		trace_free(&trace);
	}
	manage_options_free(&policy);
	return ret;
}

static int status(const struct options *options, struct error *err)
{
	char *text = control_ask(directory(options), err);
	json_t *root = text ? json_loads(text, 0, NULL) : NULL;
	bool answered = text;

	free(text);
	if (!answered)
		return -1;
	if (!root)
		return error_set(err, EXIT_RUNTIME,
				 "the manager's answer is cut short; is it of the same version?");
	return print_status(root, options, err);
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	(void)cmd;
	if (options_check_daemon(options, err))
		return -1;
	switch (options->manage) {
	case MANAGE_CHECK:
		return check(options, err);
	case MANAGE_STATUS:
		return status(options, err);
	case MANAGE_RESTORE:
		return restore(options, err);
	case MANAGE_REPLAY:
		return replay(options, err);
	default:
		return run_live(options, err);
	}
}

const struct cmd cmd_manage = {
	.name = "manage",
	.args = "",
	.summary = "share idle CPU by workload; observes only, unless told to --apply",
	.no_document = "measures VMs that run; --replay TRACE takes recorded ones",
	.options = options_daemon,
	.run = run,
};
