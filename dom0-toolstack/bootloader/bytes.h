/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as they stand on a disk, at any address. */
#ifndef BOOTLOADER_BYTES_H
#define BOOTLOADER_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_le16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return le16toh(v);
}

static inline uint32_t get_le32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

static inline uint64_t get_le64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

/* The same bytes, the other way round. */
static inline uint16_t get_be16(const uint8_t *p)
{
    return __builtin_bswap16(get_le16(p));
}

static inline uint32_t get_be32(const uint8_t *p)
{
    return __builtin_bswap32(get_le32(p));
}

static inline uint64_t get_be64(const uint8_t *p)
{
    return __builtin_bswap64(get_le64(p));
}

#endif
