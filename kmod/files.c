// SPDX-License-Identifier: GPL-2.0
/*
 * The open files of a process, a few at a time.
 *
 * Locks: the task's alloc_lock, which keeps its file table, and inside of it
 * the table's file_lock, which keeps the files open. Nobody can be preempted
 * who holds them, and the process waits that opens or closes a file.
 */
#include <linux/fdtable.h>
#include <linux/sched/task.h>

#include "files.h"

#define FILES_AT_ONCE	256	/* some 10 us */

/* What one hold of the locks may still see. */
struct turn {
	vmshare_see_file_t see;
	const void *data;
	unsigned int next;	/* descriptor */
	u32 left;
};

static int see_in_turn(const void *data, struct file *file, unsigned int fd)
{
	struct turn *turn = (struct turn *)data;
	int stopped = turn->see(turn->data, file, fd);

	if (stopped)
		return stopped;
	turn->next = fd + 1;
	return !--turn->left;
}

int vmshare_files_each(struct task_struct *task, unsigned int from,
		       vmshare_see_file_t see, const void *data)
{
	struct turn turn = { .see = see, .data = data, .next = from };
	int stopped;

	for (;;) {
		turn.left = FILES_AT_ONCE;
		stopped = 0;
		task_lock(task);
		if (task->files)
			stopped = iterate_fd(task->files, turn.next,
					     see_in_turn, &turn);
		task_unlock(task);
		if (turn.left)
			return stopped;
		cond_resched();
	}
}
