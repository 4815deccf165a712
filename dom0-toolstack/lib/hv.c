/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection to the hypervisor by Linux's privcmd device; see hv.h. */
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"

static const char privcmd_path[] = "/dev/xen/privcmd";

static int explain_open(struct hl_error *e, int err)
{
    static const char step[] = "reach the hypervisor";

    hl_fail(e, err, step, privcmd_path, NULL);
    if (err == EACCES || err == EPERM)
        hl_error_advise(e, "run as root");
    else if (access("/proc/xen", F_OK) != 0 && access("/sys/hypervisor/type", F_OK) != 0)
        hl_error_advise(e, "this system does not run on a hypervisor: choose it in the boot menu");
    else
        hl_error_advise(e, "load the driver: modprobe xen-privcmd");
    return -err;
}

int hv_open(struct hv **out, struct hl_error *e)
{
    struct hv *hv = calloc(1, sizeof(*hv));
    int err;

    *out = NULL;
    if (hv == NULL)
        return hl_fail(e, ENOMEM, "reach the hypervisor", NULL, NULL);
    hv->buf_fd = -1;
    hv->fd = open(privcmd_path, O_RDWR | O_CLOEXEC);
    if (hv->fd < 0) {
        err = explain_open(e, errno);
        goto fail;
    }
    hv->buf_fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    hv->args = hv_buffer_alloc(hv, HV_ARGS_SIZE);
    if (hv->args == NULL) {
        err = hl_fail(e, ENOMEM, "reach the hypervisor", NULL, "no memory for hypercall arguments");
        goto fail;
    }
    *out = hv;
    return 0;

fail:
    hv_close(hv);
    return err;
}

void hv_close(struct hv *hv)
{
    if (hv == NULL)
        return;
    if (hv->args != NULL)
        hv_buffer_free(hv, hv->args, HV_ARGS_SIZE);
    if (hv->buf_fd >= 0)
        close(hv->buf_fd);
    if (hv->fd >= 0)
        close(hv->fd);
    free(hv);
}

long hv_call(struct hv *hv, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
             uint64_t a5)
{
    struct privcmd_call call = {.op = nr, .arg = {a1, a2, a3, a4, a5}};
    int rc;

    /* The driver hands the hypervisor's answer through; -1 is both its error and -EPERM. */
    rc = ioctl(hv->fd, PRIVCMD_CALL, &call);
    return rc < 0 ? -errno : rc;
}

static size_t page_round(size_t size)
{
    return (size + 4095) & ~(size_t)4095;
}

void *hv_buffer_alloc(struct hv *hv, size_t size)
{
    void *p;

    if (size == 0 || size > SIZE_MAX - 4095)
        return NULL;
    size = page_round(size);
    if (hv->buf_fd >= 0) {
        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, hv->buf_fd, 0);
        if (p != MAP_FAILED)
            return memset(p, 0, size);
    }
    /* Locked memory is second best: the kernel may still migrate a page under a hypercall. */
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    /* A fork must not make the pages copy-on-write while the hypervisor writes to them. */
    (void)madvise(p, size, MADV_DONTFORK);
    return memset(p, 0, size);
}

void hv_buffer_free(struct hv *hv, void *buffer, size_t size)
{
    (void)hv;
    if (buffer != NULL)
        munmap(buffer, page_round(size));
}

static void *reserve(struct hv *hv, size_t count, bool writable)
{
    if (count == 0 || count > SIZE_MAX / 4096) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    return mmap(NULL, count * 4096, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, hv->fd, 0);
}

void *hv_map_frames(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                    bool writable, int *errors, struct hl_error *e)
{
    static const char step[] = "map memory";
    int *own = NULL;
    struct privcmd_map_batch batch;
    void *p;

    p = reserve(hv, count, writable);
    if (p == MAP_FAILED) {
        hl_fail_dom(e, errno, domid, step, NULL);
        return NULL;
    }
    if (errors == NULL) {
        own = calloc(count, sizeof(*own));
        if (own == NULL) {
            hl_fail_dom(e, ENOMEM, domid, step, NULL);
            goto fail;
        }
    }
    batch = (struct privcmd_map_batch){
        .count = (unsigned int)count,
        .domid = (uint16_t)domid,
        .address = (uintptr_t)p,
        .frames = frames,
        .errors = errors == NULL ? own : errors,
    };
    if (ioctl(hv->fd, PRIVCMD_MAP_BATCH, &batch) < 0 && (errors == NULL || errno != ENOENT)) {
        hl_fail_dom(e, errno, domid, step, NULL);
        goto fail;
    }
    for (size_t i = 0; own != NULL && i < count; i++) {
        if (own[i] == 0)
            continue;
        hl_fail_dom(e, -own[i], domid, step, "frame %#llx: %s", (unsigned long long)frames[i],
                    strerror(-own[i]));
        goto fail;
    }
    free(own);
    return p;

fail:
    free(own);
    munmap(p, count * 4096);
    return NULL;
}

void *hv_map_resource(struct hv *hv, uint32_t domid, uint32_t type, uint32_t id, uint32_t frame,
                      size_t count, struct hl_error *e)
{
    struct privcmd_map_resource map;
    void *p;

    p = reserve(hv, count, true);
    if (p == MAP_FAILED) {
        hl_fail_dom(e, errno, domid, "map a resource", NULL);
        return NULL;
    }
    map = (struct privcmd_map_resource){
        .domid = (uint16_t)domid,
        .type = type,
        .id = id,
        .first = frame,
        .count = count,
        .address = (uintptr_t)p,
    };
    if (ioctl(hv->fd, PRIVCMD_MAP_RESOURCE, &map) < 0) {
        hl_fail_dom(e, errno, domid, "map a resource", NULL);
        munmap(p, count * 4096);
        return NULL;
    }
    return p;
}

void hv_unmap(void *p, size_t count)
{
    if (p != NULL)
        munmap(p, count * 4096);
}

int hv_dm_op(struct hv *hv, uint32_t domid, const struct hv_dm_buf *bufs, unsigned int count)
{
    struct privcmd_dm_buf list[16];
    struct privcmd_dm_call call = {
        .domid = (uint16_t)domid, .count = (uint16_t)count, .bufs = list};

    if (count > 16)
        return -E2BIG;
    for (unsigned int i = 0; i < count; i++)
        list[i] = (struct privcmd_dm_buf){bufs[i].data, bufs[i].size};
    return ioctl(hv->fd, PRIVCMD_DM_CALL, &call) < 0 ? -errno : 0;
}
