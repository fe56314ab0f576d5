// SPDX-License-Identifier: GPL-2.0
/* What every test needs: checks, random numbers, a directory. */
#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef COVERAGE
#include <gcov.h>
#endif

#define SEED 88172645463325252ull

static unsigned int passed, failed;
static uint64_t state = SEED;
static char root[PATH_MAX];
static pid_t root_owner;

static bool report(bool good, const char *file, int line, const char *fmt, va_list args)
{
	unsigned int number = ++*(good ? &passed : &failed);

	number = passed + failed;
	printf("%s %u - ", good ? "ok" : "not ok", number);
	vprintf(fmt, args);
	putchar('\n');
	if (!good)
		printf("# at %s:%d\n", file, line);
	return good;
}

bool test_ok(bool condition, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(condition, file, line, fmt, args);
	va_end(args);
	return condition;
}

bool test_number(uint64_t got, uint64_t wanted, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(got == wanted, file, line, fmt, args);
	va_end(args);
	if (got != wanted)
		printf("# got %llu, wanted %llu\n", (unsigned long long)got,
		       (unsigned long long)wanted);
	return got == wanted;
}

bool test_text(const char *got, const char *wanted, const char *file, int line, const char *fmt,
	       ...)
{
	bool same = got && !strcmp(got, wanted);
	va_list args;

	va_start(args, fmt);
	report(same, file, line, fmt, args);
	va_end(args);
	if (!same)
		printf("# got \"%s\"\n# wanted \"%s\"\n", got ? got : "(nothing)", wanted);
	return same;
}

bool test_part(const char *got, const char *part, const char *file, int line, const char *fmt, ...)
{
	bool there = got && strstr(got, part);
	va_list args;

	va_start(args, fmt);
	report(there, file, line, fmt, args);
	va_end(args);
	if (!there)
		printf("# \"%s\"\n# does not hold \"%s\"\n", got ? got : "(nothing)", part);
	return there;
}

void test_random_from(uint64_t seed)
{
	/* apart from each other, however close the seeds are */
	state = SEED + seed * 0x9e3779b97f4a7c15ull;
}

uint64_t test_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

uint64_t test_random_below(uint64_t limit)
{
	return test_random() % limit;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void remove_root(void)
{
	/* a child that ends as a program does must not take it along */
	if (*root && root_owner == getpid())
		nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_root(void)
{
	if (!*root) {
		snprintf(root, sizeof(root), "%s/vmshare-unit-XXXXXX",
			 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		if (!mkdtemp(root)) {
			perror("mkdtemp");
			exit(1);
		}
		root_owner = getpid();
		atexit(remove_root);
	}
	return root;
}

void test_file(const char *path, const char *content, size_t len)
{
	char full[PATH_MAX + 256], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", test_root(), path);
	for (slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			perror(full);
		*slash = '/';
	}
	file = fopen(full, "w");
	if (!file || fwrite(content, 1, len, file) != len || fclose(file)) {
		perror(full);
		exit(1);
	}
}

void test_leave(int code)
{
#ifdef COVERAGE
	__gcov_dump();
#endif
	_exit(code);
}

char *test_read(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	if (file && getdelim(&text, &size, -1, file) < 0) {
		free(text);
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

int test_end(void)
{
	printf("1..%u\n%u passed, %u failed\n", passed + failed, passed, failed);
	return failed || !passed;
}
