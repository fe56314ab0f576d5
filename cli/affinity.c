// SPDX-License-Identifier: GPL-2.0
/*
 * Pinning by threads, not by cpuset.cpus: the kernel refuses to make that empty again
 * while the cgroup has processes, so it could not be put back as it was found. All paths
 * of /proc are the host's own, whose threads these are.
 */
#include "affinity.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpumask.h"
#include "files.h"
#include "procvm.h"

#define FILE_MAX (64ul << 10)
#define PROCS_MAX (4ul << 20)
#define PASSES_MAX 50
#define PAUSE_NS 1000000		/* longer than it takes the kernel to start a thread */
#define PF_NO_SETAFFINITY 0x04000000	/* include/linux/sched.h */

/* One pass over all threads. */
struct pass {
	struct cpumask allowed;		/* by the cgroup */
	struct cpumask ours[2];
	const char *lists[2];
	size_t n_ours;
	size_t threads;			/* that were seen */

	/* reading */
	const char *seen;		/* one of the lists; NULL: no thread has any */
	char chosen[200];		/* by somebody else, for the first such thread; "": for none */

	/* writing */
	const char *cpus;
	struct cpumask wanted;
	bool again;			/* it is not the first pass */
	size_t set;
	int error;			/* of the first that refused, which err has */
	struct error *err;
};

struct task {
	uint32_t pid, tid;
	bool elsewhere;			/* not in the cgroup, so what it is allowed is not known */
	struct cpumask cpus;
};

/* What holds in a cgroup without the controller is what the next one above has. */
static bool read_allowed(const char *dir, struct cpumask *allowed)
{
	char path[PATH_MAX], *text = NULL, *slash;
	size_t len;
	bool good;

	snprintf(path, sizeof(path), "%s", dir);
	while (*path && !(text = files_read(path, "/cpuset.cpus.effective", FILE_MAX, &len))) {
		slash = strrchr(path, '/');
		*(slash ? slash : path) = '\0';
	}
	if (!text)
		text = files_read("", "/sys/devices/system/cpu/online", FILE_MAX, &len);
	good = text && cpumask_parse(allowed, text);
	free(text);
	return good;
}

/* CPUs that are off-line, or not allowed, are not among those that the kernel tells. */
static bool has(const struct pass *pass, const struct task *thread, const struct cpumask *list)
{
	struct cpumask left;

	if (thread->elsewhere)
		return cpumask_has_all(list, &thread->cpus);
	cpumask_and(&left, list, &pass->allowed);
	return !cpumask_is_empty(&left) && cpumask_equal(&left, &thread->cpus);
}

/* The list of ours that it has, or NULL. */
static const char *find_ours(const struct pass *pass, const struct task *thread)
{
	size_t i;

	for (i = 0; i < pass->n_ours; i++) {
		if (has(pass, thread, &pass->ours[i]))
			return pass->lists[i];
	}
	return NULL;
}

static bool is_free(const struct pass *pass, const struct task *thread)
{
	return thread->elsewhere || cpumask_has_all(&thread->cpus, &pass->allowed);
}

/* The kernel itself places some threads, as io_uring's workers, and lets nobody do it. */
static bool is_kernels(const struct task *thread)
{
	char path[64], *text, *fields;
	unsigned int flags = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/stat", thread->pid,
		 thread->tid);
	text = files_read("", path, FILE_MAX, &len);
	fields = text ? strrchr(text, ')') : NULL;
	if (fields && sscanf(fields + 1, " %*c %*s %*s %*s %*s %*s %u", &flags) != 1)
		flags = 0;
	free(text);
	return flags & PF_NO_SETAFFINITY;
}

static void read_thread(struct pass *pass, const struct task *thread)
{
	const char *list = find_ours(pass, thread);
	char cpus[160];

	if (list || is_free(pass, thread)) {
		pass->seen = pass->seen ? pass->seen : list;
		return;
	}
	if (pass->chosen[0] || is_kernels(thread))
		return;
	cpumask_print(&thread->cpus, cpus, sizeof(cpus));
	snprintf(pass->chosen, sizeof(pass->chosen), "%s (thread %" PRIu32 ")", cpus, thread->tid);
}

/* If ours are all that is allowed, one that was made free looks the same as before. */
static bool is_due(const struct pass *pass, const struct task *thread)
{
	if (!*pass->cpus)
		return find_ours(pass, thread) && !(pass->again && is_free(pass, thread));
	return !thread->elsewhere && !has(pass, thread, &pass->wanted) &&
	       (is_free(pass, thread) || find_ours(pass, thread));
}

static void note_refusal(struct pass *pass, const struct task *thread, int error)
{
	if (pass->error)
		return;
	pass->error = error;
	error_set(pass->err, error == EPERM ? EXIT_PERMISSION : EXIT_RUNTIME,
		  "thread %" PRIu32 " of process %" PRIu32 " cannot be given %s%s: %s%s", thread->tid,
		  thread->pid, *pass->cpus ? "CPUs " : "all CPUs", pass->cpus, strerror(error),
		  error == EPERM ? "; run this as root" : "");
}

static void write_thread(struct pass *pass, const struct task *thread)
{
	if (!is_due(pass, thread))
		return;
	if (!sched_setaffinity((pid_t)thread->tid, sizeof(pass->wanted),
			       (const cpu_set_t *)&pass->wanted))
		pass->set++;
	else if (errno != ESRCH && !is_kernels(thread))
		note_refusal(pass, thread, errno);
}

/* One that has ended meanwhile is none. */
static void visit_thread(struct pass *pass, struct task *thread)
{
	if (sched_getaffinity((pid_t)thread->tid, sizeof(thread->cpus), (cpu_set_t *)&thread->cpus))
		return;
	/* the VM is elsewhere: only what is left of ours is our business */
	if (thread->elsewhere && !find_ours(pass, thread))
		return;
	pass->threads++;
	if (pass->cpus)
		write_thread(pass, thread);
	else
		read_thread(pass, thread);
}

static void visit_process(struct pass *pass, uint32_t pid, bool elsewhere)
{
	struct task thread = { .pid = pid, .elsewhere = elsewhere };
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		thread.tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		if (thread.tid)
			visit_thread(pass, &thread);
	}
	if (dir)
		closedir(dir);
}

static bool is_alive(const struct affinity *affinity)
{
	uint64_t start_time_ns;

	return procvm_start_time(affinity->pid, "", &start_time_ns) &&
	       start_time_ns == affinity->start_time_ns;
}

static void visit_all(struct pass *pass, const struct affinity *affinity)
{
	char *text, *at, *end;
	bool moved = true;
	size_t len;

	pass->threads = pass->set = 0;
	text = files_read(affinity->dir, "/cgroup.procs", PROCS_MAX, &len);
	for (at = text; at && *at; at = end + (*end == '\n')) {
		uint32_t pid = (uint32_t)strtoul(at, &end, 10);

		if (end == at)
			break;
		moved &= pid != affinity->pid;
		if (pid)
			visit_process(pass, pid, false);
	}
	free(text);
	if (moved && is_alive(affinity))
		visit_process(pass, affinity->pid, true);
}

static int begin(struct pass *pass, const struct affinity *affinity, struct error *err)
{
	size_t i;

	memset(pass, 0, sizeof(*pass));
	pass->err = err;
	if (!read_allowed(affinity->dir, &pass->allowed))
		return error_set(err, EXIT_RUNTIME, "cannot read which CPUs %s may use", affinity->dir);
	for (i = 0; i < 2; i++) {
		pass->lists[pass->n_ours] = affinity->ours[i];
		if (affinity->ours[i] && cpumask_parse(&pass->ours[pass->n_ours], affinity->ours[i]))
			pass->n_ours++;
	}
	return 0;
}

static int no_threads(const struct affinity *affinity, struct error *err)
{
	error_set(err, EXIT_RUNTIME, "%s has no threads", affinity->dir);
	return -ENOENT;
}

int affinity_read(const struct affinity *affinity, char *value, size_t size, struct error *err)
{
	struct pass pass;

	if (begin(&pass, affinity, err))
		return -1;
	visit_all(&pass, affinity);
	if (!pass.threads)
		return no_threads(affinity, err);
	snprintf(value, size, "%s", pass.seen ? pass.seen : pass.chosen);
	return 0;
}

/*
 * A thread has the CPUs of the one that starts it as they were when that began, and shows
 * up a moment later: so there is nothing left to do only if that is so twice, with a
 * pause in between.
 */
static int write_until_quiet(struct pass *pass, const struct affinity *affinity)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	size_t passes, quiet = 0;
	bool any = false;

	for (passes = 0; passes < PASSES_MAX && quiet < 2; passes++) {
		pass->again = passes;
		visit_all(pass, affinity);
		any |= pass->threads != 0;
		quiet = pass->set ? 0 : quiet + 1;
		if (quiet == 1)
			nanosleep(&pause, NULL);
	}
	if (!any)
		return no_threads(affinity, pass->err);
	if (quiet < 2 && !pass->error)
		return error_set(pass->err, EXIT_RUNTIME,
				 "threads of %s have other CPUs again and again", affinity->dir);
	return pass->error ? -1 : 0;
}

int affinity_write(const struct affinity *affinity, const char *cpus, struct error *err)
{
	struct pass pass;

	if (begin(&pass, affinity, err))
		return -1;
	pass.cpus = cpus;
	/* all that a kernel may ever have: CPUs that are added later are among them */
	if (!*cpus)
		cpumask_fill(&pass.wanted);
	else if (!cpumask_parse(&pass.wanted, cpus))
		return error_set(err, EXIT_RUNTIME, "%s is no list of CPUs", cpus);
	return write_until_quiet(&pass, affinity);
}

bool affinity_is_chosen(const char *dir)
{
	size_t len;
	char *text = files_read(dir, "/cpuset.cpus", FILE_MAX, &len);
	bool chosen = text && *text && *text != '\n';

	free(text);
	return chosen;
}

bool affinity_is_allowed(const char *dir, const char *cpus)
{
	struct cpumask allowed, list;

	if (!read_allowed(dir, &allowed) || !cpumask_parse(&list, cpus))
		return false;
	cpumask_and(&list, &list, &allowed);
	return !cpumask_is_empty(&list);
}
