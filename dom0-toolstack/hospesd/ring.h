/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shared page of a PV console. The guest may write anything into it at any time: indices are read
 * once and checked, bytes are copied out.
 */
#ifndef HL_HOSPESD_RING_H
#define HL_HOSPESD_RING_H

#include <stddef.h>

struct xencons_interface;

/* Takes up to `size` bytes that the guest wrote; how many, or -EPROTO when the indices are broken. */
long ring_take_output(struct xencons_interface *page, char *buf, size_t size);

/* Gives the guest as much of `data` as there is room for; how much, or -EPROTO. */
long ring_put_input(struct xencons_interface *page, const char *data, size_t len);

#endif
