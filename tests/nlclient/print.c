// SPDX-License-Identifier: GPL-2.0
#include "print.h"

#include <errno.h>
#include <inttypes.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>

#include "../../include/uapi/linux/vmshare.h"

enum kind { U8 = 1, U32, U64, STRING, CAPABILITY, EXIT_REASON, PIDS, U64S };

struct attr_type {
	const char *name;
	enum kind kind;
};

static const struct attr_type types[VMSHARE_A_MAX + 1] = {
	[VMSHARE_A_GENERATION] = { "generation", U64 },
	[VMSHARE_A_MAX_AGE_MS] = { "max_age_ms", U32 },
	[VMSHARE_A_ENGINE] = { "engine", U32 },
	[VMSHARE_A_PID] = { "pid", U32 },
	[VMSHARE_A_START_TIME_NS] = { "start_time_ns", U64 },
	[VMSHARE_A_COMM] = { "comm", STRING },
	[VMSHARE_A_ABI] = { "abi", U32 },
	[VMSHARE_A_MODULE_VERSION] = { "module_version", STRING },
	[VMSHARE_A_CAPABILITY] = { "capability", CAPABILITY },
	[VMSHARE_A_TIME_NS] = { "time_ns", U64 },
	[VMSHARE_A_WALK_NS] = { "walk_ns", U64 },
	[VMSHARE_A_WALK_ITEMS] = { "walk_items", U64 },
	[VMSHARE_A_WALK_NODES] = { "walk_nodes", U64 },
	[VMSHARE_A_CHECKED_NODES] = { "checked_nodes", U64 },
	[VMSHARE_A_LONGEST_HOLD_NS] = { "longest_hold_ns", U64 },
	[VMSHARE_A_CONSISTENT] = { "consistent", U8 },
	[VMSHARE_A_MERGED_FRAMES] = { "merged_frames", U64 },
	[VMSHARE_A_MERGED_MAPPINGS] = { "merged_mappings", U64 },
	[VMSHARE_A_STALE_ITEMS] = { "stale_items", U64 },
	[VMSHARE_A_VMS] = { "vms", U32 },
	[VMSHARE_A_SETS] = { "sets", U32 },
	[VMSHARE_A_ANON_BYTES] = { "anon_bytes", U64 },
	[VMSHARE_A_UNIQUE_BYTES] = { "unique_bytes", U64 },
	[VMSHARE_A_SELF_SHARED_BYTES] = { "self_shared_bytes", U64 },
	[VMSHARE_A_SELF_FRAMES_BYTES] = { "self_frames_bytes", U64 },
	[VMSHARE_A_INTER_SHARED_BYTES] = { "inter_shared_bytes", U64 },
	[VMSHARE_A_SHMEM_BYTES] = { "shmem_bytes", U64 },
	[VMSHARE_A_PRIVATE_SHMEM_BYTES] = { "private_shmem_bytes", U64 },
	[VMSHARE_A_HUGETLB_BYTES] = { "hugetlb_bytes", U64 },
	[VMSHARE_A_SWAP_BYTES] = { "swap_bytes", U64 },
	[VMSHARE_A_PAGE_TABLES_BYTES] = { "page_tables_bytes", U64 },
	[VMSHARE_A_FREED_BYTES] = { "freed_bytes", U64 },
	[VMSHARE_A_RUN_NS] = { "run_ns", U64 },
	[VMSHARE_A_READY_NS] = { "ready_ns", U64 },
	[VMSHARE_A_GUEST_NS] = { "guest_ns", U64 },
	[VMSHARE_A_VOLUNTARY_SWITCHES] = { "voluntary_switches", U64 },
	[VMSHARE_A_INVOLUNTARY_SWITCHES] = { "involuntary_switches", U64 },
	[VMSHARE_A_MIGRATIONS] = { "migrations", U64 },
	[VMSHARE_A_VCPUS] = { "vcpus", U32 },
	[VMSHARE_A_VCPU_ID] = { "vcpu_id", U32 },
	[VMSHARE_A_TID] = { "tid", U32 },
	[VMSHARE_A_EXITS] = { "exits", U64 },
	[VMSHARE_A_MEMBERS] = { "members", PIDS },
	[VMSHARE_A_OUTSIDE] = { "outside", U8 },
	[VMSHARE_A_FRAMES_BYTES] = { "frames_bytes", U64 },
	[VMSHARE_A_HOOKS] = { "hooks", U32 },
	[VMSHARE_A_TRACKED_NS] = { "tracked_ns", U64 },
	[VMSHARE_A_CPUS] = { "cpus", U32 },
	[VMSHARE_A_VMS_NS] = { "vms_ns", U64 },
	[VMSHARE_A_HOST_NS] = { "host_ns", U64 },
	[VMSHARE_A_IDLE_NS] = { "idle_ns", U64 },
	[VMSHARE_A_THREAD_KIND] = { "thread_kind", U32 },
	[VMSHARE_A_EXIT_REASON] = { "exit_reason", EXIT_REASON },
	[VMSHARE_A_WAITS] = { "waits", U64 },
	[VMSHARE_A_WAKEUPS] = { "wakeups", U64 },
	[VMSHARE_A_WAIT_NS] = { "wait_ns", U64 },
	[VMSHARE_A_WAIT_HISTOGRAM] = { "wait_histogram", U64S },
	[VMSHARE_A_ENTRIES] = { "entries", U64 },
	[VMSHARE_A_IN_GUEST_NS] = { "in_guest_ns", U64 },
	[VMSHARE_A_BY_PID] = { "by_pid", U32 },
	[VMSHARE_A_COUNT] = { "count", U64 },
	[VMSHARE_A_IDLE_WAIT_NS] = { "idle_wait_ns", U64 },
	[VMSHARE_A_UNKNOWN_WAIT_NS] = { "unknown_wait_ns", U64 },
	[VMSHARE_A_BRIEF] = { "brief", U8 },
	[VMSHARE_A_IN_PROCESS] = { "in_process", U8 },
};

static const struct attr_type cap_types[VMSHARE_CAP_MAX + 1] = {
	[VMSHARE_CAP_NAME] = { "name", STRING },
	[VMSHARE_CAP_AVAILABLE] = { "available", U8 },
	[VMSHARE_CAP_REASON] = { "reason", STRING },
};

static const struct attr_type exit_types[VMSHARE_EXIT_MAX + 1] = {
	[VMSHARE_EXIT_NAME] = { "name", STRING },
	[VMSHARE_EXIT_COUNT] = { "count", U64 },
};

/* What may come more than once in a message, and the name of all of them. */
static const struct {
	int type;
	const char *name;
} repeated[] = {
	{ VMSHARE_A_CAPABILITY, "capabilities" },
	{ VMSHARE_A_EXIT_REASON, "exit_reasons" },
};

static const char *const commands[VMSHARE_CMD_MAX + 1] = {
	[VMSHARE_CMD_INFO] = "info",
	[VMSHARE_CMD_HOST] = "host",
	[VMSHARE_CMD_VM] = "vm",
	[VMSHARE_CMD_VCPU] = "vcpu",
	[VMSHARE_CMD_SET] = "set",
	[VMSHARE_CMD_VM_APPEARED] = "vm_appeared",
	[VMSHARE_CMD_VM_GONE] = "vm_gone",
	[VMSHARE_CMD_TRACK] = "track",
	[VMSHARE_CMD_CPU] = "cpu",
	[VMSHARE_CMD_THREAD] = "thread",
	[VMSHARE_CMD_PREEMPTION] = "preemption",
};

static void print_text(const char *text, size_t size)
{
	putchar('"');
	for (size_t i = 0; i < size && text[i]; i++) {
		unsigned char c = text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void print_string(const char *text)
{
	print_text(text, strlen(text));
}

static void print_pids(const struct nlattr *attr)
{
	int nr = nla_len(attr) / 4;

	putchar('[');
	for (int i = 0; i < nr; i++) {
		uint32_t pid;

		memcpy(&pid, (char *)nla_data(attr) + 4 * i, sizeof(pid));
		printf("%s%u", i ? "," : "", pid);
	}
	putchar(']');
}

static void print_u64s(const struct nlattr *attr)
{
	int nr = nla_len(attr) / 8;

	putchar('[');
	for (int i = 0; i < nr; i++) {
		uint64_t value;

		memcpy(&value, (char *)nla_data(attr) + 8 * i, sizeof(value));
		printf("%s%" PRIu64, i ? "," : "", value);
	}
	putchar(']');
}

static bool has_right_size(const struct nlattr *attr, enum kind kind)
{
	static const int sizes[] = { [U8] = 1, [U32] = 4, [U64] = 8 };
	int size = nla_len(attr);

	switch (kind) {
	case STRING:
		return size && !((char *)nla_data(attr))[size - 1];
	case PIDS:
		return size && size % 4 == 0;
	case U64S:
		return size && size % 8 == 0;
	case CAPABILITY:
	case EXIT_REASON:
		return true;
	default:
		return size == sizes[kind];
	}
}

static void print_nest(const struct nlattr *nest, const struct attr_type *table, int max);

static void print_value(struct nlattr *attr, enum kind kind)
{
	switch (kind) {
	case U8:
		printf("%u", nla_get_u8(attr));
		break;
	case U32:
		printf("%u", nla_get_u32(attr));
		break;
	case U64:
		printf("%" PRIu64, nla_get_u64(attr));
		break;
	case STRING:
		print_text(nla_data(attr), nla_len(attr));
		break;
	case PIDS:
		print_pids(attr);
		break;
	case U64S:
		print_u64s(attr);
		break;
	case CAPABILITY:
		print_nest(attr, cap_types, VMSHARE_CAP_MAX);
		break;
	case EXIT_REASON:
		print_nest(attr, exit_types, VMSHARE_EXIT_MAX);
		break;
	}
}

static void print_attr(struct nlattr *attr, const struct attr_type *table, int max)
{
	const struct attr_type *type = nla_type(attr) <= max ? &table[nla_type(attr)] : NULL;

	if (!type || !type->name) {
		printf("\"unknown_%d\":%d", nla_type(attr), nla_len(attr));
	} else if (!has_right_size(attr, type->kind)) {
		printf("\"malformed_%s\":%d", type->name, nla_len(attr));
	} else {
		printf("\"%s\":", type->name);
		print_value(attr, type->kind);
	}
}

static void print_nest(const struct nlattr *nest, const struct attr_type *table, int max)
{
	const char *separator = "";
	struct nlattr *attr;
	int left;

	putchar('{');
	nla_for_each_nested(attr, (struct nlattr *)nest, left) {
		if (nla_type(attr) == VMSHARE_EXIT_PAD && table == exit_types)
			continue;
		fputs(separator, stdout);
		print_attr(attr, table, max);
		separator = ",";
	}
	putchar('}');
}

static bool is_repeated(const struct nlattr *attr)
{
	for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++)
		if (nla_type(attr) == repeated[i].type)
			return true;
	return false;
}

static void print_attrs(const struct nlattr *head, int size)
{
	struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, (struct nlattr *)head, size, left) {
		if (is_repeated(attr) || nla_type(attr) == VMSHARE_A_PAD)
			continue;
		putchar(',');
		print_attr(attr, types, VMSHARE_A_MAX);
	}
}

/* Attributes that come more than once are printed as one array, if there is any. */
static void print_all_of(const struct nlattr *head, int size, int type, const char *name)
{
	const char *separator = "";
	struct nlattr *attr;
	int left;

	if (!nla_find((struct nlattr *)head, size, type))
		return;
	printf(",\"%s\":[", name);
	nla_for_each_attr(attr, (struct nlattr *)head, size, left) {
		if (nla_type(attr) != type)
			continue;
		fputs(separator, stdout);
		print_value(attr, types[type].kind);
		separator = ",";
	}
	putchar(']');
}

void print_message(const struct nlmsghdr *message, void *unused)
{
	const struct genlmsghdr *header = nlmsg_data(message);
	const struct nlattr *head = genlmsg_attrdata(header, 0);
	int size = genlmsg_attrlen(header, 0);
	const char *command = header->cmd <= VMSHARE_CMD_MAX ? commands[header->cmd] : NULL;

	(void)unused;
	printf("{\"cmd\":\"%s\"", command ? command : "unknown");
	print_attrs(head, size);
	for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++)
		print_all_of(head, size, repeated[i].type, repeated[i].name);
	printf("}\n");
	fflush(stdout);
}

void print_answer(const struct answer *answer)
{
	const char *name = strerrorname_np(answer->error);

	printf("\"errno\":%d,\"error\":\"%s\",\"extack\":", answer->error,
	       answer->error && name ? name : "");
	print_string(answer->text);
	if (answer->offset >= 0)
		printf(",\"offset\":%ld", answer->offset);
	printf(",\"messages\":%lu,\"interrupted\":%s,\"silent\":%s", answer->messages,
	       answer->interrupted ? "true" : "false", answer->silent ? "true" : "false");
	if (answer->fastest_ns)
		printf(",\"fastest_ns\":%" PRIu64, answer->fastest_ns);
}

bool print_end(const struct answer *answer)
{
	printf("{\"end\":true,");
	print_answer(answer);
	printf("}\n");
	fflush(stdout);
	return answer->error || answer->silent;
}

void print_errors(const unsigned long errors[MAX_ERRNO])
{
	const char *separator = "";

	for (int i = 1; i < MAX_ERRNO; i++) {
		const char *name = strerrorname_np(i);

		if (!errors[i])
			continue;
		printf("%s\"%s\":%lu", separator, name ? name : "?", errors[i]);
		separator = ",";
	}
}
