/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's memory and vCPUs as a file; see domain_dump.h. */
#include "dom0-toolstack/lib/domain_dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/core_file.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/guest_frames.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"

#define BATCH 256 /* pages mapped at a time */
/* A domain that is not paused may get some more pages meanwhile. */
#define MORE_PAGES 1024

static const char step[] = "dump its memory";

struct dump {
    struct hv *hv;
    uint32_t domid;
    const char *path;
    const struct hl_dump_options *o;
    struct hl_error *e;
    struct hv_domain_info info;
    struct vcpu_guest_context *vcpus;
    struct hv_version version;
    char shared_info[CORE_PAGE_SIZE];
    struct core_domain domain;
    struct core_file file;
    uint64_t seen; /* frames of the domain */
};

static unsigned long long mib(uint64_t pages)
{
    return (unsigned long long)((pages + 255) / 256);
}

static int write_failed(struct dump *d, int rc)
{
    uint64_t written = d->file.nr_pages;

    hl_fail(d->e, -rc, "write a dump", d->path, "%s, after %llu MiB of %llu; nothing of it is kept",
            rc == -EINTR ? "interrupted" : strerror(-rc), mib(written), mib(d->info.pages));
    if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG)
        hl_error_advise(d->e, "there must be room for up to %llu MiB more",
                        mib(d->info.pages - (written < d->info.pages ? written : 0)));
    return rc;
}

/* Its number may have gone to another domain, whose memory is none of this one's dump. */
static int still_there(struct dump *d)
{
    struct hv_domain_info now;
    int rc = hv_domain_info(d->hv, d->domid, &now, d->e);

    if (rc == 0 && (now.dying || memcmp(now.uuid, d->info.uuid, sizeof(now.uuid)) != 0))
        rc = hl_fail_dom(d->e, ESRCH, d->domid, step, "it was destroyed meanwhile");
    return rc;
}

/* ---- what is written before the pages ---- */

/* vCPUs that were never started have no state; they are not in the file. */
static int read_vcpus(struct dump *d)
{
    uint64_t n = (uint64_t)d->info.max_vcpu_id + 1;

    d->vcpus = calloc(n, sizeof(*d->vcpus));
    if (d->vcpus == NULL)
        return hl_fail_dom(d->e, ENOMEM, d->domid, step, NULL);
    for (uint32_t i = 0; i < n; i++) {
        int rc = hv_vcpu_get_context(d->hv, d->domid, i, &d->vcpus[d->domain.nr_vcpus], d->e);

        if (rc == 0)
            d->domain.nr_vcpus++;
        else if (rc != -ENODATA && rc != -ESRCH && rc != -EINVAL)
            return rc;
    }
    hl_error_clear(d->e);
    if (d->domain.nr_vcpus == 0 && still_there(d) < 0)
        return -ESRCH;
    if (d->domain.nr_vcpus == 0)
        return hl_fail_dom(d->e, ENODATA, d->domid, step, "none of its vCPUs was ever started");
    return 0;
}

static int read_shared_info(struct dump *d)
{
    uint64_t frame = d->info.shared_info_frame;
    const void *p = hv_map_frames(d->hv, d->domid, &frame, 1, false, NULL, d->e);

    if (p == NULL)
        return -EIO;
    memcpy(d->shared_info, p, sizeof(d->shared_info));
    hv_unmap((void *)(uintptr_t)p, 1);
    return 0;
}

static int read_head(struct dump *d)
{
    uint32_t bits;
    int rc = hv_domain_get_address_size(d->hv, d->domid, &bits, d->e);

    if (rc == 0 && bits != 64)
        rc = hl_fail_dom(d->e, EOPNOTSUPP, d->domid, step, "only 64-bit PV domains can be dumped");
    if (rc == 0)
        rc = hv_version(d->hv, &d->version, d->e);
    if (rc == 0)
        rc = read_vcpus(d);
    if (rc == 0)
        rc = read_shared_info(d);
    d->domain.vcpus = d->vcpus;
    d->domain.shared_info = d->shared_info;
    d->domain.version = &d->version;
    d->domain.max_pages = d->info.pages + MORE_PAGES;
    return rc;
}

/* ---- the pages ---- */

static int add_batch(struct dump *d, const struct guest_frame *frames, size_t n)
{
    uint64_t mfns[BATCH];
    int errors[BATCH], rc;
    void *pages;

    for (size_t i = 0; i < n; i++)
        mfns[i] = frames[i].mfn;
    d->seen += n;
    pages = hv_map_frames(d->hv, d->domid, mfns, n, false, errors, d->e);
    if (pages == NULL)
        return -EIO;
    rc = still_there(d);
    if (rc == 0) {
        rc = core_file_add(&d->file, frames, pages, errors, n);
        rc = rc < 0 ? write_failed(d, rc) : 0;
    }
    hv_unmap(pages, n);
    return rc;
}

static int add_pages(struct dump *d)
{
    struct guest_frame frames[BATCH];
    struct guest_frames *list;
    int rc = guest_frames_open(d->hv, d->domid, &list, d->e);
    long n;

    if (rc < 0)
        return rc;
    while (rc == 0 && (n = guest_frames_next(list, frames, BATCH, d->e)) != 0) {
        if (n < 0)
            rc = (int)n;
        else if (d->o->stop != NULL && d->o->stop(d->o->opaque))
            rc = write_failed(d, -EINTR);
        else
            rc = add_batch(d, frames, (size_t)n);
    }
    guest_frames_close(list);
    return rc;
}

static int write_all(struct dump *d, int fd)
{
    int rc = core_file_begin(&d->file, fd, &d->domain);

    if (rc < 0)
        return write_failed(d, rc);
    rc = hl_fault("write the memory", d->e);
    if (rc == 0)
        rc = add_pages(d);
    if (rc < 0)
        return rc;
    rc = core_file_end(&d->file, &d->domain);
    return rc < 0 ? write_failed(d, rc) : 0;
}

static int write_file(struct dump *d)
{
    struct new_file file;
    int rc = new_file_open(&file, d->path);

    if (rc == -EEXIST)
        return hl_fail(d->e, EEXIST, "write a dump", d->path, "this is there and no regular file");
    if (rc < 0)
        return write_failed(d, rc);
    rc = write_all(d, file.fd);
    if (rc == 0)
        rc = hl_fault("keep the dump", d->e);
    if (rc < 0) {
        new_file_drop(&file);
        return rc;
    }
    rc = new_file_keep(&file);
    return rc < 0 ? write_failed(d, rc) : 0;
}

static int dump(struct dump *d)
{
    bool pause = d->o->pause || d->o->crash;
    int rc = pause ? hv_domain_pause(d->hv, d->domid, d->e) : 0;

    if (rc < 0)
        return rc;
    rc = read_head(d);
    if (rc == 0)
        rc = write_file(d);
    if (rc == 0 && d->o->crash)
        rc = hv_domain_shutdown(d->hv, d->domid, HV_SHUTDOWN_CRASH, d->e);
    /* Where the dump failed, that is what matters. */
    if (pause && hv_domain_unpause(d->hv, d->domid, rc == 0 ? d->e : NULL) < 0 && rc == 0)
        rc = -EIO;
    return rc;
}

int hl_domain_dump(struct hv *hv, uint32_t domid, const char *path, const struct hl_dump_options *o,
                   struct hl_dump *out, struct hl_error *e)
{
    struct dump *d;
    int rc;

    if (domid == 0)
        return hl_fail_dom(e, EINVAL, domid, step, "domain 0 cannot dump itself");
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return hl_fail_dom(e, ENOMEM, domid, step, NULL);
    d->hv = hv;
    d->domid = domid;
    d->path = path;
    d->o = o;
    d->e = e;
    rc = hv_domain_info(hv, domid, &d->info, e);
    if (rc == 0)
        rc = d->info.hvm ? hl_fail_dom(e, EOPNOTSUPP, domid, step, "only PV domains can be dumped")
                         : dump(d);
    if (rc == 0 && out != NULL) {
        uint64_t n = d->file.nr_pages, all = d->seen > d->info.pages ? d->seen : d->info.pages;

        *out = (struct hl_dump){.pages = n, .left_out = all - n};
    }
    free(d->vcpus);
    free(d);
    return rc;
}
