/* SPDX-License-Identifier: MIT */
/* The network device's rings: tx from the guest, rx to it, and an optional one for control. */
#ifndef HOSPES_ABI_IO_NETIF_H
#define HOSPES_ABI_IO_NETIF_H

#include "ring.h"
#include "grant_table.h"

#define XEN_NETIF_NR_SLOTS_MIN 18 /* slots per packet that every backend takes */
#define XEN_NETIF_MAX_TX_SIZE  0xFFFF

#define NETIF_RSP_DROPPED      -2
#define NETIF_RSP_ERROR        -1
#define NETIF_RSP_OKAY         0
#define NETIF_RSP_NULL         1 /* the slot of an extra info */

/* --- Transmit --- */

#define _NETTXF_csum_blank     (0) /* the checksum is still to do */
#define NETTXF_csum_blank      (1U << _NETTXF_csum_blank)
#define _NETTXF_data_validated (1)
#define NETTXF_data_validated  (1U << _NETTXF_data_validated)
#define _NETTXF_more_data      (2) /* the packet goes on in the next slot */
#define NETTXF_more_data       (1U << _NETTXF_more_data)
#define _NETTXF_extra_info     (3) /* the next slot is a netif_extra_info */
#define NETTXF_extra_info      (1U << _NETTXF_extra_info)

struct netif_tx_request {
    grant_ref_t gref;
    uint16_t offset;
    uint16_t flags;
    uint16_t id;
    uint16_t size; /* first slot: of the whole packet; else of the slot */
};
typedef struct netif_tx_request netif_tx_request_t;
XEN_ABI_SIZE(struct netif_tx_request, 12);

struct netif_tx_response {
    uint16_t id;
    int16_t status;
};
typedef struct netif_tx_response netif_tx_response_t;

/* --- Receive --- */

#define _NETRXF_data_validated (0)
#define NETRXF_data_validated  (1U << _NETRXF_data_validated)
#define _NETRXF_csum_blank     (1)
#define NETRXF_csum_blank      (1U << _NETRXF_csum_blank)
#define _NETRXF_more_data      (2)
#define NETRXF_more_data       (1U << _NETRXF_more_data)
#define _NETRXF_extra_info     (3)
#define NETRXF_extra_info      (1U << _NETRXF_extra_info)
#define _NETRXF_gso_prefix     (4)
#define NETRXF_gso_prefix      (1U << _NETRXF_gso_prefix)

struct netif_rx_request {
    uint16_t id;
    uint16_t pad;
    grant_ref_t gref;
};
typedef struct netif_rx_request netif_rx_request_t;

struct netif_rx_response {
    uint16_t id;
    uint16_t offset;
    uint16_t flags;
    int16_t status; /* negative: NETIF_RSP_*; else the size */
};
typedef struct netif_rx_response netif_rx_response_t;
XEN_ABI_SIZE(struct netif_rx_response, 8);

/* --- Extra info, in a slot of either ring --- */

#define XEN_NETIF_EXTRA_TYPE_NONE      (0)
#define XEN_NETIF_EXTRA_TYPE_GSO       (1)
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD (2)
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL (3)
#define XEN_NETIF_EXTRA_TYPE_HASH      (4)
#define XEN_NETIF_EXTRA_TYPE_MAX       (5)

#define _XEN_NETIF_EXTRA_FLAG_MORE     (0) /* another one follows */
#define XEN_NETIF_EXTRA_FLAG_MORE      (1U << _XEN_NETIF_EXTRA_FLAG_MORE)

#define XEN_NETIF_GSO_TYPE_NONE        (0)
#define XEN_NETIF_GSO_TYPE_TCPV4       (1)
#define XEN_NETIF_GSO_TYPE_TCPV6       (2)

struct netif_extra_info {
    uint8_t type;
    uint8_t flags;
    union {
        struct {
            uint16_t size; /* the segments' payload */
            uint8_t type;
            uint8_t pad;
            uint16_t features;
        } gso;
        struct {
            uint8_t addr[6];
        } mcast;
        struct {
            uint8_t type;
            uint8_t algorithm;
            uint8_t value[4];
        } hash;
        uint16_t pad[3];
    } u;
};
typedef struct netif_extra_info netif_extra_info_t;
XEN_ABI_SIZE(struct netif_extra_info, 8);

DEFINE_RING_TYPES(netif_tx, struct netif_tx_request, struct netif_tx_response);
DEFINE_RING_TYPES(netif_rx, struct netif_rx_request, struct netif_rx_response);
XEN_ABI_ASSERT(__CONST_RING_SIZE(netif_tx, 4096) == 256);
XEN_ABI_ASSERT(__CONST_RING_SIZE(netif_rx, 4096) == 256);

/* --- Control --- */

#define XEN_NETIF_CTRL_TYPE_INVALID               0
#define XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS        1
#define XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS        2
#define XEN_NETIF_CTRL_TYPE_SET_HASH_KEY          3
#define XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE 4
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE 5
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING      6
#define XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM    7
#define XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE 8
#define XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING      9
#define XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING      10

#define XEN_NETIF_CTRL_STATUS_SUCCESS             0
#define XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED       1
#define XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER   2
#define XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW     3

#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4            0
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4             (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP        1
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP         (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6            2
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6             (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP        3
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP         (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

#define XEN_NETIF_CTRL_HASH_ALGORITHM_NONE        0
#define XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ    1

struct xen_netif_ctrl_request {
    uint16_t id;
    uint16_t type; /* XEN_NETIF_CTRL_TYPE_* */
    uint32_t data[3];
};

struct xen_netif_ctrl_response {
    uint16_t id;
    uint16_t type;
    uint32_t status; /* XEN_NETIF_CTRL_STATUS_* */
    uint32_t data;
};

#define _XEN_NETIF_CTRLF_GREF_readonly 0
#define XEN_NETIF_CTRLF_GREF_readonly  (1U << _XEN_NETIF_CTRLF_GREF_readonly)
struct xen_netif_gref {
    grant_ref_t ref;
    uint16_t flags;
    uint16_t status; /* OUT */
};

DEFINE_RING_TYPES(xen_netif_ctrl, struct xen_netif_ctrl_request, struct xen_netif_ctrl_response);

#endif
