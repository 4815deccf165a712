/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives the macros that do something (rings of entries, rings of bytes, the walk over machine
 * checks) with a fixed pseudo-random sequence and prints the state after each step. Compiled with
 * our headers and with libxen-dev's, it must print the same. A wrong index, event threshold or
 * wrap-around shows up here.
 */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include "abi-side.h"

#define STEPS 4000

static unsigned int seed = 1;

static unsigned int roll(unsigned int sides)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % sides;
}

static void try_entries(unsigned int start)
{
    void *page = aligned_alloc(4096, 4096);
    blkif_sring_t *shared = page;
    blkif_front_ring_t front;
    blkif_back_ring_t back;

    memset(page, 0x55, 4096);
    SHARED_RING_INIT(shared);
    XEN_FRONT_RING_INIT(&front, shared, 4096);
    BACK_RING_INIT(&back, shared, 4096);
    if (start) { /* near the wrap of the indices */
        shared->req_prod = shared->rsp_prod = start;
        shared->req_event = shared->rsp_event = start + 1;
        FRONT_RING_ATTACH(&front, shared, start, 4096);
        BACK_RING_ATTACH(&back, shared, start, 4096);
    }
    printf("size %u %u pvt %u pad %u\n", RING_SIZE(&front), RING_SIZE(&back),
           shared->pvt.pvt_pad[3], shared->__pad[43]);

    for (int i = 0; i < STEPS; i++) {
        unsigned int what = roll(6);
        int notify = -1, more = -1;
        blkif_request_t request = {.id = 0};
        blkif_response_t response = {.id = 0};

        if (what == 0 && !RING_FULL(&front)) {
            RING_GET_REQUEST(&front, front.req_prod_pvt)->id = (uint64_t)i;
            front.req_prod_pvt++;
        } else if (what == 1) {
            RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
        } else if (what == 2 && RING_HAS_UNCONSUMED_REQUESTS(&back)) {
            RING_COPY_REQUEST(&back, back.req_cons, &request);
            back.req_cons++;
            RING_GET_RESPONSE(&back, back.rsp_prod_pvt)->id = request.id;
            back.rsp_prod_pvt++;
        } else if (what == 3) {
            RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
        } else if (what == 4 && RING_HAS_UNCONSUMED_RESPONSES(&front)) {
            RING_COPY_RESPONSE(&front, front.rsp_cons, &response);
            front.rsp_cons++;
        } else if (roll(2)) {
            RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
        } else {
            RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
        }
        if (i == STEPS / 2) {
            RING_PUSH_REQUESTS(&front);
            RING_PUSH_RESPONSES(&back);
        }
        printf("%d: %u n%d m%d id %lu %lu | %u %u %u %u | %u %u %u %u | free %u in %u out %u\n", i,
               what, notify, more, (unsigned long)request.id, (unsigned long)response.id,
               shared->req_prod, shared->req_event, shared->rsp_prod, shared->rsp_event,
               front.req_prod_pvt, front.rsp_cons, back.rsp_prod_pvt, back.req_cons,
               RING_FREE_REQUESTS(&front), (unsigned int)XEN_RING_NR_UNCONSUMED_REQUESTS(&back),
               (unsigned int)XEN_RING_NR_UNCONSUMED_RESPONSES(&front));
    }

    /* A peer that lies about its index */
    for (unsigned int lie = 0; lie < 100; lie += 9)
        printf("lie %u: %d %d %d\n", lie,
               RING_REQUEST_CONS_OVERFLOW(&back, back.rsp_prod_pvt + lie),
               RING_REQUEST_PROD_OVERFLOW(&back, back.rsp_prod_pvt + lie),
               RING_RESPONSE_PROD_OVERFLOW(&front, front.rsp_cons + lie));
    shared->req_prod = back.req_cons + 1000;
    printf("bounded %u\n", (unsigned int)XEN_RING_NR_UNCONSUMED_REQUESTS(&back));
    free(page);
}

static void try_bytes(void)
{
    RING_IDX size = 64, prod = 0, cons = 0;
    unsigned char ring[64] = {0};

    for (int i = 0; i < STEPS; i++) {
        RING_IDX queued = xencons_queued(prod, cons, size);
        RING_IDX p = xencons_mask(prod, size), c = xencons_mask(cons, size);
        unsigned char data[64] = {0};
        unsigned int n;

        if (roll(2)) {
            n = roll(size - queued + 1);
            for (unsigned int j = 0; j < n; j++)
                data[j] = (unsigned char)roll(256);
            /* Masked indices do not tell a full ring from an empty one: leave it out. */
            if (queued < size || n)
                xencons_write_packet(ring, data, n, &p, c, size);
            prod += n;
        } else {
            n = roll(queued + 1);
            if (queued < size)
                xencons_read_packet(data, ring, n, p, &c, size);
            cons += n;
        }
        printf("%d: %u %u %u %u first %u last %u at %ld\n", i, queued, n, p, c, data[0],
               data[n ? n - 1 : 0], (long)(xencons_get_ring_ptr(ring, prod, size) - ring));
    }
    printf("order 3: %lu\n", XEN_FLEX_RING_SIZE(3));
}

static void try_machine_checks(void)
{
    struct mc_info info = {.mi_nentries = 3};
    struct mcinfo_common *at = x86_mcinfo_first(&info), *hit;

    for (uint16_t i = 0; i < 3; i++) {
        at->type = (uint16_t)(i + 1);
        at->size = (uint16_t)(16 * (i + 1));
        at = x86_mcinfo_next(at);
    }
    for (int type = 0; type < 5; type++) {
        x86_mcinfo_lookup(hit, &info, type);
        printf("mc %d: %ld\n", type, hit ? (long)((char *)hit - (char *)&info) : -1L);
    }
    printf("mc: %u\n", x86_mcinfo_nentries(&info));
}

int main(void)
{
    try_entries(0);
    try_entries(0xfffffff0u);
    try_bytes();
    try_machine_checks();
    return 0;
}
