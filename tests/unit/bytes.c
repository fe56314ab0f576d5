// SPDX-License-Identifier: GPL-2.0
/* Attributes as the kernel lays them out: length, type, data, padding to four. */
#include "bytes.h"

#include <string.h>

void put_attr(struct bytes *bytes, uint16_t type, const void *data, size_t len)
{
	uint16_t head[2] = { (uint16_t)(len + 4), type };

	memcpy(bytes->data + bytes->len, head, 4);
	if (len)
		memcpy(bytes->data + bytes->len + 4, data, len);
	memset(bytes->data + bytes->len + 4 + len, 0, (4 - len % 4) % 4);
	bytes->len += 4 + (len + 3) / 4 * 4;
}

void put_u8(struct bytes *bytes, uint16_t type, uint8_t value)
{
	put_attr(bytes, type, &value, sizeof(value));
}

void put_u32(struct bytes *bytes, uint16_t type, uint32_t value)
{
	put_attr(bytes, type, &value, sizeof(value));
}

void put_u64(struct bytes *bytes, uint16_t type, uint64_t value)
{
	put_attr(bytes, type, &value, sizeof(value));
}

void put_text(struct bytes *bytes, uint16_t type, const char *text)
{
	put_attr(bytes, type, text, strlen(text) + 1);
}
