/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See vbd.h. */
#include "pv-backends/block/vbd.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/disk_record.h"
#include "dom0-toolstack/lib/disk_users.h"
#include "dom0-toolstack/lib/error.h"
#include "hypercalls/abi/io-protocols.h"
#include "pv-backends/block/data.h"
#include "pv-backends/block/image.h"
#include "pv-backends/block/io.h"
#include "pv-backends/block/request.h"

_Static_assert(BLOCK_MAX_QUEUES <= DISK_RECORD_QUEUES, "their records are removed together");

/* ---- the medium ---- */

static bool read_only(const struct vbd *v)
{
    char *mode = backend_text(&v->b, "mode");
    bool ro = mode == NULL || strchr(mode, 'w') == NULL;

    free(mode);
    return ro || v->cdrom;
}

/* Access w!: several guests have it on purpose. */
static bool shared(const struct vbd *v)
{
    char *mode = backend_text(&v->b, "mode");
    bool is = mode != NULL && strcmp(mode, "w!") == 0;

    free(mode);
    return is;
}

/* "qcow2:/path", "raw:/dev/x", "/path": what is before the first colon is a format if we know one of that name. */
static int open_medium(struct vbd *v, const char *params, struct hl_error *e)
{
    static const char *const known[] = {"raw", "qcow2", "vhd", "vpc", "nbd"};
    const char *target = params, *format = "raw";

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i]);

        if (strncmp(params, known[i], n) == 0 && params[n] == ':' &&
            strncmp(params + n + 1, "//", 2) != 0) {
            format = strcmp(known[i], "vpc") == 0 ? "vhd" : known[i];
            target = params + n + 1;
            break;
        }
    }
    if (strncmp(target, "nbd:", 4) == 0 || strncmp(target, "nbd+", 4) == 0 ||
        strncmp(target, "nbds", 4) == 0)
        format = "nbd";
    bool direct = backend_number(&v->b, "direct-io-safe", 0);
    return image_open(&v->image, v->io, format, target, read_only(v), shared(v),
                      direct && strcmp(format, "raw") == 0, e);
}

/*
 * Nobody may write to what the image is based on. Other programs of this kind have it locked; the kernel's back end, loop
 * devices and mounts have to be asked about. Not inside the sandbox.
 */
static int check_backing(const struct vbd *v, struct hl_error *e)
{
    struct hl_ctx ctx = {.xs = v->b.xs};
    int rc = 0;

    if (sscanf(v->b.path, "/local/domain/%" SCNu32 "/", &ctx.domid) != 1)
        return 0;
    for (struct image *i = v->image == NULL ? NULL : v->image->backing; rc == 0 && i != NULL;
         i = i->backing)
        if (i->ops != &image_nbd)
            rc = disk_users_check_backing(&ctx, i->target, e);
    return rc;
}

/* An empty drive is none, or "aio:" and the like without a target. */
static bool is_empty(const char *params)
{
    size_t n = params != NULL ? strlen(params) : 0;

    return n == 0 || params[n - 1] == ':';
}

static int load_medium(struct vbd *v, struct hl_error *e)
{
    char *params = backend_text(&v->b, "params");
    int rc = 0;

    image_close(v->image);
    v->image = NULL;
    free(v->params);
    v->params = params;
    if (!is_empty(params))
        rc = open_medium(v, params, e);
    else if (!v->cdrom)
        rc = hl_fail(e, EINVAL, "open the disk", v->b.path, "its node params names no image");
    return rc;
}

static void write_size(struct vbd *v)
{
    unsigned int sector = v->image ? v->image->sector : 512;
    unsigned int info =
        (v->cdrom ? VDISK_CDROM | VDISK_REMOVABLE : 0) | (read_only(v) ? VDISK_READONLY : 0);

    backend_write(&v->b, "sectors", "%llu",
                  (unsigned long long)(v->image ? v->image->size / 512 : 0));
    backend_write(&v->b, "sector-size", "512");
    backend_write(&v->b, "physical-sector-size", "%u", sector);
    backend_write(&v->b, "info", "%u", info);
}

static void write_features(struct vbd *v)
{
    bool discard = v->image && v->image->discard && backend_number(&v->b, "discard-enable", 1);

    backend_write(&v->b, "feature-flush-cache", "1");
    backend_write(&v->b, "feature-barrier", "0");
    backend_write(&v->b, "feature-persistent", "1");
    backend_write(&v->b, "feature-max-indirect-segments", "%u", BLOCK_MAX_SEGMENTS);
    backend_write(&v->b, "max-ring-page-order", "%u", BLOCK_MAX_RING_ORDER);
    backend_write(&v->b, "multi-queue-max-queues", "%u", BLOCK_MAX_QUEUES);
    backend_write(&v->b, "feature-discard", "%d", discard);
    if (discard) {
        backend_write(&v->b, "discard-granularity", "%u", v->image->discard_granularity);
        backend_write(&v->b, "discard-alignment", "0");
        backend_write(&v->b, "discard-secure", "0");
    }
}

static void tell(struct backend *b, void *opaque)
{
    (void)b;
    write_size(opaque);
    write_features(opaque);
}

static void offer(struct backend *b, void *opaque)
{
    write_features(opaque);
    backend_write(b, "hotplug-status", "connected");
}

/* ---- the connection ---- */

/* A frontend's number, of a node that must be there. */
static int front_number(struct vbd *v, const char *node, uint32_t *value, struct hl_error *e)
{
    long long n = backend_front_number(&v->b, node, -1);

    *value = (uint32_t)n;
    return n >= 0 ? 0
                  : hl_fail(e, EINVAL, "connect to the frontend", v->b.frontend,
                            "it has no number in %s", node);
}

/* "event-channel", or "queue-N/event-channel" where there are several. */
static const char *queue_node(const struct vbd *v, unsigned int q, const char *name, char *out,
                              size_t size)
{
    if (v->queues == 1)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "queue-%u/%s", q, name);
    return out;
}

static const char *device_number(const struct vbd *v)
{
    const char *devid = strrchr(v->b.path, '/');

    return devid != NULL ? devid + 1 : "";
}

static char *kept_path(const struct vbd *v, unsigned int q)
{
    char path[PATH_MAX];

    return disk_record_path(path, sizeof(path), v->b.domid, device_number(v), q) < 0 ? NULL
                                                                                     : strdup(path);
}

static int open_queue(struct vbd *v, unsigned int q, unsigned int order, bool again,
                      struct hl_error *e)
{
    uint32_t refs[BLOCK_MAX_RING_PAGES], port = 0;
    char node[64], name[32];
    int rc = 0;

    for (unsigned int i = 0; rc == 0 && i < 1u << order; i++) {
        snprintf(name, sizeof(name), order ? "ring-ref%u" : "ring-ref", i);
        rc = front_number(v, queue_node(v, q, name, node, sizeof(node)), &refs[i], e);
    }
    if (rc == 0)
        rc = front_number(v, queue_node(v, q, "event-channel", node, sizeof(node)), &port, e);
    if (rc < 0)
        return rc;
    v->queue[q] = (struct block_queue){.b = &v->b, .image = &v->image, .data = v->data, .port = -1};
    return queue_open(&v->queue[q], refs, 1u << order, port, kept_path(v, q), again, e);
}

static int check_protocol(struct vbd *v, struct hl_error *e)
{
    char *protocol = backend_front_text(&v->b, "protocol");
    int rc = 0;

    if (protocol != NULL && strcmp(protocol, XEN_IO_PROTO_ABI_X86_64) != 0)
        rc = hl_fail(e, EINVAL, "connect to the frontend", v->b.frontend,
                     "its rings are of the form %s", protocol);
    free(protocol);
    return rc;
}

static void disconnect(struct vbd *v, bool forget)
{
    bool busy = true;

    /* What is on its way to the image has its buffers here. */
    while (busy) {
        busy = false;
        for (unsigned int q = 0; q < v->queues; q++) {
            v->queue[q].broken = true;
            busy |= v->queue[q].in_flight != 0;
        }
        if (busy && io_turn(v->io, true) < 0)
            break;
    }
    for (unsigned int q = 0; q < v->queues; q++)
        queue_close(&v->queue[q]);
    if (forget)
        disk_records_remove(v->b.domid, device_number(v));
    data_close(v->data);
    v->data = NULL;
    v->queues = 0;
}

static void end_connection(void *opaque)
{
    disconnect(opaque, true);
}

/* The next user of the image may come as soon as the state says that this one is gone: its tables are written before. */
static void end_medium(void *opaque)
{
    struct vbd *v = opaque;

    image_close(v->image);
    v->image = NULL;
}

static int connect_queues(struct vbd *v, bool again, struct hl_error *e)
{
    long long queues = backend_front_number(&v->b, "multi-queue-num-queues", 1);
    long long order = backend_front_number(&v->b, "ring-page-order", 0);

    if (queues < 1 || queues > BLOCK_MAX_QUEUES || order > BLOCK_MAX_RING_ORDER)
        return hl_fail(e, EINVAL, "connect to the frontend", v->b.frontend,
                       "%lld queues with rings of 2^%lld pages", queues, order);
    int rc = check_protocol(v, e);
    v->data = data_open(v->b.grants, v->b.domid,
                        backend_front_number(&v->b, "feature-persistent", 0) == 1);
    if (rc == 0 && v->data == NULL)
        rc = hl_fail(e, ENOMEM, "connect to the frontend", v->b.frontend, NULL);
    v->queues = (unsigned int)queues;
    for (unsigned int q = 0; q < v->queues; q++)
        v->queue[q] = (struct block_queue){.port = -1};
    for (unsigned int q = 0; rc == 0 && q < v->queues; q++)
        rc = open_queue(v, q, (unsigned int)order, again, e);
    return rc;
}

static int connect_front(void *opaque, bool again, struct hl_error *e)
{
    struct vbd *v = opaque;
    int rc = connect_queues(v, again, e);

    if (rc < 0)
        disconnect(v, !again);
    return rc;
}

/* ---- changes ---- */

/* Another medium, or none: the frontend looks at the size when it sees the state written again. */
static void check_medium(void *opaque, struct hl_error *e)
{
    struct vbd *v = opaque;
    char *params = backend_text(&v->b, "params");
    bool same = params != NULL && v->params != NULL && strcmp(params, v->params) == 0;

    free(params);
    if (same || !v->cdrom || params == NULL)
        return;
    for (unsigned int q = 0; q < v->queues; q++)
        while (v->queue[q].in_flight != 0 && io_turn(v->io, true) == 0)
            ;
    if (load_medium(v, e) < 0) {
        backend_complain(&v->b, e);
        hl_error_clear(e);
    }
    write_size(v);
    if (v->states.connected)
        backend_set_state(&v->b, XenbusStateConnected);
}

bool vbd_changed(struct vbd *v)
{
    return states_changed(&v->states);
}

bool vbd_work(struct vbd *v)
{
    bool more = false;

    for (unsigned int q = 0; q < v->queues; q++) {
        int rc = queue_take(&v->queue[q]);

        if (rc < 0) {
            struct hl_error *e = hl_error_new();

            hl_fail(e, EPROTO, "serve the disk", v->b.path,
                    "the guest's ring has an index that cannot be");
            states_give_up(&v->states, e);
            hl_error_free(e);
            return false;
        }
        more |= rc > 0;
        queue_publish(&v->queue[q]);
    }
    return more;
}

static const struct states_kind kind = {
    .offer = offer,
    .connect = connect_front,
    .tell = tell,
    .disconnect = end_connection,
    .over = end_medium,
    .changed = check_medium,
};

int vbd_open(struct vbd *v, struct io *io, const char *path, struct hl_error *e)
{
    *v = (struct vbd){.io = io, .states = {.kind = &kind, .b = &v->b, .device = v}};
    int rc = backend_open(&v->b, path, e);

    if (rc < 0)
        return rc;
    char *type = backend_text(&v->b, "device-type");
    v->cdrom = type != NULL && strcmp(type, "cdrom") == 0;
    free(type);
    rc = load_medium(v, e);
    /* Who goes on for one that was killed, comes too late to refuse. */
    if (rc == 0 && backend_state(&v->b) != XenbusStateConnected)
        rc = check_backing(v, e);
    if (rc < 0)
        return rc;
    return states_begin(&v->states, e);
}

void vbd_close(struct vbd *v)
{
    disconnect(v, false);
    image_close(v->image);
    free(v->params);
    backend_close(&v->b);
}
