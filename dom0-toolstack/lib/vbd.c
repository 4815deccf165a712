/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks: the class vbd. The kernel's xen-blkback serves block devices, and files through loop
 * devices. It opens "physical-device" as soon as it sees it, and shows that it did so by a file in
 * /sys; from then on it is the device's user, and a loop device of ours lives as long as it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/disk_users.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/loop_device.h"
#include "dom0-toolstack/lib/script.h"

#define SCRIPT_SECONDS 60

static const char *const format_names[] = {"raw", "qcow", "qcow2", "vhd", "qed", "empty", NULL};
static const char *const backend_names[] = {"unknown", "phy", "qdisk", "standalone", NULL};

static const struct device_field fields[] = {
    DEVICE_FIELD("backend_domname", FIELD_TEXT, disk.backend_domain, NULL, 0),
    DEVICE_FIELD("pdev_path", FIELD_TEXT, disk.target, NULL, 0),
    DEVICE_FIELD("vdev", FIELD_TEXT, disk.vdev, NULL, 0),
    DEVICE_FIELD("backend", FIELD_WORD, disk.backend, backend_names, HL_DISK_AUTO),
    DEVICE_FIELD("format", FIELD_WORD, disk.format, format_names, -1),
    DEVICE_FIELD("script", FIELD_TEXT, disk.script, NULL, 0),
    DEVICE_FIELD("removable", FIELD_FLAG, disk.cdrom, NULL, 0),
    DEVICE_FIELD("readwrite", FIELD_FLAG, disk.readwrite, NULL, 0),
    DEVICE_FIELD("is_cdrom", FIELD_FLAG, disk.cdrom, NULL, 0),
    DEVICE_FIELD("shared", FIELD_FLAG, disk.shared, NULL, 0),
    DEVICE_FIELD("direct_io_safe", FIELD_BOOL, disk.direct_io_safe, NULL, 0),
    DEVICE_FIELD("discard_enable", FIELD_BOOL, disk.discard, NULL, 1),
    DEVICE_FIELD("trusted", FIELD_BOOL, disk.trusted, NULL, 1),
    {NULL, FIELD_TEXT, 0, NULL, 0},
};

static void init(struct hl_device *d)
{
    /* readwrite is written when it is 1, so its absence means read-only: the parser sets the default. */
    d->disk.discard = d->disk.trusted = true;
}

static int parse_parts(struct hl_device *d, const char *const *parts, size_t count, char *why,
                       size_t size)
{
    d->disk.readwrite = true;
    return disk_spec_parse(d, parts, count, why, size);
}

static int parse(struct hl_device *d, const char *spec, char *why, size_t size)
{
    return parse_parts(d, &spec, 1, why, size);
}

/* Served by another host or program: nbd://HOST/NAME, nbd+unix:///NAME?socket=PATH. */
static bool is_nbd(const struct hl_disk *disk)
{
    return disk->target != NULL &&
           (strncmp(disk->target, "nbd:", 4) == 0 || strncmp(disk->target, "nbd+", 4) == 0 ||
            strncmp(disk->target, "nbds:", 5) == 0);
}

/* A device's name without its folder, as "vg/web1". */
static int find_in_dev(struct hl_disk *disk)
{
    char *path;

    if (disk->target[0] == '/')
        return 0;
    if (asprintf(&path, "/dev/%s", disk->target) < 0)
        return -ENOMEM;
    if (access(path, F_OK) == 0) {
        free(disk->target);
        disk->target = path;
    } else {
        free(path);
    }
    return 0;
}

/* Xen's own script for files and devices does our work, and does not know who else uses them: named or not, ours it is. */
static bool is_default_script(const char *name)
{
    return strcmp(name, "block") == 0 || strcmp(name, XEN_SCRIPT_DIR "/block") == 0;
}

/* Whoever makes the domain once more does so from another folder. A script's target, and a driver domain's, is theirs. */
static int finish(struct hl_device *d, const char *domain, struct hl_error *e)
{
    struct hl_disk *disk = &d->disk;
    int rc;

    (void)domain;
    if (disk->script != NULL && is_default_script(disk->script) &&
        driver_domain_is_none(disk->backend_domain)) {
        free(disk->script);
        disk->script = NULL;
    }
    if (disk->target == NULL || disk->script != NULL || is_nbd(disk) ||
        !driver_domain_is_none(disk->backend_domain))
        return 0;
    rc = find_in_dev(disk);
    if (rc == 0)
        rc = file_make_absolute(&disk->target);
    return rc == 0 ? 0 : hl_fail(e, -rc, "find the disk", disk->vdev, "%s", disk->target);
}

/* A drive without a medium. */
static bool hidden(const struct hl_device *d)
{
    return d->disk.target == NULL && d->disk.script == NULL;
}

static const struct device_backend *backend(const struct hl_device *d, struct hl_error *e)
{
    const struct hl_disk *disk = &d->disk;

    bool program = disk->format == HL_DISK_QCOW2 || disk->format == HL_DISK_VHD || is_nbd(disk) ||
                   disk->backend == HL_DISK_QDISK;

    if (disk->format == HL_DISK_QCOW || disk->format == HL_DISK_QED)
        hl_fail(e, EOPNOTSUPP, "choose the disk's back end", disk->vdev,
                "format %s is not supported; there are raw, qcow2 and vhd",
                format_names[disk->format]);
    else if (disk->backend == HL_DISK_STANDALONE)
        hl_fail(e, EOPNOTSUPP, "choose the disk's back end", disk->vdev,
                "backendtype=standalone is not supported yet");
    else if (program && disk->backend == HL_DISK_PHY)
        hl_fail(e, EINVAL, "choose the disk's back end", disk->vdev,
                "backendtype=phy serves block devices and raw files only; leave it out");
    else if (program && disk->script != NULL)
        hl_fail(e, EINVAL, "choose the disk's back end", disk->vdev,
                "a script is for backendtype=phy");
    else
        return device_backend_find(HL_DEVICE_VBD, program ? "qdisk" : "phy");
    return NULL;
}

/* ---- the host's side ---------------------------------------------------------------------- */

static int prepare_block(struct device_job *j, const struct stat *st, struct hl_error *e)
{
    const struct hl_disk *disk = &j->dev->disk;
    int fd, rc = disk_users_check_device(j->ctx, st, disk, e);

    if (rc != 0)
        return rc;
    /* A drive without a medium is better known now; exclusive, so that the same configuration does
     * not give it out twice. */
    fd = open(disk->target, (disk->readwrite ? O_RDWR : O_RDONLY) | O_CLOEXEC |
                                (disk->readwrite && !disk->shared ? O_EXCL : 0));
    if (fd < 0)
        return hl_fail(e, errno, "open the disk", disk->target, NULL);
    rc = disk_users_check_locks(fd, disk, e);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    j->fd = fd;
    j->major = major(st->st_rdev);
    j->minor = minor(st->st_rdev);
    return 0;
}

static int prepare_file(struct device_job *j, int fd, const struct stat *st, struct hl_error *e)
{
    struct loop_device loop;
    int rc = disk_users_check_file(j->ctx, st, &j->dev->disk, e);

    if (rc == 0)
        rc = disk_users_check_locks(fd, &j->dev->disk, e);
    if (rc == 0 && st->st_size < 512)
        rc = hl_fail(e, EINVAL, "open the disk", j->dev->disk.target,
                     "the file is smaller than a sector");
    if (rc == 0)
        rc = hl_fault("set a loop device up", e);
    if (rc == 0)
        rc = loop_open(fd, j->dev->disk.target, !j->dev->disk.readwrite, &loop, e);
    if (rc != 0)
        return rc;
    j->fd = loop.fd;
    j->major = loop.major;
    j->minor = loop.minor;
    return 0;
}

/* An image that a program opens by itself. */
static int prepare_image(struct device_job *j, const struct stat *st, struct hl_error *e)
{
    const struct hl_disk *disk = &j->dev->disk;

    if (S_ISBLK(st->st_mode))
        return disk_users_check_device(j->ctx, st, disk, e);
    if (S_ISREG(st->st_mode))
        return disk_users_check_file(j->ctx, st, disk, e);
    return hl_fail(e, EINVAL, "open the disk", disk->target,
                   "it is neither a file nor a block device");
}

static int check_script(const char *name, struct hl_error *e)
{
    char *path = script_path(name);
    int rc = path == NULL ? hl_fail(e, ENOMEM, "find the script", name, NULL) : 0;

    if (rc == 0 && access(path, X_OK) != 0)
        rc = hl_fail(e, errno, "find the script", path, NULL);
    free(path);
    return rc;
}

static int prepare(struct device_job *j, struct hl_error *e)
{
    const struct hl_disk *disk = &j->dev->disk;
    struct stat st;
    int fd, rc;

    if (disk->script != NULL)
        return check_script(disk->script, e);
    if (disk->target == NULL || is_nbd(disk))
        return 0;
    if (stat(disk->target, &st) != 0) {
        rc = hl_fail(e, errno, "open the disk", disk->target, NULL);
        hl_error_advise(e, "check disk= in the configuration");
        return rc;
    }
    rc = j->with == NULL ? 0 : disk_users_check_list(j->with, j->dev, &st, e);
    if (rc != 0)
        return rc;
    if (j->backend->driver == NULL)
        return prepare_image(j, &st, e);
    if (S_ISBLK(st.st_mode))
        return prepare_block(j, &st, e);
    if (!S_ISREG(st.st_mode))
        return hl_fail(e, EINVAL, "open the disk", disk->target,
                       "it is neither a file nor a block device");
    fd = open(disk->target, (disk->readwrite ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return hl_fail(e, errno, "open the disk", disk->target, NULL);
    /* The file that was opened is the one that counts. */
    rc = fstat(fd, &st) == 0 ? prepare_file(j, fd, &st, e)
                             : hl_fail(e, errno, "open the disk", disk->target, NULL);
    close(fd);
    return rc;
}

static void release(struct device_job *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
}

/* ---- xenstore ----------------------------------------------------------------------------- */

static void nodes(struct device_job *j, struct store_writer *w)
{
    const struct hl_disk *disk = &j->dev->disk;
    char *script = script_path(disk->script == NULL ? "block" : disk->script);

    if (j->backend->driver == NULL && disk->target != NULL)
        device_put(j, w, "params", "%s:%s", is_nbd(disk) ? "nbd" : format_names[disk->format],
                   disk->target);
    else
        device_put(j, w, "params", "%s", disk->target == NULL ? "" : disk->target);
    device_put(j, w, "script", "%s", script == NULL ? "" : script);
    free(script);
    device_put(j, w, "removable", "%d", disk->cdrom);
    device_put(j, w, "bootable", "1");
    device_put(j, w, "dev", "%s", disk->vdev);
    device_put(j, w, "type", "%s", j->backend->name);
    /* Whether others may use it is for those to know who look who does. */
    device_put(j, w, "mode", "%s%s", disk->readwrite ? "w" : "r",
               disk->shared && (j->elsewhere || j->backend->driver == NULL) ? "!" : "");
    device_put(j, w, "device-type", "%s", disk->cdrom ? "cdrom" : "disk");
    device_put(j, w, "direct-io-safe", "%d", disk->direct_io_safe);
    device_put(j, w, "discard-enable", "%d", disk->discard);
    device_put(j, w, "specification", "xen");
    if (j->hidden)
        return;
    store_put(w, j->front, "virtual-device", "%" PRIu32, j->devid);
    store_put(w, j->front, "device-type", "%s", disk->cdrom ? "cdrom" : "disk");
    store_put(w, j->front, "trusted", "%d", disk->trusted);
}

static void host_nodes(struct device_job *j, struct store_writer *w)
{
    if (j->major == 0)
        return;
    device_put(j, w, "physical-device", "%" PRIx32 ":%" PRIx32, j->major, j->minor);
    if (j->major == LOOP_MAJOR_NUMBER) {
        device_put(j, w, "physical-device-path", "/dev/loop%" PRIu32, j->minor);
        device_put(j, w, "node", "/dev/loop%" PRIu32, j->minor);
    } else {
        device_put(j, w, "physical-device-path", "%s", j->dev->disk.target);
    }
}

/* What `nodes` put before the target for our program. */
static void drop_format(char *params)
{
    for (int i = 0; format_names[i] != NULL; i++) {
        size_t n = strlen(format_names[i]);

        if (strncmp(params, format_names[i], n) == 0 && params[n] == ':') {
            memmove(params, params + n + 1, strlen(params + n + 1) + 1);
            return;
        }
    }
}

static const char *hotplug(const struct device_job *j)
{
    return j->dev->disk.script == NULL ? "none" : "script";
}

/* "block" is the name for what this library does itself; an empty target is an empty drive. */
static int from_nodes(struct device_job *j, struct hl_device *d, struct hl_error *e)
{
    char *mode = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "mode");
    char *script = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "script");
    const char *slash = script == NULL ? NULL : strrchr(script, '/');
    struct hl_disk *disk = &d->disk;

    disk->target = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "params");
    disk->vdev = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "dev");
    disk->readwrite = mode != NULL && mode[0] == 'w';
    disk->shared = disk->readwrite && mode[1] == '!';
    free(mode);
    if (slash == NULL || strcmp(slash + 1, "block") == 0)
        free(script);
    else
        disk->script = script;
    if (disk->target == NULL || disk->vdev == NULL)
        return hl_fail(e, EINVAL, "read the disk's nodes", j->back, "params or dev is missing");
    if (j->backend->driver == NULL)
        drop_format(disk->target);
    if (disk->target[0] == '\0') {
        free(disk->target);
        disk->target = NULL;
    }
    return disk->target == NULL || disk->script != NULL || is_nbd(disk) || find_in_dev(disk) == 0
               ? 0
               : hl_fail(e, ENOMEM, "read the disk's nodes", j->back, NULL);
}

static bool ready(struct device_job *j)
{
    char path[160];

    if (j->backend->driver == NULL || (j->dev->disk.target == NULL && j->dev->disk.script == NULL))
        return true;
    snprintf(path, sizeof(path), "%s/physical_device", j->sysfs);
    return access(path, F_OK) == 0;
}

static int run_script(struct device_job *j, const char *action, struct hl_error *e)
{
    char *script = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, "script");
    char path[160], name[512];
    const char *argv[] = {script, action, NULL};
    const char *env[] = {
        path, name, "XENBUS_TYPE=vbd", "XENBUS_BASE_PATH=backend", "XENBUS_DRIVER=", NULL};
    const struct script run = {"run the disk's script", argv, env, SCRIPT_SECONDS, XEN_HOTPLUG_LOG};
    int rc;

    if (script == NULL)
        return hl_fail(e, ENOENT, run.step, j->copy, "its name is lost");
    snprintf(path, sizeof(path), "XENBUS_PATH=%s", j->back);
    snprintf(name, sizeof(name), "script=%s", script);
    rc = script_run(&run, e);
    free(script);
    return rc;
}

static int plug(struct device_job *j, struct hl_error *e)
{
    char *error;
    int rc;

    if (j->dev->disk.script == NULL)
        return 0;
    rc = run_script(j, "add", e);
    if (rc == 0)
        return 0;
    error = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "hotplug-error");
    script_blames(e, j->dev->disk.script, error);
    free(error);
    return rc;
}

static void unplug(struct device_job *j)
{
    char *how = hs_read_at(j->ctx->xs, HS_TX_NONE, j->copy, DEVICE_HOTPLUG);

    if (how != NULL && strcmp(how, "script") == 0)
        (void)run_script(j, "remove", NULL);
    free(how);
}

static void info(struct hl_ctx *ctx, struct hl_device_info *i)
{
    static const char *const names[] = {"ring-ref", "ring-ref0", "queue-0/ring-ref",
                                        "queue-0/ring-ref0", NULL};
    char copy[96], *type;
    uint32_t domid;

    for (int n = 0; names[n] != NULL && i->ring_ref[0] < 0; n++)
        i->ring_ref[0] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, names[n], -1);
    if (sscanf(i->frontend, "/local/domain/%" SCNu32 "/", &domid) != 1)
        return;
    /* An empty drive has no other nodes. */
    snprintf(copy, sizeof(copy), "/libxl/%" PRIu32 "/device/vbd/%" PRIu32, domid, i->devid);
    i->target = hs_read_at(ctx->xs, HS_TX_NONE, copy, "params");
    type = hs_read_at(ctx->xs, HS_TX_NONE, copy, "device-type");
    i->cdrom = type != NULL && strcmp(type, "cdrom") == 0;
    free(type);
}

const struct device_class vbd_class = {
    .name = "vbd",
    .key = "disk",
    .json = "disks",
    .noun = "disk",
    .fields = fields,
    .init = init,
    .parse = parse,
    .parse_parts = parse_parts,
    .finish = finish,
    .hidden = hidden,
    .backend = backend,
    .prepare = prepare,
    .nodes = nodes,
    .host_nodes = host_nodes,
    .hotplug = hotplug,
    .from_nodes = from_nodes,
    .ready = ready,
    .plug = plug,
    .release = release,
    .unplug = unplug,
    .info = info,
};
