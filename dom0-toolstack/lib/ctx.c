/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening hypervisor and xenstore together; see ctx.h. */
#include "dom0-toolstack/lib/ctx.h"

#include <errno.h>
#include <stddef.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "xenstore/client/xs_client.h"

/* The highest number of a real domain; what follows means other things (DOMID_SELF ...). */
#define MAX_DOMID 0x7fef

/* A guest knows its number from its home in xenstore. */
static int open_driver_domain(struct hl_ctx *ctx, struct hl_error *e)
{
    static const char step[] = "reach xenstore";
    long long domid;

    ctx->xs = hs_open(0);
    if (ctx->xs == NULL)
        return hl_fail(e, errno, step, "/dev/xen/xenbus", NULL);
    if (hs_read_int(ctx->xs, HS_TX_NONE, "domid", &domid) < 0)
        return hl_fail(e, errno, step, "domid", "this domain's number is not there");
    if (domid <= 0 || domid > MAX_DOMID) {
        hl_fail(e, EINVAL, step, "domid", "%lld is not the number of a guest", domid);
        hl_error_advise(e, "a driver domain is a guest; in Domain 0 run hospesd without options");
        return -EINVAL;
    }
    ctx->domid = (uint32_t)domid;
    return 0;
}

int hl_ctx_open(struct hl_ctx *ctx, unsigned int flags, struct hl_error *e)
{
    int rc;

    *ctx = (struct hl_ctx){.hv = NULL};
    if ((flags & HL_CTX_DRIVER_DOMAIN) != 0) {
        rc = open_driver_domain(ctx, e);
        if (rc != 0)
            hl_ctx_close(ctx);
        return rc;
    }
    rc = hv_open(&ctx->hv, e);
    if (rc != 0)
        return rc;
    ctx->xs = hs_open(0);
    if (ctx->xs == NULL && (flags & HL_CTX_STORE_OPTIONAL) == 0) {
        rc = hl_fail(e, errno, "reach xenstored", "/run/xenstored/socket", NULL);
        hl_error_advise(e, "start it: systemctl start hospes-xenstored");
        hl_ctx_close(ctx);
        return rc;
    }
    return 0;
}

void hl_ctx_close(struct hl_ctx *ctx)
{
    hs_close(ctx->xs);
    hv_close(ctx->hv);
    *ctx = (struct hl_ctx){.hv = NULL};
}
