/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See packet.h. */
#include "pv-backends/net/packet.h"

#include <errno.h>
#include <string.h>

#define ETH_HEADER 14u
#define ETH_VLAN   0x8100
#define ETH_IPV4   0x0800
#define ETH_IPV6   0x86dd
#define PROTO_TCP  6
#define PROTO_UDP  17
#define PAGE       4096u

/* ---- the ring ---- */

/* The extra infos behind the first request. False: they do not end before `prod`. */
static bool decode_extras(const struct netif_tx_back_ring *ring, RING_IDX cons, RING_IDX prod,
                          struct net_request *r)
{
    struct netif_extra_info extra;

    do {
        if (cons + r->slots == prod)
            return false;
        memcpy(&extra, RING_GET_REQUEST(ring, cons + r->slots), sizeof(extra));
        r->id[r->slots++] = -1;
        if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO && r->gso_type == XEN_NETIF_GSO_TYPE_NONE) {
            r->gso_type = extra.u.gso.type;
            r->gso_size = extra.u.gso.size;
            r->good &= extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4 ||
                       extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6;
            r->good &= extra.u.gso.size != 0;
        } else {
            /* Nothing else was offered. */
            r->good = false;
        }
    } while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
    return true;
}

static void add_fragment(struct net_request *r, const struct netif_tx_request *t, uint16_t size)
{
    if (size == 0 || size > PAGE || t->offset > PAGE - size)
        r->good = false;
    if (r->fragments == NET_MAX_FRAGMENTS)
        r->good = false;
    else
        r->fragment[r->fragments++] = (struct net_fragment){t->gref, t->offset, size};
}

/* The first request has the whole packet's size: what the others do not have is its own. */
static void check_size(struct net_request *r, const struct netif_tx_request *first, uint32_t others)
{
    r->size = first->size;
    if (first->size < NET_MIN_PACKET || first->size <= others) {
        r->good = false;
        return;
    }
    uint32_t own = first->size - others;

    if (own > PAGE || first->offset > PAGE - own)
        r->good = false;
    r->fragment[0].size = (uint16_t)own;
}

static int incomplete(const struct netif_tx_back_ring *ring, RING_IDX cons, RING_IDX prod)
{
    return prod - cons >= RING_SIZE(ring) ? -EPROTO : 0;
}

int net_request_decode(const struct netif_tx_back_ring *ring, RING_IDX cons, RING_IDX prod,
                       struct net_request *r)
{
    struct netif_tx_request first, t;
    uint32_t others = 0;

    RING_COPY_REQUEST(ring, cons, &first);
    r->slots = 1;
    r->id[0] = first.id;
    r->fragments = 1;
    r->fragment[0] = (struct net_fragment){first.gref, first.offset, 0};
    r->good = true;
    r->csum_blank = first.flags & NETTXF_csum_blank;
    r->gso_type = XEN_NETIF_GSO_TYPE_NONE;
    r->gso_size = 0;
    if ((first.flags & NETTXF_extra_info) && !decode_extras(ring, cons, prod, r))
        return incomplete(ring, cons, prod);
    t = first;
    while (t.flags & NETTXF_more_data) {
        if (cons + r->slots == prod)
            return incomplete(ring, cons, prod);
        RING_COPY_REQUEST(ring, cons + r->slots, &t);
        r->id[r->slots++] = t.id;
        others += t.size;
        add_fragment(r, &t, t.size);
    }
    check_size(r, &first, others);
    if (r->gso_type != XEN_NETIF_GSO_TYPE_NONE)
        r->csum_blank = true;
    return 1;
}

/* ---- headers ---- */

static unsigned int get16(const uint8_t *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned int v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
    uint64_t all = s;

    for (; len > 1; p += 2, len -= 2)
        all += get16(p);
    if (len > 0)
        all += (unsigned int)p[0] << 8;
    while (all >> 16)
        all = (all & 0xffff) + (all >> 16);
    return (uint32_t)all;
}

struct headers {
    bool ipv6;
    uint8_t protocol;
    size_t network, transport, end;
};

static int find_ipv4(const uint8_t *p, size_t len, struct headers *h)
{
    const uint8_t *ip = p + h->network;
    size_t header, total;

    if (len - h->network < 20 || ip[0] >> 4 != 4)
        return -EINVAL;
    header = (ip[0] & 15u) * 4u;
    total = get16(ip + 2);
    /* A fragment's transport header is not there, or its checksum is not over what is here. */
    if (header < 20 || total < header || h->network + total > len || (get16(ip + 6) & 0x3fff) != 0)
        return -EINVAL;
    h->protocol = ip[9];
    h->transport = h->network + header;
    h->end = h->network + total;
    return 0;
}

static int find_ipv6(const uint8_t *p, size_t len, struct headers *h)
{
    const uint8_t *ip = p + h->network;
    size_t at = 40;

    if (len - h->network < 40)
        return -EINVAL;
    h->ipv6 = true;
    h->end = h->network + 40 + get16(ip + 4);
    h->protocol = ip[6];
    if (h->end > len)
        return -EINVAL;
    /* Hop-by-hop, routing and destination options stand before the transport's header. */
    while (h->protocol == 0 || h->protocol == 43 || h->protocol == 60) {
        if (h->network + at + 8 > h->end)
            return -EINVAL;
        h->protocol = ip[at];
        at += (ip[at + 1] + 1u) * 8u;
    }
    h->transport = h->network + at;
    return h->transport <= h->end ? 0 : -EINVAL;
}

static int find_headers(const uint8_t *p, size_t len, struct headers *h)
{
    unsigned int type;

    *h = (struct headers){.network = ETH_HEADER};
    if (len < ETH_HEADER)
        return -EINVAL;
    type = get16(p + 12);
    if (type == ETH_VLAN && len >= ETH_HEADER + 4) {
        type = get16(p + 16);
        h->network += 4;
    }
    return type == ETH_IPV4   ? find_ipv4(p, len, h)
           : type == ETH_IPV6 ? find_ipv6(p, len, h)
                              : -EINVAL;
}

/* ---- checksums ---- */

int net_packet_blank(uint8_t *packet, size_t len, bool segments, struct net_offload *o)
{
    struct headers h;
    size_t need;
    uint32_t s;

    if (find_headers(packet, len, &h) < 0 || (h.protocol != PROTO_TCP && h.protocol != PROTO_UDP))
        return -EINVAL;
    need = h.protocol == PROTO_TCP ? 20 : 8;
    if (h.end - h.transport < need || (segments && h.protocol != PROTO_TCP))
        return -EINVAL;
    if (segments && (o->gso_type == XEN_NETIF_GSO_TYPE_TCPV6) != h.ipv6)
        return -EINVAL;
    o->checksum = true;
    o->csum_start = (uint16_t)h.transport;
    o->csum_offset = h.protocol == PROTO_TCP ? 16 : 6;
    o->csum_end = (uint32_t)h.end;
    /* The pseudo header: both addresses, the protocol, the length. */
    s = sum(packet + h.network + (h.ipv6 ? 8 : 12), h.ipv6 ? 32 : 8, h.protocol);
    s += (uint32_t)(h.end - h.transport);
    put16(packet + h.transport + o->csum_offset, sum(NULL, 0, s));
    return 0;
}

void net_packet_complete(uint8_t *packet, size_t len, struct net_offload *o)
{
    uint8_t *field = packet + o->csum_start + o->csum_offset;
    unsigned int s;

    if (!o->checksum || o->csum_end > len ||
        o->csum_start + (size_t)o->csum_offset + 2 > o->csum_end)
        return;
    s = ~sum(packet + o->csum_start, o->csum_end - o->csum_start, 0) & 0xffff;
    /* In UDP zero means "none"; in both, 0xffff is the same sum. */
    put16(field, s == 0 ? 0xffff : s);
    o->checksum = false;
}

uint32_t net_packet_flow(const uint8_t *packet, size_t len)
{
    struct headers h;
    uint32_t hash = 0x811c9dc5; /* FNV-1a */
    size_t from, to;

    if (find_headers(packet, len, &h) < 0)
        return 0;
    from = h.network + (h.ipv6 ? 8 : 12);
    to = h.network + (h.ipv6 ? 40 : 20);
    for (size_t i = from; i < to; i++)
        hash = (hash ^ packet[i]) * 0x01000193;
    if ((h.protocol == PROTO_TCP || h.protocol == PROTO_UDP) && h.end - h.transport >= 4)
        for (size_t i = h.transport; i < h.transport + 4; i++)
            hash = (hash ^ packet[i]) * 0x01000193;
    return hash ^ hash >> 16;
}
