/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_TEST_BYTES_H
#define VMSHARE_TEST_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Netlink messages put together by hand, not by the library under test. */
struct bytes {
	size_t len;
	uint8_t data[8192];
};

void put_attr(struct bytes *bytes, uint16_t type, const void *data, size_t len);
void put_u8(struct bytes *bytes, uint16_t type, uint8_t value);
void put_u32(struct bytes *bytes, uint16_t type, uint32_t value);
void put_u64(struct bytes *bytes, uint16_t type, uint64_t value);
void put_text(struct bytes *bytes, uint16_t type, const char *text);

#endif
