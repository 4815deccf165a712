/* SPDX-License-Identifier: MIT */
/*
 * A shared folder (hypercalls/abi/io-9pfs.h): messages of 9P2000.L in a ring of bytes each way, one at a time.
 *
 * For one caller at a time, one device at a time. Functions that return long give 0 or more, or a negative error: what the
 * backend answered (Linux's numbers), or -XEN_EIO when its answer made no sense.
 */
#ifndef DRIVERS_P9_H
#define DRIVERS_P9_H

#include "drivers/front.h"
#include "kit/memory.h"
#include "hypercalls/abi/io-9pfs.h"

#define P9_ORDER    2u                                      /* pages of both rings together */
#define P9_RING     ((uint32_t)PAGE_SIZE << (P9_ORDER - 1)) /* bytes of each */
#define P9_HEADER   7u                                      /* size[4] type[1] tag[2] */
#define P9_OVERHEAD 24u                                     /* at most, of a message with data */
#define P9_MAX_DATA (P9_RING - P9_OVERHEAD)
#define P9_ROOT     0u /* the folder's own fid */

/* The types that are used here; an answer's is one more. */
enum p9_type {
    P9_RLERROR = 7,
    P9_TLOPEN = 12,
    P9_TLCREATE = 14,
    P9_TVERSION = 100,
    P9_TATTACH = 104,
    P9_TWALK = 110,
    P9_TREAD = 116,
    P9_TWRITE = 118,
    P9_TCLUNK = 120,
};

/* A message that is being made, or an answer that is being read. What does not fit, or is not there, makes it bad. */
struct p9_message {
    uint8_t bytes[P9_RING];
    uint32_t length, at;
    bool bad;
};

struct p9 {
    struct front front;
    struct xen_9pfs_data_intf *intf; /* NULL: not open */
    uint8_t *data;                   /* to us, and behind it from us */
    grant_ref_t intf_ref, ref[1u << P9_ORDER];
    evtchn_port_t port;
    struct p9_message out, in; /* p9_call()'s */
};

/* Connects to folder `id`, agrees on the protocol, and opens P9_ROOT. Undone by p9_close(). -XEN_ENOENT: no such device;
 * -XEN_EIO: the backend did not connect. */
long p9_open(struct p9 *p, unsigned long id);
/* The same without a word of the protocol. */
long p9_connect(struct p9 *p, unsigned long id);
/* False: the backend keeps pages. */
bool p9_close(struct p9 *p);

/* Files have fids, numbers of the caller's choice. `path` has names with slashes between. Flags are Linux's (O_RDONLY 0,
 * O_WRONLY 1, O_RDWR 2, O_TRUNC 01000). */
long p9_file_open(struct p9 *p, uint32_t fid, const char *path, uint32_t flags);
/* `name` in `folder`, "" for the root; opened to read and write. */
long p9_file_create(struct p9 *p, uint32_t fid, const char *folder, const char *name,
                    uint32_t mode);
/* At most P9_MAX_DATA bytes: how many. */
long p9_file_read(struct p9 *p, uint32_t fid, uint64_t offset, void *data, uint32_t size);
long p9_file_write(struct p9 *p, uint32_t fid, uint64_t offset, const void *data, uint32_t size);
long p9_file_close(struct p9 *p, uint32_t fid);

/* Any message: p9_begin(), p9_put…(), p9_call(), whose answer p9_get() reads out of p->in. */
void p9_begin(struct p9 *p, enum p9_type type);
void p9_put(struct p9 *p, uint64_t value, unsigned int bytes);
void p9_put_text(struct p9 *p, const char *text, size_t length);
long p9_call(struct p9 *p);
uint64_t p9_get(struct p9 *p, unsigned int bytes);

#endif
