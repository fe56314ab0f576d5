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
}

static void test_near(void)
{
	struct nearest near = {};

	ok(text_near("wbe1", "web1"), "swapped letters are near");
	ok(text_near("WEB1", "web1"), "letter case is near");
	ok(text_near("snap", "snapshot"), "a beginning is near");
	ok(!text_near("database", "web1"), "another word is not near");
	ok(!text_near("x", "y"), "one letter is not near another");
	ok(!text_near("", "web1"), "nothing is near to nothing");
	text_offer(&near, "form", "sort");
	text_offer(&near, "form", "from");
	is_text(near.word, "from", "the nearest is offered");
}

void test_text_functions(void)
{
	test_clean();
	test_escape();
	test_escape_all();
	test_width();
	test_near();
}
