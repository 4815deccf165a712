/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets: where they lie in a guest's transmit ring, and what their sender left to others: the checksum of TCP or UDP, and
 * the cutting into segments. Pure functions: a guest's entries are copied once, checked here, and used from the copy.
 */
#ifndef PVB_PACKET_H
#define PVB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypercalls/abi/io-netif.h"

#define NET_MAX_FRAGMENTS XEN_NETIF_NR_SLOTS_MIN
#define NET_MAX_PACKET    65535u
#define NET_MIN_PACKET    14u /* an Ethernet header */
#define NET_RING_SIZE     256u

/* What is still to be done to a packet. Offsets count from the packet's begin. */
struct net_offload {
    bool
        checksum; /* of the bytes from csum_start to csum_end, to be stored at csum_start + csum_offset */
    uint16_t csum_start, csum_offset;
    uint32_t csum_end;
    uint8_t gso_type; /* XEN_NETIF_GSO_TYPE_* */
    uint16_t gso_size;
};

struct net_fragment {
    uint32_t gref;
    uint16_t offset, size;
};

/* One packet of the transmit ring. */
struct net_request {
    unsigned int slots; /* entries of the ring, each of which is to be answered */
    unsigned int fragments;
    uint32_t size;
    bool good; /* else it is only to be answered: dropped */
    bool csum_blank;
    uint8_t gso_type;
    uint16_t gso_size;
    struct net_fragment fragment[NET_MAX_FRAGMENTS];
    int32_t id[NET_RING_SIZE]; /* of each entry; -1: an extra info, which has none */
};

/* Decodes the packet that begins at `cons`. 1; 0: the guest has not written all of it; -EPROTO: there is no end to it. */
int net_request_decode(const struct netif_tx_back_ring *ring, RING_IDX cons, RING_IDX prod,
                       struct net_request *r);

/* Finds the checksum that the sender left blank, and puts the pseudo header's sum there, which whoever completes it expects.
 * -EINVAL: this is no TCP or UDP packet whose checksum one could complete. */
int net_packet_blank(uint8_t *packet, size_t len, bool segments, struct net_offload *o);

/* Completes the checksum. `o` is changed: nothing is left to do. */
void net_packet_complete(uint8_t *packet, size_t len, struct net_offload *o);

/* A number that is the same for all packets of a connection. */
uint32_t net_packet_flow(const uint8_t *packet, size_t len);

#endif
