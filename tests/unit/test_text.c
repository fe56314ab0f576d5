// SPDX-License-Identifier: GPL-2.0
/* Hostile text: cleaned, escaped, measured; near words. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

static void test_clean(void)
{
	char out[256];

	text_clean("plain", out, sizeof(out));
	is_text(out, "plain", "plain text stays");
	text_clean("gr\xc3\xbc\xc3\x9f", out, sizeof(out));
	is_text(out, "gr\xc3\xbc\xc3\x9f", "UTF-8 stays");
	text_clean("a\xff" "b", out, sizeof(out));
	is_text(out, "a\xef\xbf\xbd" "b", "a wrong byte is replaced");
	text_clean("\xc3", out, sizeof(out));
	is_text(out, "\xef\xbf\xbd", "a cut sequence is replaced");
	text_clean("\xc0\xaf", out, sizeof(out));
	is_text(out, "\xef\xbf\xbd\xef\xbf\xbd", "an overlong sequence is replaced");
	text_clean("\xed\xa0\x80", out, sizeof(out));
	is_text(out, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "a surrogate is replaced");
	text_clean("\xf4\x90\x80\x80", out, sizeof(out));
	ok(strlen(out) == 12, "beyond Unicode is replaced");
	text_clean("gr\xc3\xbc", out, 4);
	is_text(out, "gr", "a character that does not fit is left out whole");
}

/* One character in UTF-8. */
static void encode(uint32_t point, char out[8])
{
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	size_t more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3, i;

	memset(out, 0, 8);
	for (i = more; i; i--, point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)(lead[more] | point);
}

static void test_escape(void)
{
	char out[256];

	text_escape("a\033[31mb", out, sizeof(out));
	is_text(out, "a\\x1b[31mb", "escape sequences are shown");
	text_escape("a\nb\tc\rd\x7f", out, sizeof(out));
	is_text(out, "a\\x0ab\\x09c\\x0dd\\x7f", "control characters are shown");
	text_escape("\xc2\x9b" "31m", out, sizeof(out));
	is_text(out, "\\u{9b}31m", "C1 control characters are shown");
	text_escape("\xe2\x80\xae" "evil", out, sizeof(out));
	is_text(out, "\\u{202e}evil", "a change of direction is shown");
	text_escape("back\\slash", out, sizeof(out));
	is_text(out, "back\\\\slash", "a backslash is doubled");
	text_escape("\xfe", out, sizeof(out));
	is_text(out, "\\xfe", "a wrong byte is shown");
	text_escape("\xc3\xa4", out, sizeof(out));
	is_text(out, "\xc3\xa4", "letters stay");
}

/* The first and the last of each range that is shown, and their neighbours that are not. */
static void test_escape_ranges(void)
{
	static const uint32_t harmful[] = { 0x01, 0x1f, 0x7f, 0x80, 0x9f, 0x061c, 0x200b, 0x200f, 0x2028,
					    0x202e, 0x2060, 0x206f, 0xfeff };
	static const uint32_t harmless[] = { 0x20, 0x7e, 0xa0, 0x061b, 0x061d, 0x200a, 0x2010, 0x2027,
					     0x202f, 0x205f, 0x2070, 0xfefe, 0xff00, 0x1f600 };
	char in[8], out[32];
	size_t i;

	for (i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++) {
		encode(harmful[i], in);
		text_escape(in, out, sizeof(out));
		ok(*out == '\\' && !text_is_harmless(in), "U+%04X is shown by its number", harmful[i]);
	}
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		encode(harmless[i], in);
		text_escape(in, out, sizeof(out));
		ok(!strcmp(in, out) && text_is_harmless(in), "U+%04X as it is", harmless[i]);
	}
	ok(!text_is_harmless("\xff"), "what is no UTF-8 is not harmless");
	text_escape("abc\ndef", out, 6);
	is_text(out, "abc", "what does not fit is left out whole");
}

/* Whatever goes in, only printable characters come out. */
static void test_escape_all(void)
{
	unsigned int wrong = 0, i, j;
	char in[33], out[300];

	for (i = 0; i < 20000; i++) {
		for (j = 0; j < sizeof(in) - 1; j++)
			in[j] = (char)(1 + test_random_below(255));
		in[j] = '\0';
		text_escape(in, out, sizeof(out));
		for (j = 0; out[j]; j++)
			wrong += (unsigned char)out[j] < 0x20 || out[j] == 0x7f;
		text_clean(out, in, sizeof(in));
	}
	is_number(wrong, 0, "no control character passes in 20000 random texts");
}

static void test_width(void)
{
	is_number(text_width("abc"), 3, "width of letters");
	is_number(text_width("\xc3\xa4\xc3\xb6"), 2, "width of two characters of two bytes");
	is_number(text_width("\xe6\x97\xa5"), 2, "width of a wide character");
	is_number(text_fit("\xe6\x97\xa5\xe6\x97\xa5", 3), 3, "no half of a wide character");
	is_number(text_fit("abc", 2), 2, "what fits of letters");
	is_number(text_fit("abc", 9), 3, "all fits");
	is_number(text_width("a\xff\x01"), 3, "what cannot be shown has a width, too");
	is_number(text_fit("a\xff\x01" "b", 3), 3, "and is cut like letters");
}

static void test_near(void)
{
	struct nearest near = {};
	char longer[70] = "";

	ok(text_near("wbe1", "web1"), "swapped letters are near");
	ok(text_near("WEB1", "web1"), "letter case is near");
	ok(text_near("snap", "snapshot"), "a beginning is near");
	ok(!text_near("database", "web1"), "another word is not near");
	ok(!text_near("x", "y"), "one letter is not near another");
	ok(!text_near("", "web1"), "nothing is near to nothing");
	ok(!text_near("web1", ""), "either way");
	memset(longer, 'x', sizeof(longer) - 1);
	ok(!text_near(longer, longer + 1), "nor are words near that are too long to be compared");
	ok(text_near_number("1234", "12345", 1) && text_near_number("123", "12345", 0),
	   "numbers are near by a digit, or as a beginning");
	ok(!text_near_number("1", "2", 1) && !text_near_number("12", "1", 1) &&
	   !text_near_number(longer, "1234", 1) && !text_near_number("1234", longer, 1),
	   "and not if that is all there is of them, or too much");
	text_offer(&near, "form", "sort");
	text_offer(&near, "form", "from");
	text_offer(&near, "form", "fork");
	is_text(near.word, "from", "the nearest is offered, and of equal ones the first");
}

void test_text_functions(void)
{
	test_clean();
	test_escape();
	test_escape_ranges();
	test_escape_all();
	test_width();
	test_near();
}
