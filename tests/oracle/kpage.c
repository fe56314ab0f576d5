// SPDX-License-Identifier: GPL-2.0
#include "kpage.h"

#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Frames closer than GAP are cheaper read together with what lies between. */
#define GAP 16
#define RUN 16384

static const char *const paths[] = {
	[KPAGE_COUNT] = "/proc/kpagecount",
	[KPAGE_FLAGS] = "/proc/kpageflags",
};

static size_t run_end(const uint64_t *frames, size_t begin, size_t nr)
{
	size_t end = begin + 1;

	while (end < nr && frames[end] - frames[end - 1] < GAP &&
	       frames[end] - frames[begin] < RUN)
		end++;
	return end;
}

/* Past the end of a memory section the file ends early; nothing is known of
 * the frames there, so their values stay 0.
 */
static void read_run(int fd, const uint64_t *frames, size_t nr, uint64_t *values)
{
	uint64_t buffer[RUN];
	size_t span = frames[nr - 1] - frames[0] + 1;
	ssize_t got = pread(fd, buffer, span * 8, frames[0] * 8);

	for (size_t i = 0; i < nr; i++) {
		size_t at = frames[i] - frames[0];

		values[i] = got > 0 && at < (size_t)got / 8 ? buffer[at] : 0;
	}
}

static int open_file(enum kpage_file file)
{
	int fd = open(paths[file], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "opening %s; it needs root and CONFIG_PROC_PAGE_MONITOR", paths[file]);
	return fd;
}

void kpage_read(enum kpage_file file, const uint64_t *frames, size_t nr, uint64_t *values)
{
	int fd = open_file(file);

	for (size_t begin = 0, end; begin < nr; begin = end) {
		end = run_end(frames, begin, nr);
		read_run(fd, frames + begin, end - begin, values + begin);
	}
	close(fd);
}

void kpage_read_singly(enum kpage_file file, const uint64_t *frames, size_t nr,
		       uint64_t *values)
{
	int fd = open_file(file);

	for (size_t i = 0; i < nr; i++)
		read_run(fd, frames + i, 1, values + i);
	close(fd);
}

/* The flags of an ordinary page: written by us, never offered to KSM. */
static uint64_t own_page_flags(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t frame, flags;

	if (page == MAP_FAILED || fd < 0)
		err(1, "looking up an own page");
	*(volatile char *)page = 1;
	if (pread(fd, &frame, 8, (uintptr_t)page / 4096 * 8) != 8)
		err(1, "reading /proc/self/pagemap");
	frame &= (1ULL << 55) - 1;
	kpage_read(KPAGE_FLAGS, &frame, 1, &flags);
	close(fd);
	munmap(page, 4096);
	return flags;
}

bool kpage_ksm_flag_works(void)
{
	return !(own_page_flags() & KPF_KSM);
}

bool kpage_exclusive_works(void)
{
	return own_page_flags() & KPF_ANON_EXCLUSIVE;
}
