/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and pointer on their way to a guest: what viewers do becomes events, which wait here until the guest's ring has
 * room. The ring's page is the guest's to change: only its "cons" is read, and checked.
 */
#ifndef PVB_INPUT_H
#define PVB_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "hypercalls/abi/io-kbdif.h"

#define INPUT_WAITING 256u
#define INPUT_KEYS    768u

struct input {
    struct xenkbd_page *page; /* NULL: no guest is connected; what comes is lost */
    bool absolute;            /* the guest wants positions, not motions */
    uint32_t prod;            /* the ring's, ours alone */
    union xenkbd_in_event waiting[INPUT_WAITING];
    unsigned int first, count;
    int32_t x, y;     /* the pointer */
    uint32_t buttons; /* as in RFB: left 1, middle 2, right 4, wheel up 8, down 16 */
    uint8_t pressed[INPUT_KEYS / 8];
};

/* Connects to a page and goes on where its ring stands; NULL disconnects. */
void input_connect(struct input *in, struct xenkbd_page *page, bool absolute);

void input_key(struct input *in, uint32_t key, bool pressed);
void input_pointer(struct input *in, int32_t x, int32_t y, uint32_t buttons);
/* The last viewer has gone: nothing stays pressed. */
void input_release_all(struct input *in);

/* Puts what waits into the ring, as far as there is room: how many; -EPROTO: an index that cannot be. */
int input_flush(struct input *in);

#endif
