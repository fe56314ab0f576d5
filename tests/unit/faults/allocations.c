// SPDX-License-Identifier: GPL-2.0
/*
 * The allocating functions, in place of the C library's: a program's own definitions
 * are what its libraries call as well.
 */
#include "allocations.h"

#include <errno.h>
#include <execinfo.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SANITIZED
#define REAL(function) __interceptor_##function
#else
#define REAL(function) __libc_##function
#endif

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *old, size_t size);

/*
 * The loader's own memory would count as lost, as it is not known for the loader's. Of
 * the program's the unit tests ask.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

#define CALLERS 24
#define NEAR 10			/* two of them are this file's */

/* Shared with the process that looks on. */
static struct {
	unsigned int seen;
	int callers;
	void *caller[CALLERS];
	struct chain chain[ALLOCATIONS_MAX];
} *shared;

static enum shortage shortage;
static unsigned int first;
static pid_t whose;
static bool tracing;			/* finding the callers allocates, too */

static void share(void)
{
	void *callers[1];

	if (shared)
		return;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	/* loads what it needs */
	backtrace(callers, 1);
}

/* The host that the program sees may give it another. */
static pid_t own_pid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

__attribute__((constructor)) static void begin(void)
{
	share();
}

/* What counts the lines that ran (make coverage) comes after this, and allocates. */
__attribute__((destructor)) static void end(void)
{
	shortage = SHORT_NEVER;
	whose = 0;
}

void allocations_fail(enum shortage how, unsigned int which)
{
	shared->seen = 0;
	shared->callers = 0;
	first = which;
	whose = own_pid();
	shortage = how;
}

unsigned int allocations_seen(void)
{
	return shared->seen;
}

struct chain allocations_chain(unsigned int which)
{
	return shared->chain[which - 1];
}

void allocations_trace(int fd)
{
	backtrace_symbols_fd(shared->caller, shared->callers, fd);
}

static void note_callers(void)
{
	if (shared->callers)
		return;
	tracing = true;
	shared->callers = backtrace(shared->caller, CALLERS);
	tracing = false;
}

/* FNV-1a of their addresses. */
static uint64_t number_of(void *const *caller, int count)
{
	uint64_t chain = 0xcbf29ce484222325ull;
	int i;

	for (i = 0; i < count; i++)
		chain = (chain ^ (uintptr_t)caller[i]) * 0x100000001b3ull;
	return chain;
}

static void note_chain(unsigned int number)
{
	void *caller[CALLERS];
	int callers;

	if (number > ALLOCATIONS_MAX)
		return;
	tracing = true;
	callers = backtrace(caller, CALLERS);
	tracing = false;
	shared->chain[number - 1] = (struct chain){
		.all = number_of(caller, callers),
		.near = number_of(caller, callers < NEAR ? callers : NEAR),
	};
}

static bool is_counted(void)
{
	return whose && !tracing && own_pid() == whose;
}

static bool is_refused(void)
{
	unsigned int number;

	if (!is_counted())
		return false;
	number = ++shared->seen;
	if (shortage == SHORT_NEVER)
		note_chain(number);
	if (shortage == SHORT_NEVER || number < first ||
	    (number > first && shortage == SHORT_ONCE))
		return false;
	note_callers();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return is_refused() ? NULL : REAL(malloc)(size);
}

void *calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : REAL(calloc)(count, size);
}

void *realloc(void *old, size_t size)
{
	return is_refused() ? NULL : REAL(realloc)(old, size);
}

/* The sanitizer's own versions of these allocate past the above. */
void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

char *strndup(const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	copy[len] = '\0';
	return memcpy(copy, text, len);
}

char *strdup(const char *text)
{
	return strndup(text, strlen(text));
}
