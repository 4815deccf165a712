/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See frames.h. Offsets, RFC 826, 791, 792:
 *
 *   Ethernet   0 destination, 6 source, 12 type
 *   ARP       14 hardware 1, 16 protocol 0x800, 18 lengths 6 4, 20 operation, 22 sender, 28 its address, 32 target, 38 its address
 *   IPv4      14 version and words of the header, 16 length, 23 protocol, 24 checksum, 26 source, 30 destination
 *   ICMP      behind it: type, code, checksum
 */
#include "frames.h"
#include "kit/string.h"

#define TYPE_ARP  0x0806
#define TYPE_IPV4 0x0800
#define ARP_BYTES 42

static unsigned int get16(const uint8_t *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned int value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value & 0xffff);
}

/* The one's complement of the sum of 16-bit words (RFC 1071). */
static unsigned int checksum(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;

    for (; n > 1; n -= 2, p += 2) {
        sum += get16(p);
    }
    if (n == 1) {
        sum += (uint32_t)p[0] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum & 0xffff;
}

uint32_t frame_address(const char *text)
{
    uint32_t address = 0, part = 0;
    unsigned int dots = 0;

    for (; *text != '\0' && *text != ' '; text++) {
        if (*text == '.') {
            dots++;
            address = address << 8 | part;
            part = 0;
        } else if (*text >= '0' && *text <= '9') {
            part = (part * 10 + (uint32_t)(*text - '0')) & 0xff;
        } else {
            return 0;
        }
    }
    return dots == 3 ? address << 8 | part : 0;
}

static void arp(struct frame *f, unsigned int operation, const uint8_t mac[6], uint32_t own,
                const uint8_t peer[6], uint32_t target)
{
    uint8_t *p = f->bytes;

    memcpy(p, peer, 6);
    memcpy(p + 6, mac, 6);
    put16(p + 12, TYPE_ARP);
    put16(p + 14, 1);
    put16(p + 16, TYPE_IPV4);
    put16(p + 18, 0x0604);
    put16(p + 20, operation);
    memcpy(p + 22, mac, 6);
    put32(p + 28, own);
    memcpy(p + 32, peer, 6);
    put32(p + 38, target);
    f->length = ARP_BYTES;
}

void frame_arp_request(struct frame *f, const uint8_t mac[6], uint32_t own, uint32_t target)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    arp(f, 1, mac, own, everybody, target);
}

static bool is_arp(const struct frame *f, unsigned int operation)
{
    return f->length >= ARP_BYTES && get16(f->bytes + 12) == TYPE_ARP &&
           get16(f->bytes + 20) == operation;
}

bool frame_is_arp_reply(const struct frame *f, uint32_t target, uint8_t mac[6])
{
    if (!is_arp(f, 2) || get32(f->bytes + 28) != target) {
        return false;
    }
    memcpy(mac, f->bytes + 22, 6);
    return true;
}

/* The header's and the message's sums must be right: nobody else looks. */
static bool answer_echo(struct frame *f, const uint8_t mac[6], uint32_t own)
{
    uint8_t *ip = f->bytes + 14;
    size_t header = (ip[0] & 15u) * 4, total = get16(ip + 2);

    if (ip[0] >> 4 != 4 || header < 20 || total < header + 8 || total > f->length - 14 ||
        ip[9] != 1 || get32(ip + 16) != own || checksum(ip, header) != 0) {
        return false;
    }
    uint8_t *icmp = ip + header;
    if (icmp[0] != 8 || checksum(icmp, total - header) != 0) {
        return false;
    }
    memcpy(f->bytes, f->bytes + 6, 6);
    memcpy(f->bytes + 6, mac, 6);
    memcpy(ip + 16, ip + 12, 4);
    put32(ip + 12, own);
    put16(ip + 10, 0);
    put16(ip + 10, checksum(ip, header));
    icmp[0] = 0;
    put16(icmp + 2, 0);
    put16(icmp + 2, checksum(icmp, total - header));
    f->length = 14 + total;
    return true;
}

bool frame_answer(struct frame *f, const uint8_t mac[6], uint32_t own)
{
    if (is_arp(f, 1) && get32(f->bytes + 38) == own) {
        uint8_t peer[6];

        memcpy(peer, f->bytes + 22, 6);
        arp(f, 2, mac, own, peer, get32(f->bytes + 28));
        return true;
    }
    return f->length >= 14 + 28 && get16(f->bytes + 12) == TYPE_IPV4 && answer_echo(f, mac, own);
}
