/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much of ARP, IPv4 and ICMP as asks for an echo and answers one. Addresses are numbers in the host's order. */
#ifndef TESTS_FRONT_FRAMES_H
#define TESTS_FRONT_FRAMES_H

#include "drivers/net.h"

struct frame {
    size_t length;
    uint8_t bytes[NET_MAX_FRAME];
};

/* "10.0.0.1"; 0: it is none. Ends at a blank. */
uint32_t frame_address(const char *text);

/* Asks everybody who has `target`. */
void frame_arp_request(struct frame *f, const uint8_t mac[6], uint32_t own, uint32_t target);
/* Whether it is the answer of `target`; its address to `mac`. */
bool frame_is_arp_reply(const struct frame *f, uint32_t target, uint8_t mac[6]);

/* Turns a request into its answer: ARP for `own`, ICMP echo to `own`. False: it is neither, or not sound. */
bool frame_answer(struct frame *f, const uint8_t mac[6], uint32_t own);

#endif
