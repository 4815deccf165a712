/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Partition tables (UEFI specification, chapter 5; the MBR's layout is older than any).
 *
 *   MBR, sector 0:  446: four entries of 16 bytes; 510: 55 aa
 *     entry         0: 80 = active; 4: type; 8: first sector; 12: sectors       (little-endian, of 512 bytes)
 *   extended        a chain of such sectors: entry 0 is a logical partition, from its sector on; entry 1 the next
 *                   sector of the chain, from the first one on
 *   GPT, sector 1:  0: "EFI PART"; 72: sector of the array; 80: entries; 84: bytes of one
 *     entry         0: type (zero: unused); 32: first sector; 40: last; 48: attributes, bit 2 = legacy bootable
 */
#include "dom0-toolstack/bootloader/disk.h"

#include <errno.h>
#include <string.h>

#include "dom0-toolstack/bootloader/bytes.h"

#define MBR_ENTRIES   446
#define MBR_ACTIVE    0x80
#define TYPE_GPT      0xee
#define MAX_LOGICAL   60
#define GPT_MAX_ENTRY 4096

int disk_read(struct disk *d, uint64_t offset, void *to, size_t n)
{
    if (offset > d->size || n > d->size - offset)
        return -EIO;
    return d->read(d, offset, to, n);
}

/* `first` and `sectors` in units of `unit` bytes; false where it is not within the disk. */
static bool add(const struct disk *d, struct partition *out, unsigned int *n, unsigned int number,
                uint64_t first, uint64_t sectors, unsigned int unit, bool active)
{
    uint64_t all = d->size / unit;

    if (*n == MAX_PARTITIONS || sectors == 0 || first == 0 || first >= all || sectors > all - first)
        return false;
    out[(*n)++] = (struct partition){number, first * unit, sectors * unit, active};
    return true;
}

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static void read_logical(struct disk *d, uint64_t first, struct partition *out, unsigned int *n)
{
    uint64_t at = first;

    for (unsigned int i = 0; i < MAX_LOGICAL; i++) {
        uint8_t s[512];
        const uint8_t *e = s + MBR_ENTRIES, *next = e + 16;

        if (disk_read(d, at * 512, s, sizeof(s)) < 0 || s[510] != 0x55 || s[511] != 0xaa)
            return;
        add(d, out, n, 5 + i, at + get_le32(e + 8), get_le32(e + 12), 512, e[0] == MBR_ACTIVE);
        if (!is_extended(next[4]) || get_le32(next + 8) == 0)
            return;
        at = first + get_le32(next + 8);
    }
}

static void read_mbr(struct disk *d, const uint8_t *sector, struct partition *out, unsigned int *n)
{
    for (unsigned int i = 0; i < 4; i++) {
        const uint8_t *e = sector + MBR_ENTRIES + 16 * i;

        if (is_extended(e[4]))
            read_logical(d, get_le32(e + 8), out, n);
        else if (e[4] != 0)
            add(d, out, n, i + 1, get_le32(e + 8), get_le32(e + 12), 512, e[0] == MBR_ACTIVE);
    }
}

/* False: there is no GPT for sectors of that size. */
static bool read_gpt(struct disk *d, unsigned int unit, struct partition *out, unsigned int *n)
{
    uint8_t h[92], e[128];
    uint64_t array;
    uint32_t count, size;

    if (disk_read(d, unit, h, sizeof(h)) < 0 || memcmp(h, "EFI PART", 8) != 0)
        return false;
    array = get_le64(h + 72);
    count = get_le32(h + 80);
    size = get_le32(h + 84);
    if (size < sizeof(e) || size > GPT_MAX_ENTRY || array >= d->size / unit)
        return false;
    for (uint32_t i = 0; i < count && i < MAX_PARTITIONS; i++) {
        static const uint8_t unused[16];
        uint64_t first, last;

        if (disk_read(d, array * unit + (uint64_t)i * size, e, sizeof(e)) < 0)
            break;
        first = get_le64(e + 32);
        last = get_le64(e + 40);
        if (memcmp(e, unused, 16) != 0 && last >= first && last != UINT64_MAX)
            add(d, out, n, i + 1, first, last - first + 1, unit, e[48] & 4);
    }
    return true;
}

unsigned int disk_partitions(struct disk *d, struct partition out[MAX_PARTITIONS],
                             const char **kind)
{
    uint8_t sector[512];
    unsigned int n = 0;

    *kind = "no";
    if (disk_read(d, 0, sector, sizeof(sector)) < 0 || sector[510] != 0x55 || sector[511] != 0xaa)
        return 0;
    if (read_gpt(d, 512, out, &n) || read_gpt(d, 4096, out, &n)) {
        *kind = "GPT";
        return n;
    }
    read_mbr(d, sector, out, &n);
    /* The boot sector of a file system ends in the same mark. */
    if (n > 0)
        *kind = "MBR";
    return n;
}
