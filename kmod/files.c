// SPDX-License-Identifier: GPL-2.0
/*
 * The open files of a process, some at a time.
 *
 * Locks: the alloc_lock of a thread, which keeps its file table, and inside of it
 * the table's file_lock, which keeps the files open. Nobody can be preempted
 * who holds them, and the process waits that opens or closes a file.
 */
#include <linux/fdtable.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "files.h"

/* In one hold of the locks: some 10 us each. */
#define FILES_AT_ONCE	256
#define SLOTS_AT_ONCE	8192	/* of the table, free ones as well */

/* How far a look has come. */
struct progress {
	vmshare_see_file_t see;
	const void *data;
	unsigned int next;	/* descriptor */
	bool more;
};

/* Return: what see() stopped with, or 0. */
static int see_some(struct files_struct *files, struct progress *p)
{
	u32 files_left = FILES_AT_ONCE, slots_left = SLOTS_AT_ONCE;
	struct fdtable *fdt;
	int stopped = 0;

	spin_lock(&files->file_lock);
	fdt = files_fdtable(files);
	for (; p->next < fdt->max_fds && files_left && slots_left; p->next++) {
		struct file *file = rcu_dereference_protected(fdt->fd[p->next],
					lockdep_is_held(&files->file_lock));

		slots_left--;
		if (!file)
			continue;
		files_left--;
		stopped = p->see(p->data, file, p->next);
		if (stopped)
			break;
	}
	p->more = !stopped && p->next < fdt->max_fds;
	spin_unlock(&files->file_lock);
	return stopped;
}

/*
 * By any thread that has not ended: the first one may have, and the others go on.
 * A function of its own for bench/preemptoff, which times what the locks are held for.
 */
static noinline int see_some_of_process(struct task_struct *leader, struct progress *p)
{
	struct task_struct *t;
	int stopped = 0;

	p->more = false;
	rcu_read_lock();
	for_each_thread(leader, t) {
		bool found;

		task_lock(t);
		found = t->files;
		if (found)
			stopped = see_some(t->files, p);
		task_unlock(t);
		if (found)
			break;
	}
	rcu_read_unlock();
	return stopped;
}

int vmshare_files_each(struct task_struct *leader, unsigned int from,
		       vmshare_see_file_t see, const void *data)
{
	struct progress progress = { .see = see, .data = data, .next = from };
	int stopped;

	for (;;) {
		stopped = see_some_of_process(leader, &progress);
		if (!progress.more)
			return stopped;
		cond_resched();
	}
}
