// SPDX-License-Identifier: GPL-2.0
/* vmshare overhead: what the VMM costs per VM, and what it costs others. */
#include "cmd.h"

#include <inttypes.h>
#include <linux/vmshare.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "jsonout.h"
#include "options_cpu.h"
#include "policy/overhead.h"
#include "selector.h"
#include "source.h"
#include "table.h"
#include "text.h"
#include "units.h"

#define WINDOW_MS 2000
#define CELL 2048

static int set_experiment(struct options *options, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	options->experiment = true;
	return 0;
}

static int set_seconds(struct options *options, const char *value, struct error *err)
{
	return units_parse_seconds(value, &options->seconds_ms, err);
}

static int set_repeats(struct options *options, const char *value, struct error *err)
{
	return units_parse_count(value, EXPERIMENT_REPEATS_MAX, &options->repeats, err);
}

static int set_cpus(struct options *options, const char *value, struct error *err)
{
	return units_parse_count(value, 4096, &options->cpus, err);
}

static const struct option options_overhead[] = {
	OPTION_WINDOW("look at all VMs for so long (default 2)"),
	{ "experiment", 0, NULL, "run N-1 against N CPU-bound guests on N CPUs instead",
	  set_experiment },
	{ "seconds", 0, "SEC", "of each measurement of the experiment (default 5)", set_seconds },
	{ "repeats", 0, "N", "how often the experiment is repeated (default 5)", set_repeats },
	{ "cpus", 0, "N", "use N CPUs for the experiment (default: all)", set_cpus },
	{ .name = NULL },
};

enum column {
	COLUMN_VM,
	COLUMN_PID,
	COLUMN_CPU,
	COLUMN_GUEST,
	COLUMN_EXITS,
	COLUMN_VMM,
	COLUMN_KERNEL,
	COLUMN_OVERHEAD,
	COLUMN_READY,
	COLUMN_RATE,
	COLUMNS
};

static const struct sort_key columns[COLUMNS + 1] = {
	[COLUMN_VM] = { "vm", "VM", "name of the VM, or its pid" },
	[COLUMN_PID] = { "pid", "PID", "process id of its VMM" },
	[COLUMN_CPU] = { "cpu", "CPU%", "time on a CPU: the next four" },
	[COLUMN_GUEST] = { "guest", "GUEST", "of it in guest mode" },
	[COLUMN_EXITS] = { "exits", "EXITS", "of its vCPU threads, outside of it" },
	[COLUMN_VMM] = { "vmm", "VMM", "of the VMM's other threads" },
	[COLUMN_KERNEL] = { "kernel", "KERNEL", "of kernel threads that work for it" },
	[COLUMN_OVERHEAD] = { "overhead", "OVERHEAD%", "the part that is not guest code" },
	[COLUMN_READY] = { "ready", "RDY%", "time runnable but not running" },
	[COLUMN_RATE] = { "exit_rate", "EXIT/s", "exits from guest mode per second" },
};

struct account {
	const struct vm *vm;
	struct overhead overhead;
};

struct ledger {
	const struct snapshot *snap;
	const struct options *options;
	struct error missing;		/* why guest time is not exact; code 0: it is */
	struct account *accounts;
	size_t count;
	struct overhead sum;
};

/* Only the VMs that were named, if any was. */
static int fill(struct ledger *ledger, const bool *chosen)
{
	size_t i;

	ledger->accounts = calloc(ledger->snap->n_vms + 1, sizeof(*ledger->accounts));
	if (!ledger->accounts)
		return -1;
	overhead_begin(&ledger->sum);
	for (i = 0; i < ledger->snap->n_vms; i++) {
		struct account *account = &ledger->accounts[ledger->count];

		account->vm = &ledger->snap->vms[i];
		if (ledger->options->operands.count && !chosen[i])
			continue;
		overhead_of(&account->overhead, &ledger->snap->window, account->vm->pid);
		overhead_add(&ledger->sum, &account->overhead);
		ledger->count++;
	}
	return 0;
}

/* What is not guest code, in percent; of a VM that did not run there is no part. */
static bool overhead_percent(const struct overhead *overhead, double *percent)
{
	uint64_t total, guest;

	if (!facts_get(&overhead->facts, OVERHEAD_CPU_NS, &total) ||
	    !facts_get(&overhead->facts, OVERHEAD_GUEST_NS, &guest) || !total)
		return false;
	*percent = (double)(total - guest) * 100 / (double)total;
	return true;
}

static int parse_sort(const char *key, enum column *column, struct error *err)
{
	struct nearest near = {};
	char list[256] = "";
	size_t used = 0, i;

	for (i = 0; i < COLUMNS; i++) {
		if (!strcmp(columns[i].key, key)) {
			*column = (enum column)i;
			return 0;
		}
		text_offer(&near, key, columns[i].key);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? "," : "",
					 columns[i].key);
	}
	return error_set(err, EXIT_USAGE, "overhead does not show \"%s\"%s%s%s; it sorts by %s", key,
			 near.word ? "; did you mean " : "", near.word ? near.word : "",
			 near.word ? "?" : "", list);
}

static bool amount(const struct account *account, enum column column, double *value)
{
	static const enum overhead_part parts[] = {
		[COLUMN_CPU] = OVERHEAD_CPU_NS, [COLUMN_GUEST] = OVERHEAD_GUEST_NS,
		[COLUMN_EXITS] = OVERHEAD_EXITS_NS, [COLUMN_VMM] = OVERHEAD_VMM_NS,
		[COLUMN_KERNEL] = OVERHEAD_KERNEL_NS, [COLUMN_READY] = OVERHEAD_READY_NS,
		[COLUMN_RATE] = OVERHEAD_EXITS,
	};
	uint64_t number;

	if (column == COLUMN_OVERHEAD)
		return overhead_percent(&account->overhead, value);
	if (!facts_get(&account->overhead.facts, parts[column], &number))
		return false;
	*value = (double)number;
	return true;
}

static int compare_columns(const struct account *left, const struct account *right,
			   enum column column)
{
	char labels[2][16];
	double a = 0, b = 0;
	bool a_known, b_known;

	if (column == COLUMN_PID)
		return 0;
	if (column == COLUMN_VM)
		return strcmp(vm_label(left->vm, labels[0], sizeof(labels[0])),
			      vm_label(right->vm, labels[1], sizeof(labels[1])));
	a_known = amount(left, column, &a);
	b_known = amount(right, column, &b);
	return a_known != b_known ? b_known - a_known : (a < b) - (a > b);
}

/* As columns_compare(): names upwards, amounts downwards, what is not known last, then by pid. */
static int compare_accounts(const void *a, const void *b, void *data)
{
	const struct account *left = a, *right = b;
	int order = compare_columns(left, right, *(const enum column *)data);

	return order ? order : (left->vm->pid > right->vm->pid) - (left->vm->pid < right->vm->pid);
}

static void percent_cell(struct table *table, const struct ledger *ledger,
			 const struct overhead *overhead, enum overhead_part part)
{
	char text[32] = "-";
	uint64_t ns;

	if (facts_get(&overhead->facts, part, &ns))
		snprintf(text, sizeof(text), "%.1f",
			 (double)ns * 100 / (double)ledger->snap->window.window_ns);
	table_cell(table, text);
}

static void overhead_cell(struct table *table, const struct overhead *overhead)
{
	char text[32] = "-";
	double percent;

	if (overhead_percent(overhead, &percent))
		snprintf(text, sizeof(text), "%.1f", percent);
	table_cell(table, text);
}

static void overhead_cells(struct table *table, const struct ledger *ledger,
			   const struct overhead *overhead)
{
	char text[32] = "-";
	unsigned int part;
	uint64_t exits;

	for (part = OVERHEAD_CPU_NS; part <= OVERHEAD_KERNEL_NS; part++)
		percent_cell(table, ledger, overhead, part);
	overhead_cell(table, overhead);
	percent_cell(table, ledger, overhead, OVERHEAD_READY_NS);
	if (facts_get(&overhead->facts, OVERHEAD_EXITS, &exits))
		snprintf(text, sizeof(text), "%.0f",
			 (double)exits * 1e9 / (double)ledger->snap->window.window_ns);
	table_cell(table, text);
}

static struct table *titled(void)
{
	struct table *table = table_new(COLUMNS);
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		table_title(table, i, columns[i].title, i > 0);
	return table;
}

/* NULL: of no vCPU is anything known. */
static const char *guest_time(const struct overhead *overhead)
{
	if (overhead->by_hooks && overhead->by_ticks)
		return "mixed";
	return overhead->by_hooks ? "hooks" : overhead->by_ticks ? "ticks" : NULL;
}

static void say_how(const struct ledger *ledger)
{
	const struct overhead *sum = &ledger->sum;
	char text[UNITS_TEXT];

	printf("CPU over %s in percent of one CPU; guest time ",
	       units_duration(ledger->snap->window.window_ns, text));
	if (!guest_time(sum))
		printf("not known\n");
	else if (!sum->by_hooks)
		printf("as the kernel samples it by ticks\n");
	else if (!sum->by_ticks)
		printf("exact, between each entry and exit\n");
	else
		printf("exact of %u vCPUs, of %u as the kernel samples it by ticks\n",
		       sum->by_hooks, sum->by_ticks);
	if (ledger->missing.code && !sum->by_hooks)
		printf("no exact guest time: %s\n", ledger->missing.message);
}

static void print_text(const struct ledger *ledger)
{
	char name[CELL], label[16], pid[16];
	struct table *table = titled();
	size_t i;

	for (i = 0; i < ledger->count; i++) {
		const struct account *account = &ledger->accounts[i];

		text_escape(vm_label(account->vm, label, sizeof(label)), name, sizeof(name));
		snprintf(pid, sizeof(pid), "%u", account->vm->pid);
		table_cell(table, name);
		table_cell(table, pid);
		overhead_cells(table, ledger, &account->overhead);
	}
	if (ledger->count > 1) {
		table_cell(table, "(all)");
		table_cell(table, "");
		overhead_cells(table, ledger, &ledger->sum);
	}
	if (!ledger->options->no_header)
		say_how(ledger);
	table_print(table, stdout, !ledger->options->no_header, ledger->options->color);
	table_free(table);
}

static void put_guest_time(json_t *object, const struct overhead *overhead)
{
	const char *how = guest_time(overhead);

	if (how)
		json_object_set_new(object, "guest_time", json_string(how));
}

static json_t *account_json(const struct account *account)
{
	const struct overhead *overhead = &account->overhead;
	json_t *object = json_object();
	unsigned int part;
	uint64_t value;

	json_object_set_new(object, "pid", jsonout_number(account->vm->pid));
	if (account->vm->name)
		json_object_set_new(object, "name", jsonout_text(account->vm->name));
	for (part = 0; part < OVERHEAD_PARTS; part++) {
		if (facts_get(&overhead->facts, part, &value))
			json_object_set_new(object, overhead_part_key[part],
					    jsonout_number(value));
	}
	put_guest_time(object, overhead);
	return object;
}

static void print_json(const struct ledger *ledger)
{
	json_t *root = json_object(), *vms = json_array();
	size_t i;

	for (i = 0; i < ledger->count; i++)
		json_array_append_new(vms, account_json(&ledger->accounts[i]));
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "window_ns", jsonout_number(ledger->snap->window.window_ns));
	put_guest_time(root, &ledger->sum);
	if (ledger->missing.code && !ledger->sum.by_hooks)
		json_object_set_new(root, "guest_time_reason",
				    jsonout_text(ledger->missing.message));
	json_object_set_new(root, "vms", vms);
	jsonout_print(root, ledger->options->pretty);
}

static int account_for(struct ledger *ledger, enum column sort, struct error *err)
{
	bool *chosen = calloc(ledger->snap->n_vms + 1, sizeof(*chosen));
	int ret;

	if (!chosen)
		return error_no_memory(err);
	ret = selector_mark(ledger->snap, &ledger->options->operands, chosen, err);
	if (!ret && fill(ledger, chosen))
		ret = error_no_memory(err);
	free(chosen);
	if (ret)
		return ret;
	if (ledger->options->sort)
		qsort_r(ledger->accounts, ledger->count, sizeof(*ledger->accounts),
			compare_accounts, &sort);
	if (ledger->options->json)
		print_json(ledger);
	else
		print_text(ledger);
	free(ledger->accounts);
	return 0;
}

static int take(struct ledger *ledger, unsigned int needs, struct snapshot *snap,
		struct error *err)
{
	const struct options *options = ledger->options;
	uint32_t window_ms = options->window_ms ? options->window_ms : WINDOW_MS;
	struct source *source;
	int ret;

	if (options->window_given && !options->window_ms)
		return error_set(err, EXIT_USAGE,
				 "overhead is of some time; --window 0 leaves none, without it there are 2 s");
	if (source_open(&source, options, err))
		return -1;
	ret = source_window(source, needs, VMSHARE_HOOK_SCHED | VMSHARE_HOOK_KVM, window_ms,
			    &ledger->missing, snap, err);
	source_close(source);
	if (ret || snap->window.window_ns)
		return ret;
	snapshot_free(snap);
	return error_set(err, EXIT_RUNTIME,
			 "snapshot %s: window_ns is missing; take the document by vmshare snapshot --window 2",
			 options->from);
}

static int show(const struct cmd *cmd, const struct options *options, enum column sort,
		struct error *err)
{
	struct ledger ledger = { .options = options };
	struct snapshot snap;
	int ret;

	if (take(&ledger, cmd->needs, &snap, err))
		return -1;
	ledger.snap = &snap;
	ret = account_for(&ledger, sort, err);
	snapshot_free(&snap);
	return ret;
}

/* The experiment */

/* Of 3 against 4 on 4 cores, with bzip2 and gobmk: docs name the study. */
static const struct {
	const char *what;
	double slowdown;
	int condition;			/* -1: not done here */
} published[] = {
	{ "bare Linux", 1.28, EXPERIMENT_PROGRAMS },
	{ "KVM", 4.89, EXPERIMENT_FREE },
	{ "Xen", 3.75, -1 },
};

#define PUBLISHED (sizeof(published) / sizeof(*published))

/* On a virtual machine CPUs are shared or emulated; its figures are no hardware's. */
static bool is_virtual(void)
{
	char line[8192];
	bool found = false;
	FILE *file = fopen("/proc/cpuinfo", "re");

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "flags", 5) && strstr(line, " hypervisor");
	if (file)
		fclose(file);
	return found;
}

static void show_step(unsigned int done, unsigned int all, const char *what)
{
	fprintf(stderr, "\r\033[K%u of %u: %s", done + 1, all, what);
}

static void print_experiment(const struct experiment *experiment, const struct options *options)
{
	static const char *const titles[] = {
		"JOBS", "SLOW-DOWN", "LEAST", "MOST", "SPEED", "PUBLISHED",
	};
	struct table *table = table_new(6);
	char text[64];
	size_t i, j;

	for (i = 0; i < 6; i++)
		table_title(table, i, titles[i], i > 0);
	for (i = 0; i < EXPERIMENT_CONDITIONS; i++) {
		const struct condition *condition = &experiment->condition[i];
		const double figures[] = {
			condition->median, condition->slowdown[0],
			condition->slowdown[experiment->repeats - 1],
			100 * condition->rate / experiment->condition[EXPERIMENT_PROGRAMS].rate,
		};

		table_cell(table, experiment_name[i]);
		for (j = 0; j < 4; j++) {
			snprintf(text, sizeof(text), "%.2f %%", figures[j]);
			table_cell(table, text);
		}
		snprintf(text, sizeof(text), "-");
		for (j = 0; j < PUBLISHED; j++) {
			if (published[j].condition == (int)i)
				snprintf(text, sizeof(text), "%.2f %% (%s)", published[j].slowdown,
					 published[j].what);
		}
		table_cell(table, text);
	}
	table_print(table, stdout, !options->no_header, options->color);
	table_free(table);
}

static void print_experiment_notes(const struct experiment *experiment)
{
	printf("slow-down of each job by the last CPU's being busy too: %u jobs against %u on %u CPUs, median of %u\n"
	       "(published: 3 against 4 jobs, bzip2 and gobmk, on 4 cores; Xen 3.75 %%); speed: against programs, all busy\n",
	       experiment->cpus - 1, experiment->cpus, experiment->cpus, experiment->repeats);
	if (is_virtual())
		printf("this host is itself a virtual machine: its CPUs are shared or emulated, and these figures are not a hardware host's\n");
}

static json_t *condition_json(const struct experiment *experiment, size_t index)
{
	const struct condition *condition = &experiment->condition[index];
	json_t *object = json_object(), *samples = json_array();
	unsigned int i;

	for (i = 0; i < experiment->repeats; i++)
		json_array_append_new(samples, json_real(condition->slowdown[i]));
	json_object_set_new(object, "jobs", json_string(experiment_key[index]));
	json_object_set_new(object, "slowdown_percent", json_real(condition->median));
	json_object_set_new(object, "samples_percent", samples);
	json_object_set_new(object, "work_per_s", json_real(condition->rate));
	return object;
}

static void print_experiment_json(const struct experiment *experiment, bool pretty)
{
	json_t *root = json_object(), *conditions = json_array(), *papers = json_object();
	size_t i;

	for (i = 0; i < EXPERIMENT_CONDITIONS; i++)
		json_array_append_new(conditions, condition_json(experiment, i));
	for (i = 0; i < PUBLISHED; i++)
		json_object_set_new(papers, published[i].what, json_real(published[i].slowdown));
	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "cpus", json_integer(experiment->cpus));
	json_object_set_new(root, "measurement_ms", json_integer(experiment->ms));
	json_object_set_new(root, "repeats", json_integer(experiment->repeats));
	json_object_set_new(root, "virtual_host", json_boolean(is_virtual()));
	json_object_set_new(root, "conditions", conditions);
	json_object_set_new(root, "published_percent", papers);
	jsonout_print(root, pretty);
}

static int run_experiment(const struct options *options, struct error *err)
{
	bool told = isatty(STDERR_FILENO) && !options->json;
	struct experiment *experiment;
	int ret;

	if (options->from || options->operands.count || options->window_given ||
	    options->engine != ENGINE_UNKNOWN)
		return error_set(err, EXIT_USAGE,
				 "--experiment starts jobs of its own; it takes neither VMs nor --from, --window or --engine");
	experiment = calloc(1, sizeof(*experiment));
	if (!experiment)
		return error_no_memory(err);
	experiment->cpus = options->cpus;
	experiment->ms = options->seconds_ms;
	experiment->repeats = options->repeats;
	ret = experiment_prepare(experiment, err);
	if (!ret)
		ret = experiment_run(experiment, told ? show_step : NULL, err);
	if (told)
		fputs("\r\033[K", stderr);
	if (!ret && options->json) {
		print_experiment_json(experiment, options->pretty);
	} else if (!ret) {
		print_experiment(experiment, options);
		print_experiment_notes(experiment);
	}
	free(experiment);
	return ret;
}

static int run(const struct cmd *cmd, const struct options *options, struct error *err)
{
	enum column sort = COLUMN_PID;

	if (options->sort && parse_sort(options->sort, &sort, err))
		return -1;
	if (!options->experiment && (options->seconds_ms || options->repeats || options->cpus))
		return error_set(err, EXIT_USAGE,
				 "--seconds, --repeats and --cpus are of the experiment; give --experiment too");
	return options->experiment ? run_experiment(options, err) : show(cmd, options, sort, err);
}

const struct cmd cmd_overhead = {
	.name = "overhead",
	.args = "[VM...]",
	.summary = "what the VMM costs per VM; --experiment: what it costs others",
	.needs = NEED_CPU,
	.sorts = true,
	.sort_keys = columns,
	.operands_max = SIZE_MAX,
	.options = options_overhead,
	.run = run,
};
