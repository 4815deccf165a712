/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nearly every operation needs at once: the hypervisor and xenstore. */
#ifndef HL_CTX_H
#define HL_CTX_H

struct hl_error;
struct hv;
struct hs;

struct hl_ctx {
    struct hv *hv;
    struct hs *xs; /* NULL where HL_CTX_NO_STORE was asked for and xenstore is not there */
};

#define HL_CTX_STORE_OPTIONAL 1 /* go on without xenstore (info, list, dmesg) */

int hl_ctx_open(struct hl_ctx *ctx, unsigned int flags, struct hl_error *e);
void hl_ctx_close(struct hl_ctx *ctx);

#endif
