/* SPDX-License-Identifier: MIT */
/*
 * The page of a virtual frame buffer: "in" flows to the guest, "out" from it. The guest's own layout (`pd`: frames that
 * hold the numbers of the frame buffer's frames) is that of its word size.
 */
#ifndef HOSPES_ABI_IO_FBIF_H
#define HOSPES_ABI_IO_FBIF_H

#include "xen.h"

/* From the guest: a part has changed; the whole has another form. */
#define XENFB_TYPE_UPDATE 2
#define XENFB_TYPE_RESIZE 3

struct xenfb_update {
    uint8_t type;
    int32_t x, y, width, height;
};

struct xenfb_resize {
    uint8_t type;
    int32_t width, height;
    int32_t stride; /* bytes of a line */
    int32_t depth;  /* bits of a pixel */
    int32_t offset; /* of the first line, in bytes */
};

#define XENFB_OUT_EVENT_SIZE 40

union xenfb_out_event {
    uint8_t type;
    struct xenfb_update update;
    struct xenfb_resize resize;
    char pad[XENFB_OUT_EVENT_SIZE];
};

/* To the guest: how often it should refresh. */
#define XENFB_TYPE_REFRESH_PERIOD 1
#define XENFB_NO_REFRESH          0

struct xenfb_refresh_period {
    uint8_t type;
    uint32_t period; /* milliseconds */
};

#define XENFB_IN_EVENT_SIZE 40

union xenfb_in_event {
    uint8_t type;
    struct xenfb_refresh_period refresh_period;
    char pad[XENFB_IN_EVENT_SIZE];
};

/* Both rings are in the page behind the fields below; their indices run freely. */
#define XENFB_IN_RING_SIZE            1024
#define XENFB_IN_RING_LEN             (XENFB_IN_RING_SIZE / XENFB_IN_EVENT_SIZE)
#define XENFB_IN_RING_OFFS            1024

#define XENFB_IN_RING(page)           ((union xenfb_in_event *)((char *)(page) + XENFB_IN_RING_OFFS))
#define XENFB_IN_RING_REF(page, idx)  (XENFB_IN_RING((page))[(idx) % XENFB_IN_RING_LEN])

#define XENFB_OUT_RING_SIZE           2048
#define XENFB_OUT_RING_LEN            (XENFB_OUT_RING_SIZE / XENFB_OUT_EVENT_SIZE)
#define XENFB_OUT_RING_OFFS           (XENFB_IN_RING_OFFS + XENFB_IN_RING_SIZE)

#define XENFB_OUT_RING(page)          ((union xenfb_out_event *)((char *)(page) + XENFB_OUT_RING_OFFS))
#define XENFB_OUT_RING_REF(page, idx) (XENFB_OUT_RING((page))[(idx) % XENFB_OUT_RING_LEN])

struct xenfb_page {
    uint32_t in_cons, in_prod;
    uint32_t out_cons, out_prod;
    int32_t width, height;
    uint32_t line_length, mem_length; /* bytes */
    uint8_t depth;                    /* bits of a pixel */
    /* More than fits before the rings; who uses so many has no "in" ring. */
    unsigned long pd[256];
};
XEN_ABI_OFFSET(struct xenfb_page, width, 16);
XEN_ABI_OFFSET(struct xenfb_page, pd, 40);

#endif
