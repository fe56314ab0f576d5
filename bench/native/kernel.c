// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"

struct page *vmemmap;
char *page_contents;

void get_random_bytes(void *to, size_t len)
{
	FILE *file = fopen("/dev/urandom", "r");

	if (!file || fread(to, 1, len, file) != len)
		abort();
	fclose(file);
}

void *kvmalloc_array(size_t n, size_t size, int flags)
{
	(void)flags;
	return malloc(n * size);
}

void *kvcalloc(size_t n, size_t size, int flags)
{
	(void)flags;
	return calloc(n, size);
}

void *__vmalloc(size_t size, gfp_t flags)
{
	return kvcalloc(1, size, flags);
}

void kvfree(const void *at)
{
	free((void *)at);
}

u64 ktime_get_mono_fast_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static struct rb_node *parent_of(const struct rb_node *node)
{
	return (struct rb_node *)(node->__rb_parent_color & ~3UL);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	const struct rb_root right = { node->rb_right };
	struct rb_node *parent;

	if (node->rb_right)
		return rb_first(&right);
	while ((parent = parent_of(node)) && node == parent->rb_right)
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *parent, *last = node->rb_left;

	while (last && last->rb_right)
		last = last->rb_right;
	if (last)
		return last;
	while ((parent = parent_of(node)) && node == parent->rb_left)
		node = parent;
	return parent;
}
