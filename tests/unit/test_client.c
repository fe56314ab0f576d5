// SPDX-License-Identifier: GPL-2.0
/*
 * The client against a kernel that lives in this file: it answers requests with
 * bytes put together here, and can lose a snapshot, be interrupted, or refuse.
 */
#include "test.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vmshare.h>
#include <string.h>

#include "bytes.h"
#include "client.h"
#include "nl.h"

#define FAMILY 29

/* What goes wrong, and how often. */
struct kernel {
	int family_error;
	int host_error;
	const char *extack;
	unsigned int stale;		/* so many VM dumps find their snapshot gone */
	unsigned int interrupted;	/* so many SET dumps are */
	unsigned int echoes;		/* answers to an earlier request come first */
	bool cut;			/* the VM dump's bytes end too soon */
	bool endless;			/* its first message says that it has 4 GiB */
	void (*instead)(struct bytes *out, uint32_t seq);	/* of the SET dump: these messages */
	bool nameless;			/* there is no message of the host's, */
	bool numberless;		/* and no number in the family's */
	int send_error, recv_error;
	unsigned int signals;		/* so many come while it is waited for an answer */
	bool closed;			/* nothing can come any more */

	unsigned int hosts;		/* requests seen */
	unsigned int with_engine;
	unsigned int dumps;		/* of CPU, of which so many are interrupted */
	unsigned int cpu_interrupted;
	bool twice;			/* each thread comes twice */
	uint32_t hooks;			/* asked for last */
	uint32_t abi;			/* 0: INFO does not say */
	unsigned int infos, briefly;	/* requests of INFO, and of CPU with BRIEF */
	struct bytes answer;
};

static size_t begin(struct bytes *out, uint16_t type, uint16_t flags, uint32_t seq)
{
	struct nlmsghdr head = { .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = seq };
	size_t at = out->len;

	memcpy(out->data + at, &head, sizeof(head));
	out->len += sizeof(head);
	return at;
}

static void end(struct bytes *out, size_t at)
{
	uint32_t len = (uint32_t)(out->len - at);

	memcpy(out->data + at, &len, sizeof(len));
}

static void put(struct bytes *out, const void *data, size_t len)
{
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static void row_of(struct bytes *out, uint8_t cmd, uint32_t seq, uint16_t flags,
		   const struct bytes *attrs)
{
	struct genlmsghdr head = { .cmd = cmd, .version = 1 };
	size_t at = begin(out, FAMILY, flags, seq);

	put(out, &head, sizeof(head));
	put(out, attrs->data, attrs->len);
	end(out, at);
}

static void row(struct bytes *out, uint32_t seq, uint16_t flags, const struct bytes *attrs)
{
	row_of(out, 1, seq, flags, attrs);
}

static void acknowledge(struct bytes *out, uint32_t seq, int error, const char *extack)
{
	struct nlmsgerr body = { .error = -error };
	size_t at = begin(out, NLMSG_ERROR, NLM_F_CAPPED | (extack ? NLM_F_ACK_TLVS : 0), seq);

	put(out, &body, sizeof(body));
	if (extack)
		put_text(out, NLMSGERR_ATTR_MSG, extack);
	end(out, at);
}

static void done(struct bytes *out, uint32_t seq, int error, const char *extack)
{
	int number = -error;
	size_t at = begin(out, NLMSG_DONE, NLM_F_MULTI | (extack ? NLM_F_ACK_TLVS : 0), seq);

	put(out, &number, sizeof(number));
	if (extack)
		put_text(out, NLMSGERR_ATTR_MSG, extack);
	end(out, at);
}

static void answer_family(struct kernel *kernel, uint32_t seq)
{
	struct bytes attrs = {};
	uint16_t id = FAMILY;

	if (!kernel->family_error) {
		if (kernel->numberless)
			id = 0;
		put_attr(&attrs, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
		row(&kernel->answer, seq, 0, &attrs);
	}
	acknowledge(&kernel->answer, seq, kernel->family_error, NULL);
}

static void answer_host(struct kernel *kernel, uint32_t seq)
{
	struct bytes attrs = {};

	kernel->hosts++;
	if (!kernel->host_error && !kernel->nameless) {
		put_u64(&attrs, VMSHARE_A_GENERATION, 100 + kernel->hosts);
		put_u32(&attrs, VMSHARE_A_ENGINE, VMSHARE_ENGINE_TREE);
		row(&kernel->answer, seq, 0, &attrs);
	}
	acknowledge(&kernel->answer, seq, kernel->host_error, kernel->extack);
}

static void answer_vms(struct kernel *kernel, uint32_t seq)
{
	struct bytes attrs;
	uint32_t pid;

	if (kernel->stale) {
		kernel->stale--;
		done(&kernel->answer, seq, ESTALE, "this snapshot is no longer kept");
		return;
	}
	for (pid = 10; pid <= 20; pid += 10) {
		attrs.len = 0;
		put_u32(&attrs, VMSHARE_A_PID, pid);
		put_u64(&attrs, VMSHARE_A_ANON_BYTES, 4096 * pid);
		row(&kernel->answer, seq, NLM_F_MULTI, &attrs);
	}
	done(&kernel->answer, seq, 0, NULL);
	if (kernel->cut)
		kernel->answer.len -= 30;
	if (kernel->endless)
		memset(kernel->answer.data, 0xff, sizeof(uint32_t));
}

static void answer_vcpus(struct kernel *kernel, uint32_t seq)
{
	struct bytes attrs = {};

	put_u32(&attrs, VMSHARE_A_PID, 20);
	put_u32(&attrs, VMSHARE_A_VCPU_ID, 0);
	row(&kernel->answer, seq, NLM_F_MULTI, &attrs);
	done(&kernel->answer, seq, 0, NULL);
}

static void answer_sets(struct kernel *kernel, uint32_t seq)
{
	uint32_t pids[] = { 10, 20 };
	struct bytes attrs = {};
	uint16_t flags = NLM_F_MULTI;

	if (kernel->instead) {
		kernel->instead(&kernel->answer, seq);
		return;
	}
	if (kernel->interrupted) {
		kernel->interrupted--;
		flags |= NLM_F_DUMP_INTR;
	}
	put_attr(&attrs, VMSHARE_A_MEMBERS, pids, sizeof(pids));
	put_u8(&attrs, VMSHARE_A_OUTSIDE, 0);
	put_u64(&attrs, VMSHARE_A_FRAMES_BYTES, 4096);
	row(&kernel->answer, seq, flags, &attrs);
	done(&kernel->answer, seq, 0, NULL);
}

static void put_thread(struct kernel *kernel, uint32_t seq, uint32_t tid)
{
	struct bytes attrs = {};

	put_u32(&attrs, VMSHARE_A_PID, 10);
	put_u32(&attrs, VMSHARE_A_TID, tid);
	put_u32(&attrs, VMSHARE_A_THREAD_KIND, VMSHARE_THREAD_VMM);
	row_of(&kernel->answer, VMSHARE_CMD_THREAD, seq, NLM_F_MULTI, &attrs);
}

static void answer_cpu(struct kernel *kernel, uint32_t seq)
{
	struct bytes attrs = {};
	uint16_t flags = NLM_F_MULTI;

	kernel->dumps++;
	if (kernel->cpu_interrupted) {
		kernel->cpu_interrupted--;
		flags |= NLM_F_DUMP_INTR;
	}
	put_u32(&attrs, VMSHARE_A_HOOKS, kernel->hooks);
	row_of(&kernel->answer, VMSHARE_CMD_CPU, seq, flags, &attrs);
	put_thread(kernel, seq, 12);
	put_thread(kernel, seq, kernel->twice ? 12 : 11);
	attrs.len = 0;
	put_u32(&attrs, VMSHARE_A_PID, 10);
	put_u32(&attrs, VMSHARE_A_BY_PID, 20);
	put_u64(&attrs, VMSHARE_A_COUNT, 1);
	put_u64(&attrs, VMSHARE_A_WAIT_NS, 2);
	row_of(&kernel->answer, VMSHARE_CMD_PREEMPTION, seq, NLM_F_MULTI, &attrs);
	attrs.len = 0;
	row_of(&kernel->answer, 200, seq, NLM_F_MULTI, &attrs);
	done(&kernel->answer, seq, 0, NULL);
}

static void answer_track(struct kernel *kernel, const uint8_t *request, uint32_t seq)
{
	memcpy(&kernel->hooks, request + sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr) + 4,
	       sizeof(kernel->hooks));
	acknowledge(&kernel->answer, seq, kernel->host_error, kernel->extack);
}

static void answer_info(struct kernel *kernel, uint32_t seq)
{
	struct bytes attrs = {};

	kernel->infos++;
	if (kernel->abi)
		put_u32(&attrs, VMSHARE_A_ABI, kernel->abi);
	row_of(&kernel->answer, VMSHARE_CMD_INFO, seq, 0, &attrs);
	acknowledge(&kernel->answer, seq, 0, NULL);
}

static bool has_attr(const uint8_t *request, size_t len, uint16_t type)
{
	size_t at = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr);
	uint16_t head[2];

	for (; at + 4 <= len; at += (head[0] + 3u) / 4 * 4) {
		memcpy(head, request + at, sizeof(head));
		if (head[1] == type)
			return true;
		if (head[0] < 4)
			break;
	}
	return false;
}

static ssize_t kernel_send(void *priv, const void *bytes, size_t len)
{
	struct kernel *kernel = priv;
	struct genlmsghdr generic;
	struct nlmsghdr head;

	if (kernel->send_error) {
		errno = kernel->send_error;
		return -1;
	}
	memcpy(&head, bytes, sizeof(head));
	memcpy(&generic, (const uint8_t *)bytes + sizeof(head), sizeof(generic));
	kernel->answer.len = 0;
	if (kernel->echoes) {
		kernel->echoes--;
		done(&kernel->answer, head.nlmsg_seq - 1, EIO, NULL);
	}
	if (head.nlmsg_type == GENL_ID_CTRL)
		answer_family(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_HOST)
		answer_host(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_VM)
		answer_vms(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_VCPU)
		answer_vcpus(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_SET)
		answer_sets(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_INFO)
		answer_info(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_CPU)
		answer_cpu(kernel, head.nlmsg_seq);
	else if (generic.cmd == VMSHARE_CMD_TRACK)
		answer_track(kernel, bytes, head.nlmsg_seq);
	if (generic.cmd == VMSHARE_CMD_HOST && has_attr(bytes, len, VMSHARE_A_ENGINE))
		kernel->with_engine++;
	if (generic.cmd == VMSHARE_CMD_CPU && has_attr(bytes, len, VMSHARE_A_BRIEF))
		kernel->briefly++;
	return (ssize_t)len;
}

static ssize_t kernel_recv(void *priv, void *bytes, size_t len)
{
	struct kernel *kernel = priv;
	size_t got = kernel->answer.len;

	if (kernel->closed)
		return 0;
	if (kernel->signals) {
		kernel->signals--;
		errno = EINTR;
		return -1;
	}
	if (kernel->recv_error || !got || got > len) {
		errno = kernel->recv_error ? kernel->recv_error : EAGAIN;
		return -1;
	}
	memcpy(bytes, kernel->answer.data, got);
	kernel->answer.len = 0;
	return (ssize_t)got;
}

/* One snapshot with all parts from that kernel. */
static int take(struct kernel *kernel, enum engine engine, struct snapshot *snap,
		struct error *err)
{
	struct client_request request = { .engine = engine, .vcpus = true, .sets = true };
	struct nl_io io = { kernel_send, kernel_recv, kernel };
	struct client *client;
	int ret;

	if (client_open(&client, &io, err))
		return -1;
	ret = client_snapshot(client, &request, snap, err);
	client_close(client);
	return ret;
}

static void refused(struct kernel kernel, enum exit_code code, const char *text,
		    const char *name)
{
	struct snapshot snap;
	struct error err;

	ok(take(&kernel, ENGINE_UNKNOWN, &snap, &err) && err.code == code, "%s: exit code %d",
	   name, code);
	has_text(err.message, text, "%s: message", name);
}

static void taken(struct kernel kernel, unsigned int hosts, const char *name)
{
	struct snapshot snap;
	struct error err = {};

	if (!ok(!take(&kernel, ENGINE_UNKNOWN, &snap, &err), "%s: %s", name,
		*err.message ? err.message : "taken"))
		return;
	ok(snap.n_vms == 2 && snap.n_sets == 1 && snap.vms[1].n_vcpus == 1 && snap.sets_known &&
	   snap.vms[0].vcpus_known, "%s: all of it, and once", name);
	is_number(snap.host.value[HOST_GENERATION], 100 + hosts, "%s: the last generation", name);
	is_number(kernel.hosts, hosts, "%s: number of tries", name);
	snapshot_free(&snap);
}

static void test_engine(void)
{
	struct kernel kernel = {};
	struct snapshot snap;
	struct error err;

	ok(!take(&kernel, ENGINE_UNKNOWN, &snap, &err) && !kernel.with_engine,
	   "auto leaves the engine to the module");
	snapshot_free(&snap);
	ok(!take(&kernel, ENGINE_PAGES, &snap, &err) && kernel.with_engine == 1,
	   "a chosen engine is asked for");
	snapshot_free(&snap);
}

static int track_and_take(struct kernel *kernel, struct cpu *cpu, struct error *err)
{
	struct nl_io io = { kernel_send, kernel_recv, kernel };
	struct client *client;
	int ret;

	if (client_open(&client, &io, err))
		return -1;
	ret = client_track(client, VMSHARE_HOOK_SCHED | VMSHARE_HOOK_KVM, err);
	if (!ret)
		ret = client_cpu(client, 0, cpu, err);
	client_close(client);
	return ret;
}

static void test_cpu_dump(void)
{
	struct kernel kernel = { .cpu_interrupted = 2 };
	struct error err = {};
	struct cpu cpu = {};

	if (!ok(!track_and_take(&kernel, &cpu, &err), "threads after a dump that was interrupted"))
		return;
	is_number(kernel.dumps, 3, "tried until one was not");
	ok(cpu.hooks == 3 && cpu.n_threads == 2 && cpu.threads[0].tid == 11 &&
	   cpu.n_preemptions == 1 && cpu.preemptions[0].by == 20 && cpu.taken_ns,
	   "all of it, in order, and rows of another kind skipped");
	cpu_free(&cpu);

	kernel = (struct kernel){ .cpu_interrupted = 99 };
	is_number((uint64_t)-track_and_take(&kernel, &cpu, &err), EAGAIN, "but not for ever");
	kernel = (struct kernel){ .twice = true };
	ok(track_and_take(&kernel, &cpu, &err) && strstr(err.message, "malformed"),
	   "the same thread twice is refused");
	kernel = (struct kernel){ .host_error = EOPNOTSUPP, .extack = "no BTF" };
	is_number((uint64_t)-track_and_take(&kernel, &cpu, &err), EOPNOTSUPP, "no hooks here");
	ok(err.code == EXIT_SUPPORT && strstr(err.message, "no BTF"), "with the reason");
}

/* Asks twice. */
static int take_use(struct kernel *kernel, struct cpu *cpu, struct error *err)
{
	struct nl_io io = { kernel_send, kernel_recv, kernel };
	struct client *client;
	int ret;

	if (client_open(&client, &io, err))
		return -1;
	ret = client_cpu_use(client, cpu, err);
	if (!ret) {
		cpu_free(cpu);
		ret = client_cpu_use(client, cpu, err);
	}
	client_close(client);
	return ret;
}

static void test_brief(void)
{
	static const struct {
		uint32_t abi;
		uint64_t infos, briefly;
		const char *name;
	} modules[] = {
		{ 3, 1, 2, "a module that can be brief is asked to, and once whether it can" },
		{ 2, 1, 0, "an older one is not: it would refuse" },
		{ 0, 2, 0, "nor one that does not say how old it is" },
	};
	struct error err = {};
	struct cpu cpu = {};
	size_t i;

	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		struct kernel kernel = { .abi = modules[i].abi };

		if (!ok(!take_use(&kernel, &cpu, &err) && cpu.n_threads == 2, modules[i].name))
			continue;
		cpu_free(&cpu);
		is_number(kernel.infos, modules[i].infos, "asked for its age");
		is_number(kernel.briefly, modules[i].briefly, "asked to be brief");
	}
}

/* A message with that payload, and nothing more. */
static void plain(struct bytes *out, uint16_t type, uint16_t flags, uint32_t seq, const void *payload,
		  size_t len)
{
	size_t at = begin(out, type, flags, seq);

	put(out, payload, len);
	end(out, at);
}

static void short_error(struct bytes *out, uint32_t seq)
{
	plain(out, NLMSG_ERROR, 0, seq, "abcd", 4);
}

static void short_row(struct bytes *out, uint32_t seq)
{
	plain(out, FAMILY, NLM_F_MULTI, seq, "", 0);
}

/* What has no number is done without an error. */
static void short_done(struct bytes *out, uint32_t seq)
{
	plain(out, NLMSG_DONE, NLM_F_MULTI, seq, "", 0);
}

static void overrun(struct bytes *out, uint32_t seq)
{
	plain(out, NLMSG_OVERRUN, 0, seq, "", 0);
}

static void positive_error(struct bytes *out, uint32_t seq)
{
	done(out, seq, -7, NULL);
}

static void huge_error(struct bytes *out, uint32_t seq)
{
	done(out, seq, 4096, NULL);
}

/* What is no end comes first, and what is none of an answer. */
static void noop_first(struct bytes *out, uint32_t seq)
{
	plain(out, NLMSG_NOOP, NLM_F_MULTI, seq, "abcd", 4);
	done(out, seq, 0, NULL);
}

/* The whole request is in it, and what the module says of it behind: other things first. */
static void whole_error(struct bytes *out, uint32_t seq)
{
	struct nlmsgerr body = { .error = -EINVAL, .msg.nlmsg_len = sizeof(body.msg) + 5 };
	size_t at = begin(out, NLMSG_ERROR, NLM_F_ACK_TLVS, seq);

	put(out, &body, sizeof(body));
	put(out, "request", 8);
	put_u32(out, NLMSGERR_ATTR_OFFS, 20);
	put_text(out, NLMSGERR_ATTR_MSG, "bad age");
	end(out, at);
}

/* Its request is longer than the message that has it. */
static void lying_error(struct bytes *out, uint32_t seq)
{
	struct nlmsgerr body = { .error = -EINVAL, .msg.nlmsg_len = 0x7fffffff };

	plain(out, NLMSG_ERROR, NLM_F_ACK_TLVS, seq, &body, sizeof(body));
}

/* Words without their end are none. */
static void endless_words(struct bytes *out, uint32_t seq)
{
	struct nlmsgerr body = { .error = -EACCES };
	size_t at = begin(out, NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, seq);

	put(out, &body, sizeof(body));
	put_attr(out, NLMSGERR_ATTR_MSG, "abcd", 4);
	end(out, at);
}

/* Messages that are not as they should be, or not as they usually are. */
static void test_messages(void)
{
	struct kernel done_at_once = { .instead = short_done }, noop = { .instead = noop_first };
	struct snapshot snap;
	struct error err;

	refused((struct kernel){ .instead = short_error }, EXIT_RUNTIME, "cut short", "short error");
	refused((struct kernel){ .instead = short_row }, EXIT_RUNTIME, "cut short", "short row");
	refused((struct kernel){ .instead = overrun }, EXIT_RUNTIME, "came and went", "overrun");
	refused((struct kernel){ .instead = positive_error }, EXIT_RUNTIME, "Protocol error",
		"an error above 0");
	refused((struct kernel){ .instead = huge_error }, EXIT_RUNTIME, "Protocol error",
		"an error that is none");
	refused((struct kernel){ .instead = whole_error }, EXIT_RUNTIME, "bad age (Invalid argument)",
		"an error behind its request");
	refused((struct kernel){ .instead = lying_error }, EXIT_RUNTIME, "request: Invalid argument",
		"an error that lies about its request");
	refused((struct kernel){ .instead = endless_words }, EXIT_PERMISSION, "run it as root",
		"an error with words without end");
	ok(!take(&done_at_once, ENGINE_UNKNOWN, &snap, &err) && !snap.n_sets, "an end without a number");
	snapshot_free(&snap);
	ok(!take(&noop, ENGINE_UNKNOWN, &snap, &err) && !snap.n_sets, "nothing, and then the end");
	snapshot_free(&snap);
}

static void test_socket(void)
{
	taken((struct kernel){ .signals = 5 }, 1, "signals while it is waited");
	refused((struct kernel){ .closed = true }, EXIT_RUNTIME, "cut short", "a socket that is closed");
	refused((struct kernel){ .recv_error = ECONNRESET }, EXIT_RUNTIME, "cannot receive from the kernel",
		"an error of the socket");
	refused((struct kernel){ .send_error = EPERM }, EXIT_PERMISSION, "cannot send to the kernel",
		"sending is forbidden");
	refused((struct kernel){ .send_error = ENOBUFS }, EXIT_RUNTIME, "cannot send to the kernel",
		"sending fails");
}

void test_client(void)
{
	test_messages();
	test_socket();
	test_brief();
	test_cpu_dump();
	taken((struct kernel){}, 1, "snapshot");
	taken((struct kernel){ .stale = 2 }, 3, "stale twice");
	taken((struct kernel){ .interrupted = 1 }, 2, "interrupted once");
	taken((struct kernel){ .echoes = 3 }, 1, "answers to an earlier request");
	test_engine();

	refused((struct kernel){ .stale = 99 }, EXIT_RUNTIME, "no longer kept", "always stale");
	refused((struct kernel){ .interrupted = 99 }, EXIT_RUNTIME, "came and went",
		"always interrupted");
	refused((struct kernel){ .family_error = ENOENT }, EXIT_SUPPORT, "modprobe vmshare",
		"no module");
	refused((struct kernel){ .host_error = EPERM }, EXIT_PERMISSION, "run it as root",
		"no permission");
	refused((struct kernel){ .host_error = EOPNOTSUPP, .extack = "no KSM symbols" },
		EXIT_SUPPORT, "no KSM symbols", "no kernel support");
	refused((struct kernel){ .host_error = EACCES }, EXIT_PERMISSION, "run it as root", "forbidden");
	refused((struct kernel){ .host_error = EOPNOTSUPP }, EXIT_SUPPORT, "vmshare version shows",
		"no kernel support, without words");
	refused((struct kernel){ .host_error = ESTALE }, EXIT_RUNTIME, "; try again", "stale, without words");
	refused((struct kernel){ .nameless = true }, EXIT_RUNTIME, "named no snapshot", "no generation");
	refused((struct kernel){ .numberless = true }, EXIT_RUNTIME, "cut short", "no family");
	refused((struct kernel){ .host_error = EINVAL, .extack = "bad engine" }, EXIT_RUNTIME,
		"bad engine", "the module's own words");
	refused((struct kernel){ .cut = true }, EXIT_RUNTIME, "cut short", "cut answer");
	refused((struct kernel){ .endless = true }, EXIT_RUNTIME, "cut short", "endless message");
	refused((struct kernel){ .recv_error = EAGAIN }, EXIT_RUNTIME, "did not answer",
		"no answer");
	refused((struct kernel){ .recv_error = ENOBUFS }, EXIT_RUNTIME, "try again",
		"lost messages");
}
