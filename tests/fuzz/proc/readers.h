/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_READERS_H
#define FUZZ_READERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Each gives a text, which has a zero behind it and is also what every file has,
 * to those of the program's readers that it is for, and aborts if what they make
 * of it cannot be.
 */
#define NOWHERE "/nonexistent"		/* a root without directories: no look at this machine's */
#define PID 7

/* A process: process.c */
void read_cmdline(const char *text, size_t size);
void read_names(const char *text, size_t size);
void read_stat(const char *text, size_t size);
void read_smaps(const char *text, size_t size);
void read_owner(const char *text, size_t size);

/* Whose its limits are, and which: cgroup.c */
void read_cgroup(const char *text, size_t size);
void read_limits(const char *text, size_t size);
void read_managed(const char *text, size_t size);

/* The host: host.c */
void read_cpus(const char *text, size_t size);
void read_order(const char *text, size_t size);
void read_host(const char *text, size_t size);

#endif
