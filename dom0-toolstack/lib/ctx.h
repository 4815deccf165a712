/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nearly every operation needs at once: the hypervisor and xenstore. */
#ifndef HL_CTX_H
#define HL_CTX_H

#include <stdint.h>

struct hl_error;
struct hv;
struct hs;

struct hl_ctx {
    struct hv *hv;
    struct hs *xs; /* NULL where HL_CTX_STORE_OPTIONAL was asked for and xenstore is not there */
    uint32_t
        domid; /* whose back ends are ours: 0, or a driver domain's own number; then `hv` is NULL */
};

#define HL_CTX_STORE_OPTIONAL 1 /* go on without xenstore (info, list, dmesg) */
#define HL_CTX_DRIVER_DOMAIN  2 /* in a guest that serves devices: it has xenstore alone */

int hl_ctx_open(struct hl_ctx *ctx, unsigned int flags, struct hl_error *e);
void hl_ctx_close(struct hl_ctx *ctx);

#endif
