// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine monitor whose guest memory is known page by page: what the
 * tests compare the module's answers with. Protocol: tests/README.md.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "vm.h"
#include "workers.h"

#define HUGE_BYTES	(2UL << 20)
#define LINE_BYTES	256
#define REMAP_US	20	/* in which others get the lock of the mappings */
#define MAX_NUMBERS	4

static const char usage_text[] =
	"usage: toyvm [OPTION...] SEGMENT...\n"
	"SEGMENT is COUNT@CONTENT[+STEP]: COUNT pages, page k with content CONTENT + k * STEP\n"
	"  --vcpus N    number of virtual CPUs (1)\n"
	"  --spin       they never leave guest mode, instead of halting\n"
	"  --devices    they use devices before each halt\n"
	"  --pause US   between one halt and the next (10000)\n"
	"  --workers N  threads beside them that wake each other for ever (0)\n"
	"  --passing N  threads that end after 50 ms of CPU time each (0)\n"
	"  --memfd      shared memory of a memfd instead of anonymous memory\n"
	"  --open-memfd the same, which stays open\n"
	"  --remaps     one page of it is mapped once more and unmapped, all the time\n"
	"  --file PATH  shared memory of this file\n"
	"  --private-memfd  copies of all pages of a memfd\n"
	"  --hugetlb    pages of the hugetlb pool\n"
	"  --no-kvm     an ordinary process with that memory\n"
	"  --no-merge   memory that KSM may not merge\n"
	"  --dontfork   memory that a forked child does not get\n"
	"  --thp        huge pages\n"
	"  --name NAME  puts '-name guest=NAME' on the command line\n"
	"  -uuid UUID   accepted, to be found on the command line\n";

struct segment {
	uint64_t count, content, step;
};

static struct options {
	unsigned int vcpus, pause_us, workers, passing;
	enum vm_code code;
	bool memfd, open_memfd, remaps, private_memfd, hugetlb, no_kvm, no_merge, dontfork, thp;
	const char *file;
	struct segment *segments;
	unsigned int segment_count;
} options = { .vcpus = 1, .pause_us = 10000 };

static unsigned char *memory;
static uint64_t page_count;
static pid_t child;

__attribute__((noreturn, format(printf, 1, 2)))
static void usage_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vwarnx(format, arguments);
	va_end(arguments);
	fputs(usage_text, stderr);
	exit(2);
}

/* "COUNT@CONTENT[+STEP]"; false if it is anything else. */
static bool parse_segment(const char *text, struct segment *segment)
{
	char *end;

	errno = 0;
	segment->step = 1;
	segment->count = strtoull(text, &end, 0);
	if (end == text || *end != '@' || segment->count == 0)
		return false;
	text = end + 1;
	segment->content = strtoull(text, &end, 0);
	if (end == text)
		return false;
	if (*end == '+') {
		text = end + 1;
		segment->step = strtoull(text, &end, 0);
		if (end == text)
			return false;
	}
	return *end == '\0' && errno == 0;
}

static void parse_segments(int count, char **texts)
{
	int i;

	if (count == 0)
		usage_error("no segment given");
	options.segments = calloc(count, sizeof(*options.segments));
	if (!options.segments)
		err(1, "memory for %d segments", count);
	for (i = 0; i < count; i++) {
		if (!parse_segment(texts[i], &options.segments[i]))
			usage_error("bad segment '%s'", texts[i]);
		page_count += options.segments[i].count;
	}
	options.segment_count = count;
}

/* "--name NAME" becomes "-name guest=NAME", as QEMU's command line has it. */
static void rename_process(char **argv, char *name)
{
	static char path[4096];
	char *guest;
	int i;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		err(1, "finding the own program in /proc/self/exe");
	if (asprintf(&guest, "guest=%s", name) < 0)
		errx(1, "no memory for the name");
	for (i = 1; argv[i]; i++) {
		if (strcmp(argv[i], "--name") == 0 && argv[i + 1] == name) {
			argv[i] = "-name";
			argv[i + 1] = guest;
		}
	}
	execv(path, argv);
	err(1, "starting again as '-name %s'", guest);
}

static unsigned int parse_count(const char *option, const char *text, unsigned long min,
				unsigned long max)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (*end || end == text || count < min || count > max)
		usage_error("%s %s: give %lu to %lu", option, text, min, max);
	return count;
}

static void parse_name(char **argv, char *name)
{
	if (strncmp(name, "guest=", 6) != 0)
		rename_process(argv, name);
}

static void parse_options(int argc, char **argv)
{
	enum { VCPUS = 1, SPIN, DEVICES, PAUSE, WORKERS, PASSING, MEMFD, OPEN_MEMFD, REMAPS, BACKING_FILE,
	       PRIVATE_MEMFD, HUGETLB, NO_KVM, NO_MERGE, DONTFORK, THP, NAME, UUID, HELP };
	static const struct option table[] = {
		{ "vcpus", required_argument, NULL, VCPUS },
		{ "spin", no_argument, NULL, SPIN },
		{ "devices", no_argument, NULL, DEVICES },
		{ "passing", required_argument, NULL, PASSING },
		{ "pause", required_argument, NULL, PAUSE },
		{ "workers", required_argument, NULL, WORKERS },
		{ "memfd", no_argument, NULL, MEMFD },
		{ "open-memfd", no_argument, NULL, OPEN_MEMFD },
		{ "remaps", no_argument, NULL, REMAPS },
		{ "file", required_argument, NULL, BACKING_FILE },
		{ "private-memfd", no_argument, NULL, PRIVATE_MEMFD },
		{ "hugetlb", no_argument, NULL, HUGETLB },
		{ "no-kvm", no_argument, NULL, NO_KVM },
		{ "no-merge", no_argument, NULL, NO_MERGE },
		{ "dontfork", no_argument, NULL, DONTFORK },
		{ "thp", no_argument, NULL, THP },
		{ "name", required_argument, NULL, NAME },
		{ "uuid", required_argument, NULL, UUID },
		{ "help", no_argument, NULL, HELP },
		{ 0 }
	};
	int option;

	while ((option = getopt_long_only(argc, argv, "", table, NULL)) != -1) {
		switch (option) {
		case VCPUS: options.vcpus = parse_count("--vcpus", optarg, 1, VM_MAX_VCPUS); break;
		case SPIN: options.code = VM_SPINS; break;
		case DEVICES: options.code = VM_USES_DEVICES; break;
		case PAUSE: options.pause_us = parse_count("--pause", optarg, 0, 1000000000); break;
		case WORKERS: options.workers = parse_count("--workers", optarg, 0, WORKERS_MAX); break;
		case PASSING: options.passing = parse_count("--passing", optarg, 0, WORKERS_MAX); break;
		case MEMFD: options.memfd = true; break;
		case OPEN_MEMFD: options.memfd = options.open_memfd = true; break;
		case REMAPS: options.memfd = options.open_memfd = options.remaps = true; break;
		case BACKING_FILE: options.file = optarg; break;
		case PRIVATE_MEMFD: options.private_memfd = true; break;
		case HUGETLB: options.hugetlb = true; break;
		case NO_KVM: options.no_kvm = true; break;
		case NO_MERGE: options.no_merge = true; break;
		case DONTFORK: options.dontfork = true; break;
		case THP: options.thp = true; break;
		case NAME: parse_name(argv, optarg); break;
		case UUID: break;
		case HELP: fputs(usage_text, stdout); exit(0);
		default: fputs(usage_text, stderr); exit(2);
		}
	}
	parse_segments(argc - optind, argv + optind);
}

static int advise_pages(uint64_t first, uint64_t count, int advice)
{
	return madvise(memory + first * PAGE_BYTES, count * PAGE_BYTES, advice);
}

static void advise_all(int advice, const char *what)
{
	if (advise_pages(0, page_count, advice) < 0)
		err(1, "asking for %s memory", what);
}

/* Maps a page of a file once more, and no more, until the machine ends. */
static void *remap(void *argument)
{
	int fd = (intptr_t)argument;
	void *mapped;

	for (;;) {
		mapped = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		if (mapped == MAP_FAILED)
			err(1, "mapping a page once more");
		usleep(REMAP_US);
		munmap(mapped, PAGE_BYTES);
		usleep(REMAP_US);
	}
	return NULL;
}

static void start_remapping(int fd)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, remap, (void *)(intptr_t)fd);

	if (error)
		errx(1, "starting a thread: %s", strerror(error));
}

static void *map_file(const char *path, size_t bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *mapped;

	if (fd < 0 || ftruncate(fd, bytes) < 0)
		err(1, "%zu bytes for %s", bytes, path);
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return mapped;
}

static void *map_memfd(size_t bytes, int sharing)
{
	int fd = memfd_create("toyvm", MFD_CLOEXEC);
	void *mapped;

	if (fd < 0 || ftruncate(fd, bytes) < 0)
		err(1, "a memfd of %zu bytes", bytes);
	if (options.remaps)
		start_remapping(fd);
	/* What only reads would put there is clean: the kernel may drop it at any time. */
	if (sharing == MAP_PRIVATE && fallocate(fd, 0, 0, bytes) < 0)
		err(1, "%zu bytes for a memfd", bytes);
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, sharing, fd, 0);
	if (!options.open_memfd)
		close(fd);
	return mapped;
}

/* Huge pages need an address that is a multiple of theirs. */
static void *map_anonymous(size_t bytes)
{
	char *mapped = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t front;

	if (mapped == MAP_FAILED)
		return mapped;
	front = -(uintptr_t)mapped % HUGE_BYTES;
	if (front)
		munmap(mapped, front);
	munmap(mapped + front + bytes, HUGE_BYTES - front);
	return mapped + front;
}

static void *map_hugetlb(size_t bytes)
{
	return mmap(NULL, (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
}

static void map_memory(void)
{
	size_t bytes = page_count * PAGE_BYTES;

	memory = options.file ? map_file(options.file, bytes) :
		 options.memfd ? map_memfd(bytes, MAP_SHARED) :
		 options.private_memfd ? map_memfd(bytes, MAP_PRIVATE) :
		 options.hugetlb ? map_hugetlb(bytes) : map_anonymous(bytes);
	if (memory == MAP_FAILED)
		err(1, "mapping %zu bytes of guest memory", bytes);
	if (options.thp)
		advise_all(MADV_HUGEPAGE, "huge");
	else	/* refused where there are no huge ones, as on PREEMPT_RT */
		advise_pages(0, page_count, MADV_NOHUGEPAGE);
	if (!options.no_merge && !options.memfd && !options.file)
		advise_all(MADV_MERGEABLE, "mergeable");
	if (options.dontfork)
		advise_all(MADV_DONTFORK, "unforkable");
}

static void fill_memory(void)
{
	unsigned char *pages = memory;
	unsigned int i;

	for (i = 0; i < options.segment_count; i++) {
		const struct segment *segment = &options.segments[i];

		content_fill_pages(pages, segment->count, segment->content, segment->step);
		pages += segment->count * PAGE_BYTES;
	}
}

/* Commands: each gets its numbers and says what to answer, NULL for a plain ok. */

static const char *answer_advice(const uint64_t *range, int advice)
{
	return advise_pages(range[0], range[1], advice) < 0 ? strerror(errno) : NULL;
}

static const char *do_write(const uint64_t *numbers)
{
	content_fill_pages(memory + numbers[0] * PAGE_BYTES, numbers[1], numbers[2], numbers[3]);
	return NULL;
}

static const char *do_poke(const uint64_t *range)
{
	uint64_t k;

	for (k = range[0]; k < range[0] + range[1]; k++)
		content_make_unique(memory + k * PAGE_BYTES, k);
	return NULL;
}

static const char *do_read(const uint64_t *range)
{
	uint64_t k;

	for (k = range[0]; k < range[0] + range[1]; k++)
		(void)*(volatile unsigned char *)(memory + k * PAGE_BYTES);
	return NULL;
}

static const char *do_dontneed(const uint64_t *range)
{
	return answer_advice(range, MADV_DONTNEED);
}

static const char *do_pageout(const uint64_t *range)
{
	return answer_advice(range, MADV_PAGEOUT);
}

static const char *do_mergeable(const uint64_t *range)
{
	return answer_advice(range, MADV_MERGEABLE);
}

static const char *do_unmergeable(const uint64_t *range)
{
	return answer_advice(range, MADV_UNMERGEABLE);
}

/* A flag that differs splits the mapping and changes nothing else. */
static const char *do_split(const uint64_t *range)
{
	return answer_advice(range, MADV_DONTDUMP);
}

/*
 * The child keeps the memory and nothing else of the machine. It closes its end
 * of the pipe when that is so.
 */
__attribute__((noreturn))
static void be_child(pid_t parent, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	vm_forget();
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(ready);
	for (;;)
		pause();
}

static const char *do_fork(const uint64_t *numbers)
{
	pid_t parent = getpid();
	int ready[2];
	char nothing;

	(void)numbers;
	if (child)
		return "there is a child already: killchild first";
	if (pipe(ready) < 0)
		return strerror(errno);
	child = fork();
	if (child == 0)
		be_child(parent, ready[1]);
	close(ready[1]);
	while (child > 0 && read(ready[0], &nothing, 1) < 0 && errno == EINTR)
		continue;
	close(ready[0]);
	if (child > 0)
		return NULL;
	child = 0;
	return "fork failed: is memory short?";
}

static const char *do_killchild(const uint64_t *numbers)
{
	(void)numbers;
	if (!child)
		return "there is no child";
	kill(child, SIGKILL);
	if (waitpid(child, NULL, 0) < 0)
		return strerror(errno);
	child = 0;
	return NULL;
}

static const char *do_plug(const uint64_t *numbers)
{
	(void)numbers;
	return vm_plug_vcpu() ? NULL : "there is no machine, or it has as many as it may";
}

static const char *do_quit(const uint64_t *numbers)
{
	(void)numbers;
	_exit(0);
}

/* The first two numbers of a command, if it has any, are a range of pages. */
static void serve(void);

static void *serve_on(void *unused)
{
	(void)unused;
	printf("ok\n");
	fflush(stdout);
	serve();
	_exit(0);
}

/* The process goes on without its first thread. */
static const char *do_leave(const uint64_t *numbers)
{
	pthread_t thread;

	(void)numbers;
	if (pthread_create(&thread, NULL, serve_on, NULL))
		return "there is no room for a thread";
	pthread_exit(NULL);
}

static const struct command {
	const char *name;
	unsigned int min_numbers, max_numbers;
	const char *(*run)(const uint64_t *numbers);
} commands[] = {
	{ "write", 3, 4, do_write },
	{ "poke", 2, 2, do_poke },
	{ "dontneed", 2, 2, do_dontneed },
	{ "read", 2, 2, do_read },
	{ "pageout", 2, 2, do_pageout },
	{ "fork", 0, 0, do_fork },
	{ "killchild", 0, 0, do_killchild },
	{ "mergeable", 2, 2, do_mergeable },
	{ "unmergeable", 2, 2, do_unmergeable },
	{ "split", 2, 2, do_split },
	{ "plug", 0, 0, do_plug },
	{ "leave", 0, 0, do_leave },
	{ "quit", 0, 0, do_quit },
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* Reads the numbers that follow; returns how many, MAX_NUMBERS + 1 if they are bad. */
static unsigned int parse_numbers(char **rest, uint64_t *numbers)
{
	unsigned int count = 0;
	char *word, *end;

	while ((word = strtok_r(NULL, " \t\n", rest))) {
		if (count == MAX_NUMBERS)
			return MAX_NUMBERS + 1;
		numbers[count++] = strtoull(word, &end, 0);
		if (*end)
			return MAX_NUMBERS + 1;
	}
	return count;
}

static const char *obey(char *line)
{
	uint64_t numbers[MAX_NUMBERS] = { [3] = 1 };
	char *rest;
	const struct command *command = find_command(strtok_r(line, " \t\n", &rest));
	unsigned int count;

	if (!command)
		return "unknown command";
	count = parse_numbers(&rest, numbers);
	if (count < command->min_numbers || count > command->max_numbers)
		return "wrong number of arguments, or not a number";
	if (numbers[0] > page_count || numbers[1] > page_count - numbers[0])
		return "no such pages";
	return command->run(numbers);
}

static void serve(void)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		bool forks = strncmp(line, "fork", 4) == 0;
		const char *error = obey(line);

		if (error)
			printf("error %s\n", error);
		else if (forks)
			printf("ok %d\n", child);
		else
			printf("ok\n");
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	map_memory();
	fill_memory();
	if (!options.no_kvm)
		vm_start(memory, page_count * PAGE_BYTES, options.vcpus, options.code, options.pause_us);
	workers_start(options.workers);
	workers_start_passing(options.passing);
	printf("ready %d 0x%lx %lu\n", getpid(), (unsigned long)memory, (unsigned long)page_count);
	fflush(stdout);
	serve();
	_exit(0);
}
