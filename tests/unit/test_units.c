// SPDX-License-Identifier: GPL-2.0
/* Sizes and times, in and out. */
#include "test.h"

#include <stdio.h>

#include "units.h"

static const struct {
	const char *text;
	uint64_t bytes;
} good[] = {
	{ "1", 1 },
	{ "4096", 4096 },
	{ "0.5", 1 },			/* a part of a byte is asked for: a byte */
	{ "4K", 4096 },
	{ "4k", 4096 },
	{ "4KiB", 4096 },
	{ "4kib", 4096 },
	{ "4KB", 4000 },
	{ "4kb", 4000 },
	{ "7B", 7 },
	{ "1.5G", 1610612736 },
	{ "1.5GB", 1500000000 },
	{ "1.5GiB", 1610612736 },
	{ "0.001K", 2 },		/* 1.024 bytes */
	{ "1.0000000000000000000001K", 1025 },
	{ "0.000000000000000000000000001K", 1 },
	{ "3T", 3298534883328 },
	{ "1P", 1125899906842624 },
	{ "7.999999999999999999E", 9223372036854775807ull },
	{ "9223372036854775807", 9223372036854775807ull },
	{ "000000000000000000000000000000000001", 1 },
};

static const struct {
	const char *text;
	const char *reason;
} bad[] = {
	{ "", "not a number" },
	{ "0", "nothing" },
	{ "0G", "nothing" },
	{ "0.0", "nothing" },
	{ "-1", "negative" },
	{ "-0", "negative" },
	{ "+1", "not a number" },
	{ " 1", "not a number" },
	{ "1 ", "no unit" },
	{ "1 G", "no unit" },
	{ "nan", "not a number" },
	{ "NaN", "not a number" },
	{ "inf", "not a number" },
	{ "G", "not a number" },
	{ ".5G", "not a number" },
	{ "1.", "no unit" },
	{ "1.G", "no unit" },
	{ "1.5.5", "no unit" },
	{ "1,5G", "no unit" },
	{ "1e9", "no unit" },
	{ "0x10", "no unit" },
	{ "1GG", "no unit" },
	{ "1GiBx", "no unit" },
	{ "1Gi", "no unit" },
	{ "1X", "no unit" },
	{ "8E", "larger" },
	{ "9223372036854775808", "larger" },
	{ "18446744073709551616", "larger" },
	{ "36893488147419103232", "larger" },
	{ "99999999999999999999999999999999999999999999T", "larger" },
};

static void test_sizes(void)
{
	struct error err;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bytes = 0;
		ok(!units_parse_size(good[i].text, &bytes, &err), "size %s is taken", good[i].text);
		is_number(bytes, good[i].bytes, "size %s", good[i].text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(units_parse_size(bad[i].text, &bytes, &err) == -1 && err.code == EXIT_USAGE,
		   "size \"%s\" is refused", bad[i].text);
		has_text(err.message, bad[i].reason, "size \"%s\" with a reason", bad[i].text);
	}
}

/* What is printed exactly is read back as the same number. */
static void test_exact(void)
{
	unsigned int wrong = 0, i;
	char text[UNITS_TEXT];
	struct error err;
	uint64_t back;

	for (i = 0; i < 20000; i++) {
		uint64_t bytes = test_random() >> (1 + test_random_below(63));

		if (i % 3 == 0)
			bytes &= ~4095ull;
		if (!bytes)
			continue;
		if (units_parse_size(units_exact(bytes, text), &back, &err) || back != bytes)
			wrong++;
	}
	is_number(wrong, 0, "20000 sizes survive printing and reading");
	is_text(units_exact(1610612736, text), "1.5G", "1.5G is printed as 1.5G");
	is_text(units_exact(1610612737, text), "1610612737", "one byte more is not lost");
	is_text(units_exact(4096, text), "4K", "4K");
}

static void test_rounded(void)
{
	char text[UNITS_TEXT];

	is_text(units_bytes(0, text), "0", "no bytes");
	is_text(units_bytes(999, text), "999", "999 bytes");
	is_text(units_bytes(1000, text), "0.98K", "1000 bytes");
	is_text(units_bytes(4096, text), "4.00K", "a page");
	is_text(units_bytes(10239, text), "10.0K", "no 10.00K");
	is_text(units_bytes(1048575, text), "1.00M", "no 1024K");
	is_text(units_bytes(UINT64_MAX, text), "16.0E", "all there is");
	is_text(units_duration(0, text), "0ns", "no time");
	is_text(units_duration(2100000, text), "2.1ms", "milliseconds");
	is_text(units_duration(999499, text), "999us", "almost a millisecond");
	is_text(units_duration(999500, text), "1ms", "is one when it is rounded");
	is_text(units_duration(999500000, text), "1s", "as is a second");
	is_text(units_duration(3723000000000, text), "1:02:03", "an hour");
}

static void test_counts(void)
{
	uint32_t value = 0;
	uint64_t whole;
	struct error err;

	ok(!units_parse_seconds("0.5", &value, &err) && value == 500, "half a second");
	ok(!units_parse_seconds("2", &value, &err) && value == 2000, "two seconds");
	ok(units_parse_seconds("0", &value, &err), "no delay is refused");
	ok(units_parse_seconds("-1", &value, &err), "a negative delay is refused");
	ok(units_parse_seconds("1s", &value, &err), "a delay with a unit is refused");
	ok(units_parse_seconds("86401", &value, &err), "more than a day is refused");
	ok(units_parse_seconds("99999999999999999999", &value, &err), "and so is no time at all");
	ok(units_parse_seconds("", &value, &err) && units_parse_seconds("x", &value, &err),
	   "what is no number is none");
	ok(!units_parse_count("7", 10, &value, &err) && value == 7, "a count");
	ok(units_parse_count("11", 10, &value, &err), "a count beyond its limit is refused");
	ok(units_parse_count("0", 10, &value, &err), "none is refused");
	ok(units_parse_count("1.5", 10, &value, &err), "a count with a fraction is refused");
	ok(units_parse_count("99999999999999999999", 10, &value, &err), "an overflow is refused");
	ok(units_parse_count("x", 10, &value, &err) && units_parse_count("1x", 10, &value, &err),
	   "what is no count is none");
	ok(!units_parse_whole("9223372036854775807", &whole, &err) && whole == INT64_MAX, "the largest number");
	ok(units_parse_whole("9223372036854775808", &whole, &err), "one more is refused");
	ok(units_parse_whole("99999999999999999999", &whole, &err), "and far more");
	ok(units_parse_whole("x", &whole, &err) && units_parse_whole("1x", &whole, &err) &&
	   units_parse_whole("1.0", &whole, &err) && units_parse_whole("-1", &whole, &err), "and no number");
}

void test_units(void)
{
	test_sizes();
	test_exact();
	test_rounded();
	test_counts();
}
