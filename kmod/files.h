/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_FILES_H
#define _VMSHARE_FILES_H

#include <linux/fs.h>
#include <linux/sched.h>

/*
 * Called under the lock of the file table, which spins: the file cannot be
 * closed. Return: 0 to go on, or a positive number to stop.
 */
typedef int (*vmshare_see_file_t)(const void *data, struct file *file,
				  unsigned int fd);

/**
 * vmshare_files_each() - call a function for each open file of a process
 * @leader: its first thread, which may have ended; referenced by the caller
 * @from: the descriptor to begin with
 * @see: the function
 * @data: handed to it
 *
 * Sleeps: the lock is let go from time to time, for a process may have a
 * million files open. What is opened, closed or moved meanwhile may be met or
 * not.
 *
 * Return: 0 at the end, or what the function stopped with.
 */
int vmshare_files_each(struct task_struct *leader, unsigned int from,
		       vmshare_see_file_t see, const void *data);

#endif
