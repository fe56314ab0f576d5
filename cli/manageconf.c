// SPDX-License-Identifier: GPL-2.0
/* The manager's configuration, from tables of keys. */
#include "manageconf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonout.h"
#include "readall.h"
#include "text.h"

#define RULES_MAX 4096

enum kind {
	KIND_PERCENT,			/* 70% or 12.5%: thousandths, uint32_t */
	KIND_CPUS,			/* 150% of one CPU: millicpus, uint64_t */
	KIND_TIME,			/* 500ms: nanoseconds, uint64_t */
	KIND_COUNT,			/* uint32_t */
	KIND_BOOL,			/* no or yes */
	KIND_NOT_BOOL,			/* the same, kept as its opposite */
	KIND_POLICY,
	KIND_CLASS,
	KIND_CAP,
};

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *help;
};

#define OPTION(name, kind, member, help) \
	{ name, kind, offsetof(struct manage_options, member), help }

static const struct key manage_keys[] = {
	OPTION("Policy", KIND_POLICY, policy,
	       "lending: guarantees, and what they leave is lent; published: the study's"),
	OPTION("Alpha", KIND_PERCENT, alpha_permille,
	       "usage of its vCPUs from which a VM works like batch"),
	OPTION("Beta", KIND_COUNT, beta, "it changes its class when its count is above this"),
	OPTION("CheckInterval", KIND_TIME, t_check_ns, "time between two checks"),
	OPTION("Period", KIND_TIME, period_ns, "of CFS bandwidth"),
	OPTION("Floor", KIND_CPUS, floor_millicpus, "no VM is capped below this part of one CPU"),
	OPTION("VmmFloor", KIND_CPUS, vmm_floor_millicpus,
	       "added to every quota for the VMM's own threads"),
	OPTION("StallMax", KIND_TIME, stall_max_ns, "longest time that a quota may stop a VM"),
	OPTION("Headroom", KIND_PERCENT, headroom_permille,
	       "of all CPUs: what batch VMs leave to bursts of service VMs"),
	OPTION("Contention", KIND_PERCENT, contention_permille,
	       "of all CPUs: demand beyond them by more than this calls for caps"),
	OPTION("CalmChecks", KIND_COUNT, calm_checks, "checks without contention until caps go"),
	OPTION("Hysteresis", KIND_PERCENT, hysteresis_permille,
	       "a quota that differs by less than this stays"),
	OPTION("RateLimit", KIND_TIME, rate_limit_ns, "time between two changes of one VM's quota"),
	OPTION("Burst", KIND_PERCENT, burst_permille, "of the quota: unused time kept for later"),
	OPTION("Cap", KIND_CAP, cap, "whom: none, heavy (Class=service that works like batch), batch"),
	OPTION("Pin", KIND_BOOL, pin,
	       "a batch VM with a CPU guaranteed for each vCPU gets CPUs of its own"),
	OPTION("ServiceBoost", KIND_COUNT, service_boost,
	       "light service VMs have so many times the highest other weight"),
	{ .name = NULL },
};

#define RULE(name, kind, member, help) { name, kind, offsetof(struct manage_rule, member), help }

static const struct key vm_keys[] = {
	RULE("Class", KIND_CLASS, class, "auto, service or batch"),
	RULE("Guarantee", KIND_CPUS, guarantee_millicpus, "least CPU when it wants it; 100% is one"),
	RULE("Weight", KIND_COUNT, weight, "its part of what is shared out, 1 to 10000"),
	RULE("Managed", KIND_NOT_BOOL, unmanaged, "no: never touched"),
	{ .name = NULL },
};

#define KEYS_MAX 24

/* Where the reading is. */
struct reader {
	const char *name;
	const char *text, *end;
	unsigned int line;
	struct manage_options *options;
	const struct key *keys;		/* of this section; NULL: before the first */
	void *into;			/* what they set */
	unsigned int seen[KEYS_MAX];	/* line where each was given; 0: not yet */
	unsigned int manage_seen[KEYS_MAX];	/* the same of [Manage], which may come in parts */
	struct error *err;
};

static int refuse(const struct reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct reader *reader, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(reader->err, EXIT_USAGE, "%s:%u: %s", reader->name, reader->line, text);
}

/* What was written there, cut to fit into a message, which is escaped as a whole. */
static const char *shown(const char *text, char out[100])
{
	text_clean(text, out, 100);
	return out;
}

/* A comment behind a value is a part of it, and may be what is wrong. */
static int hint_at_comment(const struct reader *reader, const char *text)
{
	struct error *err = reader->err;
	size_t used = strlen(err->message);
	const char *mark = strpbrk(text, "#;");

	if (mark && mark > text && strchr(" \t", mark[-1]))
		snprintf(err->message + used, sizeof(err->message) - used,
			 "; a comment needs a line of its own");
	return -1;
}

/*
 * A decimal number times unit, which has to come out whole and below 2^63. at is
 * where it ends.
 */
static bool parse_decimal(const char *text, uint64_t unit, const char **at, uint64_t *value)
{
	unsigned __int128 whole = 0, part = 0, scale = 1;
	const char *digits = text;

	for (; *text >= '0' && *text <= '9'; text++) {
		whole = whole * 10 + (unsigned int)(*text - '0');
		if (whole > INT64_MAX)
			return false;
	}
	if (text == digits)
		return false;
	if (*text == '.') {
		digits = ++text;
		for (; *text >= '0' && *text <= '9' && text - digits < 15; text++) {
			part = part * 10 + (unsigned int)(*text - '0');
			scale *= 10;
		}
		if (text == digits)
			return false;
	}
	whole = whole * unit + part * unit / scale;
	if (part * unit % scale || whole > INT64_MAX)
		return false;
	*value = (uint64_t)whole;
	*at = text;
	return true;
}

static int set_percent(const struct reader *reader, const struct key *key, const char *text,
		       uint64_t max, uint64_t *value)
{
	char out[100];
	const char *at;

	if (!parse_decimal(text, 10, &at, value) || strcmp(at, "%") || *value > max)
		return refuse(reader, "%s=%s is no percentage as 70%% or 12.5%%, in tenths of a "
			      "percent", key->name, shown(text, out));
	return 0;
}

static const struct {
	const char *name;
	uint64_t ns;
} time_units[] = {
	{ "h", 3600000000000 }, { "min", 60000000000 }, { "s", 1000000000 },
	{ "ms", 1000000 }, { "us", 1000 }, { "ns", 1 },
};

#define TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))

static int set_time(const struct reader *reader, const struct key *key, const char *text,
		    uint64_t *value)
{
	char out[100];
	const char *at;
	size_t i;

	for (i = 0; i < TIME_UNITS; i++) {
		if (parse_decimal(text, time_units[i].ns, &at, value) &&
		    !strcmp(at, time_units[i].name))
			return 0;
	}
	return refuse(reader, "%s=%s is no time as 500ms, 1.5s, 2min or 1h", key->name,
		      shown(text, out));
}

static int set_count(const struct reader *reader, const struct key *key, const char *text,
		     uint32_t *value)
{
	char out[100];
	uint64_t number;
	const char *at;

	if (!parse_decimal(text, 1, &at, &number) || *at || number > UINT32_MAX ||
	    strchr(text, '.'))
		return refuse(reader, "%s=%s is no whole number", key->name, shown(text, out));
	*value = (uint32_t)number;
	return 0;
}

static int set_bool(const struct reader *reader, const struct key *key, const char *text,
		    bool *value)
{
	char out[100];

	*value = !strcmp(text, "yes");
	if (!*value && strcmp(text, "no"))
		return refuse(reader, "%s=%s is neither yes nor no", key->name, shown(text, out));
	return 0;
}

static int set_not_bool(const struct reader *reader, const struct key *key, const char *text,
			bool *value)
{
	bool opposite;

	if (set_bool(reader, key, text, &opposite))
		return -1;
	*value = !opposite;
	return 0;
}

static int set_class(const struct reader *reader, const struct key *key, const char *text,
		     enum manage_class *class)
{
	char out[100];
	int i;

	for (i = MANAGE_AUTO; i <= MANAGE_BATCH; i++) {
		if (!strcmp(text, manage_class_name((enum manage_class)i))) {
			*class = (enum manage_class)i;
			return 0;
		}
	}
	return refuse(reader, "%s=%s is none of auto, service and batch", key->name,
		      shown(text, out));
}

static int set_cap(const struct reader *reader, const struct key *key, const char *text,
		   enum manage_cap *cap)
{
	char out[100];
	int i;

	for (i = MANAGE_CAP_NONE; i <= MANAGE_CAP_BATCH; i++) {
		if (!strcmp(text, manage_cap_name((enum manage_cap)i))) {
			*cap = (enum manage_cap)i;
			return 0;
		}
	}
	return refuse(reader, "%s=%s is none of none, heavy and batch", key->name,
		      shown(text, out));
}

static int set_value(const struct reader *reader, const struct key *key, const char *text)
{
	void *into = (char *)reader->into + key->offset;
	char out[100];
	uint64_t number;

	switch (key->kind) {
	case KIND_PERCENT:
		if (set_percent(reader, key, text, UINT32_MAX, &number))
			return -1;
		*(uint32_t *)into = (uint32_t)number;
		return 0;
	case KIND_CPUS:
		return set_percent(reader, key, text, INT64_MAX, into);
	case KIND_TIME:
		return set_time(reader, key, text, into);
	case KIND_COUNT:
		return set_count(reader, key, text, into);
	case KIND_BOOL:
		return set_bool(reader, key, text, into);
	case KIND_NOT_BOOL:
		return set_not_bool(reader, key, text, into);
	case KIND_CLASS:
		return set_class(reader, key, text, into);
	case KIND_CAP:
		return set_cap(reader, key, text, into);
	case KIND_POLICY:
		break;
	}
	if (manage_policy_parse(text, into))
		return 0;
	return refuse(reader, "%s=%s is neither lending nor published", key->name,
		      shown(text, out));
}

static int unknown_key(const struct reader *reader, const char *name)
{
	struct nearest near = {};
	const struct key *key;
	char out[100];

	for (key = reader->keys; key->name; key++)
		text_offer(&near, name, key->name);
	if (near.word)
		return refuse(reader, "there is no key \"%s\" in this section; did you mean %s?",
			      shown(name, out), near.word);
	return refuse(reader, "there is no key \"%s\" in [%s]", shown(name, out),
		      reader->keys == vm_keys ? "VM ..." : "Manage");
}

/* Values so far were in range, so what is wrong now is this line's. */
static int check_values(const struct reader *reader, const struct key *key)
{
	struct manage_rule *rule = reader->into;
	const char *wrong;

	if (reader->keys == vm_keys && key->kind == KIND_CPUS)
		rule->guarantee_given = true;
	if (reader->keys == vm_keys && !strcmp(key->name, "Weight") && !rule->weight)
		return refuse(reader, "Weight is from 1 to 10000");
	wrong = manage_values_wrong(reader->options);
	return wrong ? refuse(reader, "%s", wrong) : 0;
}

static int read_assignment(struct reader *reader, char *name, const char *value)
{
	const struct key *key;
	unsigned int *seen;

	if (!reader->keys)
		return refuse(reader, "a setting before any section; begin with [Manage]");
	for (key = reader->keys; key->name && strcmp(key->name, name); key++)
		;
	if (!key->name)
		return unknown_key(reader, name);
	seen = reader->keys == vm_keys ? reader->seen : reader->manage_seen;
	if (seen[key - reader->keys])
		return refuse(reader, "%s is given a second time; the first is in line %u",
			      key->name, seen[key - reader->keys]);
	seen[key - reader->keys] = reader->line;
	if (set_value(reader, key, value))
		return hint_at_comment(reader, value);
	return check_values(reader, key);
}

static int begin_vm(struct reader *reader, const char *vm)
{
	struct manage_options *options = reader->options;
	struct manage_rule *rules;
	char out[100];
	size_t i;

	for (i = 0; i < options->n_rules; i++) {
		if (!strcmp(options->rules[i].vm, vm))
			return refuse(reader, "there is a section [VM %s] already",
				      shown(vm, out));
	}
	if (options->n_rules == RULES_MAX)
		return refuse(reader, "more than %d sections [VM ...]", RULES_MAX);
	rules = reallocarray(options->rules, options->n_rules + 1, sizeof(*rules));
	if (!rules)
		return error_no_memory(reader->err);
	options->rules = rules;
	rules += options->n_rules;
	*rules = (struct manage_rule){ .vm = strdup(vm), .class = MANAGE_AUTO };
	if (!rules->vm)
		return error_no_memory(reader->err);
	options->n_rules++;
	reader->keys = vm_keys;
	reader->into = rules;
	memset(reader->seen, 0, sizeof(reader->seen));
	return 0;
}

static int read_section(struct reader *reader, char *line)
{
	size_t len = strlen(line);
	char out[100], *vm;

	if (line[len - 1] != ']') {
		refuse(reader, "a section without its ] at the end of the line");
		return hint_at_comment(reader, line);
	}
	line[len - 1] = '\0';
	line++;
	if (!strcmp(line, "Manage")) {
		reader->keys = manage_keys;
		reader->into = reader->options;
		return 0;
	}
	if (strncmp(line, "VM ", 3))
		return refuse(reader, "there is no section [%s]; there are [Manage] and [VM NAME]",
			      shown(line, out));
	for (vm = line + 3; *vm == ' ' || *vm == '\t'; vm++)
		;
	if (!*vm)
		return refuse(reader, "[VM] without a name, UUID or pid");
	return begin_vm(reader, vm);
}

static char *trim(char *text)
{
	size_t len;

	while (*text == ' ' || *text == '\t')
		text++;
	for (len = strlen(text); len && strchr(" \t\r", text[len - 1]); len--)
		text[len - 1] = '\0';
	return text;
}

static int read_line(struct reader *reader, char *line)
{
	char out[100], *equals;

	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return read_section(reader, line);
	equals = strchr(line, '=');
	if (!equals)
		return refuse(reader, "\"%s\" is neither Key=Value nor [Section]",
			      shown(line, out));
	*equals = '\0';
	return read_assignment(reader, trim(line), trim(equals + 1));
}

static int read_text(struct reader *reader)
{
	while (reader->text < reader->end) {
		size_t left = (size_t)(reader->end - reader->text), len;
		const char *newline = memchr(reader->text, '\n', left);
		char *line;
		int ret;

		len = newline ? (size_t)(newline - reader->text) : left;
		reader->line++;
		if (memchr(reader->text, '\0', len))
			return refuse(reader, "a zero byte; this is no text file");
		line = strndup(reader->text, len);
		if (!line)
			return error_no_memory(reader->err);
		ret = read_line(reader, line);
		free(line);
		if (ret)
			return -1;
		reader->text += len + (newline != NULL);
	}
	return 0;
}

/* Some editors put it there; nobody sees it. */
static int check_beginning(struct reader *reader)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t len = sizeof(mark) - 1;

	if ((size_t)(reader->end - reader->text) < len || memcmp(reader->text, mark, len))
		return 0;
	reader->line = 1;
	return refuse(reader, "remove the byte order mark (U+FEFF) before the text");
}

/* What no line alone says. */
static int check_whole(const struct reader *reader)
{
	const char *wrong = manage_options_wrong(reader->options);

	return wrong ? refuse(reader, "%s", wrong) : 0;
}

int manageconf_parse(const char *name, const char *text, size_t len,
		     struct manage_options *options, struct error *err)
{
	struct reader reader = {
		.name = name, .text = text, .end = text + len, .options = options, .err = err,
	};

	manage_options_init(options);
	if (!check_beginning(&reader) && !read_text(&reader) && !check_whole(&reader))
		return 0;
	manage_options_free(options);
	return -1;
}

int manageconf_load(const char *name, struct manage_options *options, struct error *err)
{
	size_t len;
	char *text = readall(name, MANAGECONF_BYTES_MAX, "configuration", &len, err);
	int ret;

	if (!text)
		return error_prefix(err, "%s: ", readall_name(name));
	ret = manageconf_parse(readall_name(name), text, len, options, err);
	free(text);
	return ret;
}

static void write_time(FILE *out, uint64_t ns)
{
	size_t i = 0;

	while (i < TIME_UNITS - 1 && (!ns || ns % time_units[i].ns))
		i++;
	fprintf(out, "%" PRIu64 "%s", ns / time_units[i].ns, time_units[i].name);
}

static void write_thousandths(FILE *out, uint64_t value)
{
	fprintf(out, value % 10 ? "%" PRIu64 ".%u%%" : "%" PRIu64 "%%", value / 10,
		(unsigned int)(value % 10));
}

static void write_value(FILE *out, const struct key *key, const void *from)
{
	const void *value = (const char *)from + key->offset;

	switch (key->kind) {
	case KIND_PERCENT:
		write_thousandths(out, *(const uint32_t *)value);
		break;
	case KIND_CPUS:
		write_thousandths(out, *(const uint64_t *)value);
		break;
	case KIND_TIME:
		write_time(out, *(const uint64_t *)value);
		break;
	case KIND_COUNT:
		fprintf(out, "%u", *(const uint32_t *)value);
		break;
	case KIND_BOOL:
		fputs(*(const bool *)value ? "yes" : "no", out);
		break;
	case KIND_NOT_BOOL:
		fputs(*(const bool *)value ? "no" : "yes", out);
		break;
	case KIND_POLICY:
		fputs(manage_policy_name(*(const enum manage_policy *)value), out);
		break;
	case KIND_CLASS:
		fputs(manage_class_name(*(const enum manage_class *)value), out);
		break;
	case KIND_CAP:
		fputs(manage_cap_name(*(const enum manage_cap *)value), out);
		break;
	}
}

/* Not said is not the same as 0 for these. */
static bool is_said(const struct key *key, const struct manage_rule *rule)
{
	if (key->kind == KIND_CPUS)
		return rule->guarantee_given;
	return key->kind != KIND_COUNT || rule->weight;
}

static void write_all(FILE *out, const struct manage_options *options)
{
	const struct key *key;
	size_t i;

	fputs("[Manage]\n", out);
	for (key = manage_keys; key->name; key++) {
		fprintf(out, "# %s\n%s=", key->help, key->name);
		write_value(out, key, options);
		fputc('\n', out);
	}
	for (i = 0; i < options->n_rules; i++) {
		fprintf(out, "\n[VM %s]\n", options->rules[i].vm);
		for (key = vm_keys; key->name; key++) {
			if (!is_said(key, &options->rules[i]))
				continue;
			fprintf(out, "# %s\n%s=", key->help, key->name);
			write_value(out, key, &options->rules[i]);
			fputc('\n', out);
		}
	}
}

char *manageconf_write(const struct manage_options *options)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	write_all(out, options);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void print_rule(const struct manage_rule *rule)
{
	const struct key *key;
	char name[512];

	text_escape(rule->vm, name, sizeof(name));
	printf("VM %s:", name);
	for (key = vm_keys; key->name; key++) {
		if (!is_said(key, rule))
			continue;
		printf(" %s=", key->name);
		write_value(stdout, key, rule);
	}
	putchar('\n');
}

void manageconf_print(const struct manage_options *options)
{
	const struct key *key;
	uint64_t guaranteed = 0;
	size_t i;

	for (key = manage_keys; key->name; key++) {
		printf("%-14s ", key->name);
		write_value(stdout, key, options);
		putchar('\n');
	}
	for (i = 0; i < options->n_rules; i++) {
		guaranteed += options->rules[i].guarantee_millicpus;
		print_rule(&options->rules[i]);
	}
	if (guaranteed) {
		fputs("guaranteed together: ", stdout);
		write_thousandths(stdout, guaranteed);
		fputs(" of one CPU\n", stdout);
	}
}

static int put_value(json_t *object, const struct key *key, const void *from)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int ret = -1;

	if (!out)
		return -1;
	write_value(out, key, from);
	if (!fclose(out))
		ret = json_object_set_new(object, key->name, json_string(text));
	free(text);
	return ret;
}

static int put_rule(json_t *vms, const struct manage_rule *rule)
{
	json_t *object = json_object();
	const struct key *key;

	json_array_append_new(vms, object);
	json_object_set_new(object, "vm", jsonout_text(rule->vm));
	for (key = vm_keys; key->name; key++) {
		if (is_said(key, rule) && put_value(object, key, rule))
			return -1;
	}
	return 0;
}

json_t *manageconf_json(const struct manage_options *options)
{
	json_t *root = json_object(), *settings = json_object(), *vms = json_array();
	const struct key *key;
	bool failed = false;
	size_t i;

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "settings", settings);
	json_object_set_new(root, "vms", vms);
	for (key = manage_keys; key->name; key++)
		failed |= put_value(settings, key, options) != 0;
	for (i = 0; i < options->n_rules; i++)
		failed |= put_rule(vms, &options->rules[i]) != 0;
	if (!failed)
		return root;
	json_decref(root);
	return NULL;
}
