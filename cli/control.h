/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_CONTROL_H
#define VMSHARE_CONTROL_H

#include "error.h"

/*
 * The manager's directory: a lock, so that there is one manager; its journal;
 * and a socket that tells whoever connects how things are.
 */
#define CONTROL_DIR "/run/vmshare"
#define CONTROL_PATH 108		/* what the address of a socket can hold */

struct control {
	char journal[CONTROL_PATH];
	int lock_fd;
	int listen_fd;			/* -1 until control_listen() */
	char socket[CONTROL_PATH];
};

/*
 * Makes the directory and takes the lock; refused if another manager has it, or if
 * somebody else can write to the directory.
 */
int control_open(struct control *control, const char *dir, struct error *err);
int control_listen(struct control *control, struct error *err);

/* Gives the text to one that has connected. Never waits for it. */
void control_answer(const struct control *control, const char *text);

/* What the manager of that directory says, without a lock; the caller's. */
char *control_ask(const char *dir, struct error *err);

void control_close(struct control *control);

#endif
