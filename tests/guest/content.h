/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TESTS_CONTENT_H
#define VMSHARE_TESTS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096UL

/*
 * Fills a page with the content of that number: equal numbers give equal pages
 * in every process and guest, different numbers different ones. Content 0 is
 * all zeroes, and really written.
 */
void content_fill(unsigned char *page, uint64_t content);

/* Fills @count pages, page k with content @first + k * @step. */
void content_fill_pages(unsigned char *pages, size_t count, uint64_t first, uint64_t step);

/*
 * Changes a page to something that no other page on this machine has: the
 * stamp is made of the process, the page's index and a running number.
 */
void content_make_unique(unsigned char *page, uint64_t index);

#endif
