/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says about frames: /proc/kpagecount and /proc/kpageflags.
 */
#ifndef ORACLE_KPAGE_H
#define ORACLE_KPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KPF_ANON (1ULL << 12)
#define KPF_KSM (1ULL << 21)
/* PG_mappedtodisk, which anonymous pages use as "exclusive" from 5.19 on. */
#define KPF_ANON_EXCLUSIVE (1ULL << 34)

enum kpage_file { KPAGE_COUNT, KPAGE_FLAGS };

/* One value per frame; the frames ascend. Frames that are near are read together. */
void kpage_read(enum kpage_file file, const uint64_t *frames, size_t nr, uint64_t *values);

/* The same with a read for each frame, as if none were near another. */
void kpage_read_singly(enum kpage_file file, const uint64_t *frames, size_t nr,
		       uint64_t *values);

/* Does KPF_KSM tell merged pages from others? Not from 6.10 to 7.2. */
bool kpage_ksm_flag_works(void);
/* Is a page that was only ever ours marked exclusive? From 5.19 on. */
bool kpage_exclusive_works(void);

#endif
