/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains that serve devices of others; see driver_domain.h. */
#include "dom0-toolstack/lib/driver_domain.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"

static const char step[] = "find the domain that is to serve the device";

bool driver_domain_is_none(const char *name)
{
    return name == NULL || strcmp(name, "0") == 0 || strcmp(name, "Domain-0") == 0;
}

int driver_domain_find(struct hl_ctx *ctx, const char *name, uint32_t guest, uint32_t *domid,
                       struct hl_error *e)
{
    int rc = hl_domain_find(ctx, name, domid, e);

    if (rc == -ENOENT) {
        hl_fail(e, ENOENT, step, name, "there is no such domain");
        hl_error_advise(e, "create it first, with driver_domain = 1; or take backend= out");
    }
    if (rc != 0)
        return rc;
    if (*domid == guest)
        return hl_fail(e, EINVAL, step, name, "a domain cannot serve itself");
    if (driver_domain_lives(ctx, *domid))
        return 0;
    hl_fail(e, ESRCH, step, name, "it has ended");
    hl_error_advise(e, "destroy it and create it again");
    return -ESRCH;
}

bool driver_domain_lives(struct hl_ctx *ctx, uint32_t domid)
{
    struct hv_domain_info info;

    return hv_domain_info(ctx->hv, domid, &info, NULL) == 0 && !info.dying && !info.shutdown;
}
