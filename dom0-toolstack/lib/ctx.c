/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening hypervisor and xenstore together; see ctx.h. */
#include "dom0-toolstack/lib/ctx.h"

#include <errno.h>
#include <stddef.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "xenstore/client/xs_client.h"

int hl_ctx_open(struct hl_ctx *ctx, unsigned int flags, struct hl_error *e)
{
    int rc;

    *ctx = (struct hl_ctx){NULL, NULL};
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
    *ctx = (struct hl_ctx){NULL, NULL};
}
