/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small guest that tests and benchmarks of several domains make by the dozen (kit/domains.h):
 * build/guest/worker.elf. Its maker, Domain 0, says what it does by a word in the page that they
 * share and by an event on its port. workers.h is the maker's side.
 */
#ifndef TESTS_GUEST_WORKER_H
#define TESTS_GUEST_WORKER_H

#include <stdint.h>

#define WORKER_VCPUS  4
#define WORKER_GRANTS 32
#define WORKER_REF    8 /* the first of its grants to Domain 0; each page begins with 0x600d0000 + n */
#define WORKER_MAGIC  0x600d0000u

enum worker_role {
    WORKER_REST,  /* block until an event comes */
    WORKER_SPIN,  /* never block: count in counter[], on each vCPU */
    WORKER_ECHO,  /* answer the order and each event, of Domain 0 or of the peer */
    WORKER_PING,  /* `rounds` times: send to the peer, block until its answer, sleep `gap` ns */
    WORKER_SLEEP, /* `rounds` times: block until a timer `gap` ns ahead fires */
};

/* The shared page. D: written by Domain 0, W: by the worker. */
struct worker_page {
    volatile uint32_t role;       /* D */
    volatile uint32_t ready;      /* W: it has come up, its ports and grants are there */
    uint32_t vcpus;               /* D: before its start: how many spin */
    uint32_t dom0_port;           /* D: before its start: its end of the channel to Domain 0 */
    uint32_t peer_dom, peer_port; /* D: PING: whom and which port to bind; ECHO: 0 and its own */
    uint32_t rounds;              /* D */
    volatile uint32_t done;       /* W: rounds done, answers sent */
    uint64_t gap;                 /* D: ns */
    volatile uint64_t sum, max;   /* W: PING: ns of round trips; SLEEP: ns that it was late */
    volatile uint64_t counter[WORKER_VCPUS]; /* W */
    volatile int64_t error;                  /* W: the first hypercall that failed */
};

#endif
