// SPDX-License-Identifier: GPL-2.0
/* Untrusted text: made valid, made harmless, measured and compared. */
#include "text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define NEAR_MAX 64

const char *text_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Length of a UTF-8 sequence by its first byte; 0 if nothing starts with it. */
static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* Decodes one character. Returns its length, or 0 if the bytes are not UTF-8. */
static size_t decode(const char *in, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)in;
	size_t length = sequence_length(byte[0]), i;

	if (length <= 1) {
		*point = byte[0];
		return length;
	}
	*point = byte[0] & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (byte[i] & 0x3f);
	}
	if (*point < least[length] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return length;
}

static bool append(char **out, size_t *room, const char *bytes, size_t length)
{
	if (length >= *room)
		return false;
	memcpy(*out, bytes, length);
	*out += length;
	*room -= length;
	return true;
}

void text_clean(const char *in, char *out, size_t size)
{
	uint32_t point;
	size_t length;

	while (*in) {
		length = decode(in, &point);
		if (length ? !append(&out, &size, in, length) :
			     !append(&out, &size, REPLACEMENT, strlen(REPLACEMENT)))
			break;
		in += length ? length : 1;
	}
	*out = '\0';
}

/* Characters that move the cursor or turn the direction of what follows. */
static bool is_harmful(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

static size_t escape_one(const char *in, char *piece, size_t size, size_t *used)
{
	uint32_t point;
	size_t length = decode(in, &point);

	*used = length ? length : 1;
	if (!length)
		return snprintf(piece, size, "\\x%02x", (unsigned char)*in);
	if (point == '\\')
		return snprintf(piece, size, "\\\\");
	if (is_harmful(point))
		return snprintf(piece, size, point < 0x80 ? "\\x%02x" : "\\u{%x}", point);
	memcpy(piece, in, length);
	return length;
}

void text_escape(const char *in, char *out, size_t size)
{
	char piece[16];
	size_t used, length;

	while (*in) {
		length = escape_one(in, piece, sizeof(piece), &used);
		if (!append(&out, &size, piece, length))
			break;
		in += used;
	}
	*out = '\0';
}

bool text_is_harmless(const char *text)
{
	uint32_t point;
	size_t length;

	for (; *text; text += length) {
		length = decode(text, &point);
		if (!length || is_harmful(point))
			return false;
	}
	return true;
}

static size_t point_width(uint32_t point)
{
	int width = wcwidth((wchar_t)point);

	return width < 0 ? 1 : (size_t)width;
}

size_t text_fit(const char *text, size_t columns)
{
	size_t done = 0, width = 0, length;
	uint32_t point;

	while (text[done]) {
		length = decode(text + done, &point);
		width += length ? point_width(point) : 1;
		if (width > columns)
			break;
		done += length ? length : 1;
	}
	return done;
}

size_t text_width(const char *text)
{
	size_t width = 0, length;
	uint32_t point;

	for (; *text; text += length ? length : 1) {
		length = decode(text, &point);
		width += length ? point_width(point) : 1;
	}
	return width;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions, replacements and swaps of neighbours; letter case aside. */
static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t cost[NEAR_MAX + 1][NEAR_MAX + 1], i, j;

	for (i = 0; i <= la; i++)
		cost[i][0] = i;
	for (j = 0; j <= lb; j++)
		cost[0][j] = j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			size_t replace = cost[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);

			cost[i][j] = least(replace,
					   least(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[la][lb];
}

/* How far apart two words are; NEAR_MAX if that is too far to be a slip. */
static size_t slip(const char *written, const char *candidate)
{
	size_t lw = strlen(written), lc = strlen(candidate);
	size_t longer = lw > lc ? lw : lc, far;

	if (!lw || !lc || longer > NEAR_MAX)
		return NEAR_MAX;
	if (lw >= 2 && lc > lw && !strncasecmp(written, candidate, lw))
		return 1;
	far = distance(written, lw, candidate, lc);
	return far <= (longer + 2) / 3 && far < longer ? far : NEAR_MAX;
}

void text_offer(struct nearest *nearest, const char *written, const char *candidate)
{
	size_t distance = slip(written, candidate);

	if (distance == NEAR_MAX || (nearest->word && nearest->distance <= distance))
		return;
	nearest->word = candidate;
	nearest->distance = distance;
}

bool text_near(const char *written, const char *candidate)
{
	return slip(written, candidate) < NEAR_MAX;
}

bool text_near_number(const char *written, const char *candidate, size_t wrong)
{
	size_t lw = strlen(written), lc = strlen(candidate);

	if (lw <= wrong || lc <= wrong || lw > NEAR_MAX || lc > NEAR_MAX)
		return false;
	return (lw >= 3 && !strncasecmp(written, candidate, lw)) ||
	       distance(written, lw, candidate, lc) <= wrong;
}
