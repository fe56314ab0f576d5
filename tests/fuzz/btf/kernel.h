/* SPDX-License-Identifier: GPL-2.0 */
/* What the module's reader of type information takes from the kernel. */
#ifndef FUZZ_BTF_KERNEL_H
#define FUZZ_BTF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;

#define GFP_KERNEL			0
#define offsetofend(type, member)	(offsetof(type, member) + sizeof(((type *)0)->member))
#define cond_resched()			do { } while (0)
#define kzalloc(size, gfp)		calloc(1, size)
#define kvmalloc_array(n, size, gfp)	calloc(n, size)
#define kfree(at)			free(at)
#define kvfree(at)			free(at)

#endif
