/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See hvlog.h. */
#include "dom0-toolstack/hospesd/hvlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "hypercalls/abi/xen.h"

static void copy_new(struct daemon *d)
{
    char *text = NULL;
    size_t len = 0;

    while (hv_console_read_from(d->ctx.hv, &d->hv_index, &text, &len, NULL) == 0 && len) {
        logfile_write(&d->hv_log, text, len);
        free(text);
        text = NULL;
    }
    free(text);
}

int hvlog_start(struct daemon *d, struct hl_error *e)
{
    char path[4096];
    int rc;

    if (!d->opt.log_dir[0])
        return hl_fail(e, 22, "log the hypervisor's console", NULL, "--log-dir is empty");
    snprintf(path, sizeof(path), "%s/hypervisor.log", d->opt.log_dir);
    rc = logfile_open(&d->hv_log, path, d->opt.log_size);
    if (rc < 0)
        return hl_fail(e, -rc, "log the hypervisor's console", path, NULL);
    rc = evtchn_bind_virq(d->ev, VIRQ_CON_RING, e);
    if (rc < 0)
        return rc;
    d->hv_port = rc;
    copy_new(d);
    return 0;
}

void hvlog_stop(struct daemon *d)
{
    if (d->hv_port)
        copy_new(d);
    d->hv_port = 0;
    logfile_close(&d->hv_log);
}

void hvlog_event(struct daemon *d)
{
    copy_new(d);
    evtchn_unmask(d->ev, (uint32_t)d->hv_port);
}
