/* SPDX-License-Identifier: MIT */
/*
 * Rings in a shared page, by which split drivers talk: the frontend produces requests, the backend
 * consumes them and produces responses into the same slots. Indices run freely; a slot is the index
 * modulo the size. Each side keeps its own indices privately and publishes them with a push; the
 * other side's event index says from where on it wants to be notified. Whoever looks at the peer's
 * indices must check them: see the OVERFLOW macros, and copy an entry (RING_COPY_*) before checking
 * it.
 *
 * xen_mb, xen_rmb and xen_wmb may be defined before this file is included.
 */
#ifndef HOSPES_ABI_RING_H
#define HOSPES_ABI_RING_H

#include "xen.h"
#include "grant_table.h"

#ifndef xen_mb
#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#ifndef xen_rmb
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif
#ifndef xen_wmb
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

typedef unsigned int RING_IDX;

/* An access to memory that the peer may write: exactly one */
#define XEN_RING_ONCE_(x) (*(volatile __typeof__(x) *)&(x))

/*
 * Entries of a ring in an area of <size> bytes: rounded down to a power of two. The first form is a
 * constant made from a type's name, the second takes a pointer.
 */
#define __RD32(n)             ((n) ? 1u << (31 - __builtin_clz((unsigned int)(n) | 1)) : 0u)
#define XEN_RING_HEADER_SIZE_ 64
#define __CONST_RING_SIZE(_s, _sz) \
    __RD32(((_sz)-XEN_RING_HEADER_SIZE_) / sizeof(union _s##_sring_entry))
#define __RING_SIZE(_s, _sz) __RD32(((_sz)-XEN_RING_HEADER_SIZE_) / sizeof((_s)->ring[0]))

/* Makes struct <name>_sring (the shared page), <name>_front_ring and <name>_back_ring. */
#define DEFINE_RING_TYPES(__name, __req_t, __rsp_t)                     \
    union __name##_sring_entry {                                        \
        __req_t req;                                                    \
        __rsp_t rsp;                                                    \
    };                                                                  \
    struct __name##_sring {                                             \
        RING_IDX req_prod, req_event;                                   \
        RING_IDX rsp_prod, rsp_event;                                   \
        union {                                                         \
            struct {                                                    \
                uint8_t smartpoll_active;                               \
            } netif;                                                    \
            struct {                                                    \
                uint8_t msg;                                            \
            } tapif_user;                                               \
            uint8_t pvt_pad[4];                                         \
        } pvt;                                                          \
        uint8_t __pad[44];                                              \
        union __name##_sring_entry ring[1];                             \
    };                                                                  \
    XEN_ABI_OFFSET(struct __name##_sring, ring, XEN_RING_HEADER_SIZE_); \
    struct __name##_front_ring {                                        \
        RING_IDX req_prod_pvt;                                          \
        RING_IDX rsp_cons;                                              \
        unsigned int nr_ents;                                           \
        struct __name##_sring *sring;                                   \
    };                                                                  \
    struct __name##_back_ring {                                         \
        RING_IDX rsp_prod_pvt;                                          \
        RING_IDX req_cons;                                              \
        unsigned int nr_ents;                                           \
        struct __name##_sring *sring;                                   \
    };                                                                  \
    typedef struct __name##_sring __name##_sring_t;                     \
    typedef struct __name##_front_ring __name##_front_ring_t;           \
    typedef struct __name##_back_ring __name##_back_ring_t

/* --- Set-up. ATTACH takes up a ring that already runs, at index _i. --- */

#define SHARED_RING_INIT(_s)                                   \
    do {                                                       \
        (_s)->req_prod = 0;                                    \
        (_s)->req_event = 1;                                   \
        (_s)->rsp_prod = 0;                                    \
        (_s)->rsp_event = 1;                                   \
        __builtin_memset(&(_s)->pvt, 0, sizeof((_s)->pvt));    \
        __builtin_memset((_s)->__pad, 0, sizeof((_s)->__pad)); \
    } while (0)
#define FRONT_RING_ATTACH(_r, _s, _i, __size)    \
    do {                                         \
        (_r)->sring = (_s);                      \
        (_r)->nr_ents = __RING_SIZE(_s, __size); \
        (_r)->req_prod_pvt = (_i);               \
        (_r)->rsp_cons = (_i);                   \
    } while (0)
#define BACK_RING_ATTACH(_r, _s, _i, __size)     \
    do {                                         \
        (_r)->sring = (_s);                      \
        (_r)->nr_ents = __RING_SIZE(_s, __size); \
        (_r)->req_cons = (_i);                   \
        (_r)->rsp_prod_pvt = (_i);               \
    } while (0)
#define FRONT_RING_INIT(_r, _s, __size) FRONT_RING_ATTACH(_r, _s, 0, __size)
#define BACK_RING_INIT(_r, _s, __size)  BACK_RING_ATTACH(_r, _s, 0, __size)
#define XEN_FRONT_RING_INIT(r, s, size) \
    do {                                \
        SHARED_RING_INIT(s);            \
        FRONT_RING_INIT(r, s, size);    \
    } while (0)

/* --- State --- */

#define RING_SIZE(_r)          ((_r)->nr_ents)
#define RING_FREE_REQUESTS(_r) (RING_SIZE(_r) - ((_r)->req_prod_pvt - (_r)->rsp_cons))
#define RING_FULL(_r)          (RING_FREE_REQUESTS(_r) == 0)

static inline RING_IDX xen_ring_min_(RING_IDX a, RING_IDX b)
{
    return a < b ? a : b;
}

/* Requests are bounded also by the slots whose responses are still due. */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(_r) \
    (XEN_RING_ONCE_((_r)->sring->rsp_prod) - (_r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(_r)                               \
    xen_ring_min_(XEN_RING_ONCE_((_r)->sring->req_prod) - (_r)->req_cons, \
                  RING_SIZE(_r) - ((_r)->req_cons - (_r)->rsp_prod_pvt))

#ifdef XEN_RING_HAS_UNCONSUMED_IS_BOOL
#define RING_HAS_UNCONSUMED_RESPONSES(_r) (XEN_RING_NR_UNCONSUMED_RESPONSES(_r) != 0)
#define RING_HAS_UNCONSUMED_REQUESTS(_r)  (XEN_RING_NR_UNCONSUMED_REQUESTS(_r) != 0)
#else
#define RING_HAS_UNCONSUMED_RESPONSES(_r) XEN_RING_NR_UNCONSUMED_RESPONSES(_r)
#define RING_HAS_UNCONSUMED_REQUESTS(_r)  XEN_RING_NR_UNCONSUMED_REQUESTS(_r)
#endif

/* The peer's index cannot be right */
#define RING_REQUEST_CONS_OVERFLOW(_r, _cons)  ((_cons) - (_r)->rsp_prod_pvt >= RING_SIZE(_r))
#define RING_REQUEST_PROD_OVERFLOW(_r, _prod)  ((_prod) - (_r)->rsp_prod_pvt > RING_SIZE(_r))
#define RING_RESPONSE_PROD_OVERFLOW(_r, _prod) ((_prod) - (_r)->rsp_cons > RING_SIZE(_r))

/* --- Entries --- */

#define XEN_RING_SLOT_(_r, _idx)       (&(_r)->sring->ring[(_idx) & (RING_SIZE(_r) - 1)])
#define RING_GET_REQUEST(_r, _idx)     (&XEN_RING_SLOT_(_r, _idx)->req)
#define RING_GET_RESPONSE(_r, _idx)    (&XEN_RING_SLOT_(_r, _idx)->rsp)
#define RING_COPY_REQUEST(r, idx, req) ((void)(*(req) = XEN_RING_ONCE_(*RING_GET_REQUEST(r, idx))))
#define RING_COPY_RESPONSE(r, idx, rsp) \
    ((void)(*(rsp) = XEN_RING_ONCE_(*RING_GET_RESPONSE(r, idx))))

/* --- Publishing. _notify becomes true if the peer waits for something in the new range. --- */

static inline void xen_ring_push_(RING_IDX *prod, RING_IDX next)
{
    xen_wmb(); /* the entries before the index */
    XEN_RING_ONCE_(*prod) = next;
}

static inline int xen_ring_push_notify_(RING_IDX *prod, RING_IDX next, RING_IDX *event)
{
    RING_IDX before = *prod;

    xen_ring_push_(prod, next);
    xen_mb(); /* the index before the look at the peer's event */
    return (RING_IDX)(next - XEN_RING_ONCE_(*event)) < (RING_IDX)(next - before);
}

#define RING_PUSH_REQUESTS(_r)  xen_ring_push_(&(_r)->sring->req_prod, (_r)->req_prod_pvt)
#define RING_PUSH_RESPONSES(_r) xen_ring_push_(&(_r)->sring->rsp_prod, (_r)->rsp_prod_pvt)
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(_r, _notify)                                  \
    ((void)((_notify) = xen_ring_push_notify_(&(_r)->sring->req_prod, (_r)->req_prod_pvt, \
                                              &(_r)->sring->req_event)))
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(_r, _notify)                                 \
    ((void)((_notify) = xen_ring_push_notify_(&(_r)->sring->rsp_prod, (_r)->rsp_prod_pvt, \
                                              &(_r)->sring->rsp_event)))

/* --- Before sleeping: ask for a notification, then look once more. --- */

#define XEN_RING_FINAL_CHECK_(_more, _has, _event, _cons) \
    do {                                                  \
        (_more) = (_has);                                 \
        if (!(_more)) {                                   \
            XEN_RING_ONCE_(_event) = (_cons) + 1;         \
            xen_mb();                                     \
            (_more) = (_has);                             \
        }                                                 \
    } while (0)
#define RING_FINAL_CHECK_FOR_REQUESTS(_r, _work_to_do)                                           \
    XEN_RING_FINAL_CHECK_(_work_to_do, RING_HAS_UNCONSUMED_REQUESTS(_r), (_r)->sring->req_event, \
                          (_r)->req_cons)
#define RING_FINAL_CHECK_FOR_RESPONSES(_r, _work_to_do)                                           \
    XEN_RING_FINAL_CHECK_(_work_to_do, RING_HAS_UNCONSUMED_RESPONSES(_r), (_r)->sring->rsp_event, \
                          (_r)->rsp_cons)

/* --- Rings of bytes, one each way, over 2^ring_order pages --- */

#ifndef XEN_PAGE_SHIFT
#define XEN_PAGE_SHIFT 12
#endif
#define XEN_FLEX_RING_SIZE(order) (1UL << ((order) + XEN_PAGE_SHIFT - 1))

/* Makes <name>_mask, _get_ring_ptr, _read_packet, _write_packet, _queued and struct <name>_data. */
#define DEFINE_XEN_FLEX_RING(name)                                                              \
    static inline RING_IDX name##_mask(RING_IDX idx, RING_IDX ring_size)                        \
    {                                                                                           \
        return idx % ring_size;                                                                 \
    }                                                                                           \
    static inline unsigned char *name##_get_ring_ptr(unsigned char *buf, RING_IDX idx,          \
                                                     RING_IDX ring_size)                        \
    {                                                                                           \
        return &buf[name##_mask(idx, ring_size)];                                               \
    }                                                                                           \
    static inline void name##_read_packet(void *opaque, const unsigned char *buf, size_t size,  \
                                          RING_IDX masked_prod, RING_IDX *masked_cons,          \
                                          RING_IDX ring_size)                                   \
    {                                                                                           \
        size_t to_end = ring_size - *masked_cons;                                               \
        size_t head = size < to_end ? size : to_end;                                            \
                                                                                                \
        (void)masked_prod;                                                                      \
        __builtin_memcpy(opaque, buf + *masked_cons, head);                                     \
        __builtin_memcpy((unsigned char *)opaque + head, buf, size - head);                     \
        *masked_cons = name##_mask((RING_IDX)(*masked_cons + size), ring_size);                 \
    }                                                                                           \
    static inline void name##_write_packet(unsigned char *buf, const void *opaque, size_t size, \
                                           RING_IDX *masked_prod, RING_IDX masked_cons,         \
                                           RING_IDX ring_size)                                  \
    {                                                                                           \
        size_t to_end = ring_size - *masked_prod;                                               \
        size_t head = size < to_end ? size : to_end;                                            \
                                                                                                \
        (void)masked_cons;                                                                      \
        __builtin_memcpy(buf + *masked_prod, opaque, head);                                     \
        __builtin_memcpy(buf, (const unsigned char *)opaque + head, size - head);               \
        *masked_prod = name##_mask((RING_IDX)(*masked_prod + size), ring_size);                 \
    }                                                                                           \
    static inline RING_IDX name##_queued(RING_IDX prod, RING_IDX cons, RING_IDX ring_size)      \
    {                                                                                           \
        RING_IDX used = name##_mask(prod - cons, ring_size);                                    \
                                                                                                \
        return used || prod == cons ? used : ring_size;                                         \
    }                                                                                           \
    struct name##_data {                                                                        \
        unsigned char *in;                                                                      \
        unsigned char *out;                                                                     \
    }

#define DEFINE_XEN_FLEX_RING_AND_INTF(name) \
    struct name##_data_intf {               \
        RING_IDX in_cons, in_prod;          \
        uint8_t pad1[56];                   \
        RING_IDX out_cons, out_prod;        \
        uint8_t pad2[56];                   \
        RING_IDX ring_order;                \
        grant_ref_t ref[];                  \
    };                                      \
    DEFINE_XEN_FLEX_RING(name)

#endif
