/* SPDX-License-Identifier: MIT */
/*
 * A console beyond the first, "channel" to configurations (hypercalls/abi/io-console.h): text both ways through one page.
 * The first console, without states, is in kit/console.h.
 *
 * For one caller at a time.
 */
#ifndef DRIVERS_CHANNEL_H
#define DRIVERS_CHANNEL_H

#include "drivers/front.h"
#include "hypercalls/abi/io-console.h"
#include "hypercalls/abi/ring.h"

struct channel {
    struct front front;
    struct xencons_interface *page; /* NULL: not open */
    grant_ref_t ref;
    evtchn_port_t port;
};

/* Connects to console `id`. Undone by channel_close(). -XEN_ENOENT: no such device; -XEN_EIO: the backend did not connect. */
long channel_open(struct channel *c, unsigned long id);
/* False: the backend keeps the page, which is then never used again. */
bool channel_close(struct channel *c);

/* As much as there is room for, or has come: how many bytes. */
size_t channel_write(struct channel *c, const char *text, size_t length);
size_t channel_read(struct channel *c, char *text, size_t size);

/* Has the other side taken all that was written? */
bool channel_drained(const struct channel *c);

#endif
