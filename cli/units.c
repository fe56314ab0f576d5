// SPDX-License-Identifier: GPL-2.0
/* Sizes and times in and out of text, with integers alone. */
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SIZE_LARGEST INT64_MAX		/* what JSON can say */
#define FRACTION_DIGITS 18

typedef unsigned __int128 wide;

/* A decimal number as digits before and after the point. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;		/* in units of 10^-FRACTION_DIGITS */
	bool more;			/* not 0 digits beyond these */
	bool overflow;
};

/* Returns what follows the number; NULL if there is none. */
static const char *parse_decimal(const char *text, struct decimal *number)
{
	uint64_t weight = 1000000000000000000ull;

	memset(number, 0, sizeof(*number));
	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++) {
		number->overflow |= __builtin_mul_overflow(number->whole, 10, &number->whole);
		number->overflow |= __builtin_add_overflow(number->whole, (uint64_t)(*text - '0'),
							   &number->whole);
	}
	if (*text != '.' || !isdigit((unsigned char)text[1]))
		return text;
	for (text++; isdigit((unsigned char)*text); text++) {
		weight /= 10;
		number->fraction += weight * (uint64_t)(*text - '0');
		number->more |= !weight && *text != '0';
	}
	return text;
}

static bool parse_unit(const char *suffix, uint64_t *unit)
{
	static const char letters[] = "KMGTPE";
	uint64_t base = 1024;
	const char *letter;
	long power;

	*unit = 1;
	if (!*suffix || !strcasecmp(suffix, "B"))
		return true;
	letter = strchr(letters, toupper((unsigned char)*suffix));
	if (!letter)
		return false;
	if (!strcasecmp(suffix + 1, "B"))
		base = 1000;
	else if (suffix[1] && strcasecmp(suffix + 1, "iB") != 0)
		return false;
	for (power = letter - letters; power >= 0; power--)
		*unit *= base;
	return true;
}

/* Rounds up. Returns false if the result has no room. */
static bool scale(const struct decimal *number, uint64_t unit, uint64_t *bytes)
{
	const wide one = 1000000000000000000ull;
	wide part = (wide)number->fraction * unit;
	wide total = (wide)number->whole * unit + part / one + (part % one || number->more);

	*bytes = (uint64_t)total;
	return !number->overflow && total <= SIZE_LARGEST;
}

static int refuse_size(struct error *err, const char *text, const char *why)
{
	return error_set(err, EXIT_USAGE,
			 "size \"%s\" %s; write a number with K, M, G, T (1024) or KB, MB, GB, TB (1000), for instance 1.5G",
			 text, why);
}

int units_parse_amount(const char *text, uint64_t *bytes, struct error *err)
{
	struct decimal number;
	const char *suffix = parse_decimal(text, &number);
	uint64_t unit;

	if (*text == '-')
		return refuse_size(err, text, "is negative or no number");
	if (!suffix)
		return refuse_size(err, text, "is not a number");
	if (!parse_unit(suffix, &unit))
		return refuse_size(err, text, "ends in something that is no unit");
	if (!scale(&number, unit, bytes))
		return refuse_size(err, text, "is larger than any memory (8 EiB)");
	return 0;
}

int units_parse_size(const char *text, uint64_t *bytes, struct error *err)
{
	if (units_parse_amount(text, bytes, err))
		return -1;
	return *bytes ? 0 : refuse_size(err, text, "is nothing");
}

int units_parse_seconds(const char *text, uint32_t *ms, struct error *err)
{
	struct decimal number;
	const char *rest = parse_decimal(text, &number);
	uint64_t value;

	if (!rest || *rest || !scale(&number, 1000, &value) || value < 100 || value > 86400000)
		return error_set(err, EXIT_USAGE,
				 "\"%s\" is not a number of seconds from 0.1 to 86400", text);
	*ms = (uint32_t)value;
	return 0;
}

int units_parse_count(const char *text, uint32_t max, uint32_t *count, struct error *err)
{
	struct decimal number;
	const char *rest = parse_decimal(text, &number);

	if (!rest || *rest || strchr(text, '.') || number.overflow || !number.whole ||
	    number.whole > max)
		return error_set(err, EXIT_USAGE, "\"%s\" is not a whole number from 1 to %" PRIu32,
				 text, max);
	*count = (uint32_t)number.whole;
	return 0;
}

int units_parse_whole(const char *text, uint64_t *number, struct error *err)
{
	struct decimal decimal;
	const char *rest = parse_decimal(text, &decimal);

	if (!rest || *rest || strchr(text, '.') || decimal.overflow ||
	    decimal.whole > SIZE_LARGEST)
		return error_set(err, EXIT_USAGE,
				 "\"%s\" is not a whole number from 0 to 9223372036854775807", text);
	*number = decimal.whole;
	return 0;
}

const char *units_bytes(uint64_t bytes, char out[UNITS_TEXT])
{
	static const char letters[] = "KMGTPE";
	double value = (double)bytes;
	int power = -1;

	if (bytes < 1000) {
		snprintf(out, UNITS_TEXT, "%" PRIu64, bytes);
		return out;
	}
	while (value >= 999.5 && power < 5) {
		value /= 1024;
		power++;
	}
	snprintf(out, UNITS_TEXT, "%.*f%c", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value,
		 letters[power]);
	return out;
}

/* bytes as a multiple of the unit with at most three decimals, if it is one. */
static bool exact_in(uint64_t bytes, uint64_t unit, char letter, char out[UNITS_TEXT])
{
	wide thousandths = (wide)bytes * 1000;
	uint64_t whole = bytes / unit;
	unsigned int rest;
	int digits = 3;

	if (!whole || thousandths % unit)
		return false;
	rest = (unsigned int)(thousandths / unit % 1000);
	for (; digits && rest % 10 == 0; digits--)
		rest /= 10;
	if (digits)
		snprintf(out, UNITS_TEXT, "%" PRIu64 ".%0*u%c", whole, digits, rest, letter);
	else
		snprintf(out, UNITS_TEXT, "%" PRIu64 "%c", whole, letter);
	return true;
}

const char *units_exact(uint64_t bytes, char out[UNITS_TEXT])
{
	static const char letters[] = "EPTGMK";
	uint64_t unit = 1ull << 60;
	int i;

	for (i = 0; letters[i]; i++, unit >>= 10) {
		if (exact_in(bytes, unit, letters[i], out))
			return out;
	}
	snprintf(out, UNITS_TEXT, "%" PRIu64, bytes);
	return out;
}

const char *units_duration(uint64_t ns, char out[UNITS_TEXT])
{
	uint64_t seconds = ns / 1000000000;

	/* three digits are rounded: 1000 of a unit are 1 of the next */
	if (ns < 1000)
		snprintf(out, UNITS_TEXT, "%" PRIu64 "ns", ns);
	else if (ns < 999500)
		snprintf(out, UNITS_TEXT, "%.3gus", (double)ns / 1e3);
	else if (ns < 999500000)
		snprintf(out, UNITS_TEXT, "%.3gms", (double)ns / 1e6);
	else if (seconds < 100)
		snprintf(out, UNITS_TEXT, "%.3gs", (double)ns / 1e9);
	else
		snprintf(out, UNITS_TEXT, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600,
			 seconds / 60 % 60, seconds % 60);
	return out;
}

const char *units_size(uint64_t bytes, bool exact, char out[UNITS_TEXT])
{
	if (!exact)
		return units_bytes(bytes, out);
	snprintf(out, UNITS_TEXT, "%" PRIu64, bytes);
	return out;
}

const char *units_time(uint64_t ns, bool exact, char out[UNITS_TEXT])
{
	if (!exact)
		return units_duration(ns, out);
	snprintf(out, UNITS_TEXT, "%" PRIu64, ns);
	return out;
}
