/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TEST_H
#define VMSHARE_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every check prints one line of TAP. A failure says where, and goes on. */
#define ok(condition, ...) test_ok((condition), __FILE__, __LINE__, __VA_ARGS__)
#define is_number(got, wanted, ...) test_number((got), (wanted), __FILE__, __LINE__, __VA_ARGS__)
#define is_text(got, wanted, ...) test_text((got), (wanted), __FILE__, __LINE__, __VA_ARGS__)
#define has_text(got, part, ...) test_part((got), (part), __FILE__, __LINE__, __VA_ARGS__)

bool test_ok(bool condition, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool test_number(uint64_t got, uint64_t wanted, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool test_text(const char *got, const char *wanted, const char *file, int line, const char *fmt,
	       ...) __attribute__((format(printf, 5, 6)));
bool test_part(const char *got, const char *part, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Says how many passed; what main() is to return. */
int test_end(void);

/* The same numbers in every run; others from another seed. */
void test_random_from(uint64_t seed);
uint64_t test_random(void);
uint64_t test_random_below(uint64_t limit);

/* A directory that is removed at the end, with a file in it for each call. */
const char *test_root(void);
void test_file(const char *path, const char *content, size_t len);

/*
 * Ends a child, without what its parent wants done when that ends; what ran in it is
 * counted (make coverage).
 */
void test_leave(int code) __attribute__((noreturn));

/* The whole of a file; the caller frees it. */
char *test_read(const char *path);

void test_units(void);
void test_text_functions(void);
void test_decode(void);
void test_client(void);
void test_cpu(void);
void test_overhead(void);
void test_snapjson(void);
void test_tables(void);
void test_columns(void);
void test_selector(void);
void test_proc(void);
void test_cover(void);
void test_victim(void);
void test_sweep(void);
void test_migration(void);
void test_destination(void);
void test_explain(void);
void test_place(void);
void test_command(void);
void test_plot(void);
void test_manage(void);
void test_lending(void);
void test_manageconf(void);
void test_cpuorder(void);
void test_affinity(void);
void test_trace(void);
void test_cpusim(void);
void test_topstate(void);
void test_verify(void);
void test_cmdline(void);
void test_manual(void);
void test_manager(void);
void test_limiter(void);
void test_systemd(void);
void test_libvirt(void);
void test_service(void);
void test_screen(void);

#endif
