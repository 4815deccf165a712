/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hospes-net makes of a guest's transmit ring and of packets: each form that a packet can have, each mistake, and
 * entries and packets of random bytes, for which what was decoded must stay within bounds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/net/packet.h"
#include "tests/unit/toolstack_test.h"

static union {
    struct netif_tx_sring shared;
    uint8_t page[4096];
} page;
static struct netif_tx_back_ring ring;
static struct net_request r;

static void begin(void)
{
    memset(&page, 0, sizeof(page));
    BACK_RING_INIT(&ring, &page.shared, 4096);
}

static void put(RING_IDX at, uint32_t gref, unsigned int offset, unsigned int flags,
                unsigned int size)
{
    *RING_GET_REQUEST(&ring, at) = (struct netif_tx_request){
        gref, (uint16_t)offset, (uint16_t)flags, (uint16_t)(at + 1000), (uint16_t)size};
}

static void put_gso(RING_IDX at, unsigned int type, unsigned int size, unsigned int flags)
{
    struct netif_extra_info x = {.type = XEN_NETIF_EXTRA_TYPE_GSO, .flags = (uint8_t)flags};

    x.u.gso.type = (uint8_t)type;
    x.u.gso.size = (uint16_t)size;
    memcpy(RING_GET_REQUEST(&ring, at), &x, sizeof(x));
}

/* ---- the ring ---- */

static void one_slot(void)
{
    begin();
    put(0, 7, 100, NETTXF_csum_blank, 1500);
    CHECK(net_request_decode(&ring, 0, 1, &r) == 1);
    CHECK(r.good && r.slots == 1 && r.fragments == 1 && r.size == 1500 && r.csum_blank);
    CHECK(r.fragment[0].gref == 7 && r.fragment[0].offset == 100 && r.fragment[0].size == 1500);
    CHECK(r.id[0] == 1000 && r.gso_type == XEN_NETIF_GSO_TYPE_NONE);
    put(0, 7, 0, 0, 4096);
    CHECK(net_request_decode(&ring, 0, 1, &r) == 1 && r.good && !r.csum_blank);
}

static void segments(void)
{
    /* Over the ring's end. */
    begin();
    put(254, 1, 2, NETTXF_extra_info | NETTXF_more_data, 9000);
    put_gso(255, XEN_NETIF_GSO_TYPE_TCPV4, 1448, 0);
    put(256, 2, 0, NETTXF_more_data, 4096);
    put(257, 3, 10, 0, 4000);
    CHECK(net_request_decode(&ring, 254, 258, &r) == 1);
    CHECK(r.good && r.slots == 4 && r.fragments == 3 && r.gso_type == XEN_NETIF_GSO_TYPE_TCPV4);
    CHECK(r.gso_size == 1448 && r.csum_blank);
    CHECK(r.fragment[0].size == 9000 - 4096 - 4000 && r.fragment[2].offset == 10);
    CHECK(r.id[0] == 1254 && r.id[1] == -1 && r.id[2] == 1256 && r.id[3] == 1257);
    for (RING_IDX prod = 255; prod < 258; prod++)
        CHECK(net_request_decode(&ring, 254, prod, &r) == 0);
}

/* Dropped, with all its entries answered. */
static bool dropped(unsigned int slots)
{
    return net_request_decode(&ring, 0, slots, &r) == 1 && !r.good && r.slots == slots;
}

static void mistakes(void)
{
    begin();
    put(0, 1, 4000, 0, 97);
    CHECK(dropped(1)); /* over its page's end */
    put(0, 1, 0xffff, 0, 100);
    CHECK(dropped(1));
    put(0, 1, 0, 0, 4097);
    CHECK(dropped(1));
    put(0, 1, 0, 0, 13);
    CHECK(dropped(1)); /* no header */
    put(0, 1, 0, NETTXF_more_data, 1000);
    put(1, 1, 0, 0, 1000);
    CHECK(dropped(2)); /* nothing left for the first */
    put(1, 1, 0, 0, 0);
    CHECK(dropped(2));
    put(1, 1, 4090, 0, 7);
    CHECK(dropped(2));
    put(0, 1, 0, NETTXF_extra_info, 1000);
    put_gso(1, XEN_NETIF_GSO_TYPE_NONE, 1448, 0);
    CHECK(dropped(2));
    put_gso(1, XEN_NETIF_GSO_TYPE_TCPV4, 0, 0);
    CHECK(dropped(2));
    put_gso(1, 3, 1448, 0);
    CHECK(dropped(2));
    put_gso(1, XEN_NETIF_GSO_TYPE_TCPV4, 1448, XEN_NETIF_EXTRA_FLAG_MORE);
    put_gso(2, XEN_NETIF_GSO_TYPE_TCPV4, 1448, 0);
    CHECK(dropped(3)); /* twice */
}

static void too_many(void)
{
    begin();
    for (unsigned int i = 0; i < 18; i++)
        put(i, i, 0, i < 17 ? NETTXF_more_data : 0, i == 0 ? 1800 : 100);
    CHECK(net_request_decode(&ring, 0, 18, &r) == 1 && r.good && r.fragments == 18);
    put(17, 17, 0, NETTXF_more_data, 100);
    put(18, 18, 0, 0, 100);
    put(0, 0, 0, NETTXF_more_data, 1900);
    CHECK(dropped(19));
    for (unsigned int i = 0; i < 256; i++)
        put(i, i, 0, NETTXF_more_data, 1);
    CHECK(net_request_decode(&ring, 0, 255, &r) == 0);
    CHECK(net_request_decode(&ring, 0, 256, &r) == -EPROTO);
    put(0, 0, 0, NETTXF_extra_info, 1000);
    for (unsigned int i = 1; i < 256; i++)
        put_gso(i, XEN_NETIF_GSO_TYPE_TCPV4, 1448, XEN_NETIF_EXTRA_FLAG_MORE);
    CHECK(net_request_decode(&ring, 0, 256, &r) == -EPROTO);
}

static void random_rings(void)
{
    unsigned int good = 0, bad = 0;

    for (unsigned int round = 0; round < 200000; round++) {
        RING_IDX cons = test_random();
        unsigned int n = test_random() % 257;
        uint32_t sum = 0;

        BACK_RING_INIT(&ring, &page.shared, 4096);
        for (unsigned int i = 0; i < 24; i++)
            put(cons + i, test_random(), test_random() % 5000,
                test_random() % 20 == 0 ? 15 : test_random() & 4,
                i == 0 ? test_random() % 65536 : test_random() % 4500);
        int rc = net_request_decode(&ring, cons, cons + n, &r);

        if (n == 0)
            continue;
        CHECK(rc == 1 || (rc == 0 && n < 256) || (rc == -EPROTO && n == 256));
        if (rc != 1)
            continue;
        CHECK(r.slots >= 1 && r.slots <= n && r.fragments >= 1 && r.fragments <= NET_MAX_FRAGMENTS);
        for (unsigned int i = 0; r.good && i < r.fragments; i++) {
            CHECK(r.fragment[i].size > 0 && r.fragment[i].offset + r.fragment[i].size <= 4096);
            sum += r.fragment[i].size;
        }
        CHECK(!r.good || (sum == r.size && sum <= NET_MAX_PACKET));
        good += r.good;
        bad += !r.good;
    }
    CHECK(good > 1000 && bad > 1000);
}

/* ---- checksums ---- */

static uint8_t packet[2048];

/* The sum of 16-bit words as RFC 1071 has it, written once more. */
static uint32_t plain_sum(const uint8_t *p, size_t len)
{
    uint32_t s = 0;

    for (size_t i = 0; i < len; i++)
        s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    return s;
}

static bool right(size_t addresses, size_t addresses_len, unsigned int protocol, size_t transport,
                  size_t len)
{
    uint32_t s = plain_sum(packet + addresses, addresses_len) + protocol +
                 (uint32_t)(len - transport) + plain_sum(packet + transport, len - transport);

    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s == 0xffff;
}

static void fill(size_t len)
{
    for (size_t i = 0; i < len; i++)
        packet[i] = (uint8_t)test_random();
}

static size_t make_ipv4(size_t at, unsigned int words, unsigned int protocol, size_t len)
{
    fill(sizeof(packet));
    packet[at - 2] = 0x08;
    packet[at - 1] = 0x00;
    packet[at] = (uint8_t)(0x40 + words);
    packet[at + 2] = (uint8_t)((len - at) >> 8);
    packet[at + 3] = (uint8_t)(len - at);
    packet[at + 6] = 0x40; /* do not fragment */
    packet[at + 7] = 0;
    packet[at + 9] = (uint8_t)protocol;
    return at + words * 4;
}

static void ipv4(void)
{
    for (unsigned int round = 0; round < 2000; round++) {
        size_t at = round % 2 ? 14 : 18, len = 200 + test_random() % 1300;
        unsigned int words = 5 + test_random() % 11, protocol = round % 3 ? 6 : 17;
        size_t transport = make_ipv4(at, words, protocol, len);
        struct net_offload o = {.checksum = false};

        if (at == 18) {
            packet[12] = 0x81;
            packet[13] = 0;
        }
        /* Ethernet may have padded it. */
        CHECK(net_packet_blank(packet, len + 5, false, &o) == 0);
        CHECK(o.csum_start == transport && o.csum_offset == (protocol == 6 ? 16 : 6) &&
              o.csum_end == len);
        net_packet_complete(packet, len + 5, &o);
        CHECK(!o.checksum && right(at + 12, 8, protocol, transport, len));
        CHECK(protocol == 6 || packet[transport + 6] != 0 || packet[transport + 7] != 0);
    }
}

static void ipv6(void)
{
    for (unsigned int round = 0; round < 2000; round++) {
        size_t len = 300 + test_random() % 1200, transport = 54;
        unsigned int protocol = round % 2 ? 6 : 17;
        struct net_offload o = {.gso_type = XEN_NETIF_GSO_TYPE_TCPV6};

        fill(sizeof(packet));
        packet[12] = 0x86;
        packet[13] = 0xdd;
        packet[18] = (uint8_t)((len - 54) >> 8);
        packet[19] = (uint8_t)(len - 54);
        packet[20] = (uint8_t)protocol;
        if (round % 3 == 0) {
            packet[20] = 60; /* destination options */
            packet[54] = (uint8_t)protocol;
            packet[55] = 1;
            transport += 16;
        }
        CHECK(net_packet_blank(packet, len, protocol == 6, &o) == 0 && o.csum_start == transport);
        net_packet_complete(packet, len, &o);
        CHECK(right(22, 32, protocol, transport, len));
        CHECK(protocol == 6 || net_packet_blank(packet, len, true, &o) == -EINVAL);
        o.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
        CHECK(protocol == 17 || net_packet_blank(packet, len, true, &o) == -EINVAL);
    }
}

static void no_checksum(void)
{
    struct net_offload o = {.checksum = false};

    make_ipv4(14, 5, 1, 100); /* ICMP */
    CHECK(net_packet_blank(packet, 100, false, &o) == -EINVAL);
    make_ipv4(14, 5, 6, 100);
    CHECK(net_packet_blank(packet, 99, false, &o) == -EINVAL); /* cut */
    CHECK(net_packet_blank(packet, 10, false, &o) == -EINVAL);
    packet[20] = 0x20; /* more fragments */
    CHECK(net_packet_blank(packet, 100, false, &o) == -EINVAL);
    make_ipv4(14, 4, 6, 100);
    CHECK(net_packet_blank(packet, 100, false, &o) == -EINVAL);
    make_ipv4(14, 5, 6, 14 + 20 + 19);
    CHECK(net_packet_blank(packet, 100, false, &o) == -EINVAL); /* half a TCP header */
    packet[12] = 0x08;
    packet[13] = 0x06; /* ARP */
    CHECK(net_packet_blank(packet, 100, false, &o) == -EINVAL && !o.checksum);
}

/* Random bytes behind plausible headers, in memory of exactly their length: ASan watches. */
static void random_packets(void)
{
    for (unsigned int round = 0; round < 200000; round++) {
        size_t len = test_random() % 130;
        struct net_offload o = {.gso_type = (uint8_t)(test_random() % 3)};
        uint8_t *p = malloc(len + 1);

        CHECK(p != NULL);
        for (size_t i = 0; i < len; i++)
            p[i] = test_random() % 2 ? 0 : (uint8_t)test_random();
        if (len > 24) {
            p[12] = round % 2 ? 0x08 : 0x86;
            p[13] = round % 2 ? 0x00 : 0xdd;
            p[14] = round % 2 ? (uint8_t)(0x45 + test_random() % 3) : 0x60;
            p[round % 2 ? 23 : 20] = round % 3 ? 6 : test_random() % 2 ? 17 : 60;
        }
        uint8_t *exact = realloc(p, len ? len : 1);

        CHECK(exact != NULL);
        if (net_packet_blank(exact, len, round % 5 == 0, &o) == 0) {
            CHECK(o.csum_end <= len && o.csum_start + o.csum_offset + 2u <= o.csum_end);
            net_packet_complete(exact, len, &o);
        }
        /* What an interface of Domain 0 says is looked at, too. */
        o = (struct net_offload){true,
                                 (uint16_t)test_random(),
                                 (uint16_t)(test_random() % 100),
                                 (uint32_t)(test_random() % 200),
                                 0,
                                 0};
        net_packet_complete(exact, len, &o);
        (void)net_packet_flow(exact, len);
        free(exact);
    }
}

int main(void)
{
    static const struct test tests[] = {
        {"one_slot", one_slot}, {"segments", segments},         {"mistakes", mistakes},
        {"too_many", too_many}, {"random_rings", random_rings}, {"ipv4", ipv4},
        {"ipv6", ipv6},         {"no_checksum", no_checksum},   {"random_packets", random_packets},
    };

    return test_run("packet", tests, sizeof(tests) / sizeof(tests[0]));
}
