/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a disk; see disk_users.h. */
#include "dom0-toolstack/lib/disk_users.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/loop_device.h"
#include "xenstore/client/xs_client.h"

static const char step[] = "check who uses the disk";

/* What is looked for: a block device, or a file; a loop device is both. */
struct sought {
    dev_t device; /* 0: none */
    bool has_file;
    struct loop_file file;
    const struct hl_disk *disk;
};

/* The file of a loop device. */
static bool behind(dev_t device, struct loop_file *f)
{
    return major(device) == LOOP_MAJOR_NUMBER && loop_file(minor(device), f);
}

static struct sought seek(const struct stat *st, const struct hl_disk *disk)
{
    struct sought s = {.disk = disk};

    if (S_ISBLK(st->st_mode)) {
        s.device = st->st_rdev;
        s.has_file = behind(s.device, &s.file);
    } else {
        s.has_file = true;
        s.file = (struct loop_file){st->st_dev, st->st_ino, 0, UINT64_MAX, false};
    }
    return s;
}

/* Loop devices of several parts of a file do not meet. */
static bool meets(const struct sought *s, const struct loop_file *f)
{
    return s->has_file && f->dev == s->file.dev && f->ino == s->file.ino &&
           f->begin < s->file.end && s->file.begin < f->end;
}

static int busy(const struct sought *s, const char *who, bool writes, struct hl_error *e)
{
    hl_fail(e, EBUSY, step, s->disk->target, "%s uses it%s", who, writes ? " for writing" : "");
    hl_error_advise(e, "give it to one writer or to readers alone; access w! is for guests that "
                       "share a disk on purpose");
    return -EBUSY;
}

static bool same_device(const struct sought *s, dev_t device)
{
    struct loop_file f;

    return (s->device != 0 && s->device == device) || (behind(device, &f) && meets(s, &f));
}

/* Is it the device that the kernel's back end has? */
static bool is_device(struct hl_ctx *ctx, const struct sought *s, const char *back)
{
    char *where = hs_read_at(ctx->xs, HS_TX_NONE, back, "physical-device");
    unsigned int maj, min;
    bool is = where != NULL && sscanf(where, "%x:%x", &maj, &min) == 2 &&
              same_device(s, makedev(maj, min));

    free(where);
    return is;
}

/* Who serves it has prepared it. In a driver domain the nodes come before, those of the disk that is being prepared, too. */
static bool is_prepared(struct hl_ctx *ctx, const char *back)
{
    char own[48] = "", copy[128];
    uint32_t domid, devid;

    if (sscanf(back, "/local/domain/%*[0-9]/backend/%*[^/]/%" SCNu32 "/%" SCNu32, &domid, &devid) !=
        2)
        return false;
    if (ctx->domid != 0)
        snprintf(own, sizeof(own), "/local/domain/%" PRIu32, ctx->domid);
    snprintf(copy, sizeof(copy), "%s/libxl/%" PRIu32 "/device/vbd/%" PRIu32, own, domid, devid);
    return hs_exists(ctx->xs, HS_TX_NONE, copy) == 1;
}

static bool is_same_file(const struct sought *s, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    if (S_ISBLK(st.st_mode))
        return same_device(s, st.st_rdev);
    return meets(s, &(struct loop_file){st.st_dev, st.st_ino, 0, UINT64_MAX, false});
}

/* Is it the image of a program's, "FORMAT:PATH"? What lies below that in a chain of images, the program has locked. */
static bool is_image(struct hl_ctx *ctx, const struct sought *s, const char *back)
{
    char *params = hs_read_at(ctx->xs, HS_TX_NONE, back, "params");
    const char *path = params == NULL ? NULL : strchr(params, ':');
    bool is = path != NULL && path[1] == '/' && is_same_file(s, path + 1);

    free(params);
    return is && is_prepared(ctx, back);
}

/* The folders of disks' back ends, and how their disks are known. */
static const struct {
    const char *name;
    bool (*is)(struct hl_ctx *ctx, const struct sought *s, const char *back);
} folders[] = {{"vbd", is_device}, {"qdisk", is_image}};

/* One disk of one guest. */
static int check_disk(struct hl_ctx *ctx, const struct sought *s, const char *domid,
                      const char *back,
                      bool (*is)(struct hl_ctx *ctx, const struct sought *s, const char *back),
                      struct hl_error *e)
{
    char *mode = hs_read_at(ctx->xs, HS_TX_NONE, back, "mode");
    bool writes = mode != NULL && strchr(mode, 'w') != NULL;
    int rc = 0;

    if ((writes || s->disk->readwrite) && is(ctx, s, back)) {
        char who[320], *name = hs_readf(ctx->xs, HS_TX_NONE, "/local/domain/%s/name", domid);

        /* A driver domain may not read the names of others. */
        if (ctx->domid == 0)
            snprintf(who, sizeof(who), "domain %s (%s)", domid, name == NULL ? "ending" : name);
        else
            snprintf(who, sizeof(who), "domain %s", domid);
        free(name);
        rc = busy(s, who, writes, e);
    }
    free(mode);
    return rc;
}

static int check_folder(struct hl_ctx *ctx, const struct sought *s, size_t folder,
                        struct hl_error *e)
{
    char base[64], path[128], back[160];
    unsigned int n, m;
    char **ids, **devs;
    int rc = 0;

    snprintf(base, sizeof(base), "/local/domain/%" PRIu32 "/backend/%s", ctx->domid,
             folders[folder].name);
    ids = hs_directory(ctx->xs, HS_TX_NONE, base, &n);
    for (unsigned int i = 0; rc == 0 && ids != NULL && i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", base, ids[i]);
        devs = hs_directory(ctx->xs, HS_TX_NONE, path, &m);
        for (unsigned int k = 0; rc == 0 && devs != NULL && k < m; k++) {
            snprintf(back, sizeof(back), "%s/%s", path, devs[k]);
            rc = check_disk(ctx, s, ids[i], back, folders[folder].is, e);
        }
        free(devs);
    }
    free(ids);
    return rc;
}

static int check_guests(struct hl_ctx *ctx, const struct sought *s, struct hl_error *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
        rc = check_folder(ctx, s, i, e);
    return rc;
}

/* A file system of Domain 0 on the device: MAJOR:MINOR is the third word, its options the sixth. */
static int check_mounts(const struct sought *s, struct hl_error *e)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line = NULL, where[256], options[256], who[320];
    size_t size = 0;
    int rc = 0;

    while (rc == 0 && f != NULL && getline(&line, &size, f) > 0) {
        unsigned int maj, min;
        bool writes;

        if (sscanf(line, "%*d %*d %u:%u %*s %255s %255s", &maj, &min, where, options) != 4 ||
            s->device != makedev(maj, min))
            continue;
        writes = strncmp(options, "ro", 2) != 0;
        if (!writes && !s->disk->readwrite)
            continue;
        snprintf(who, sizeof(who), "Domain 0 (mounted at %s)", where);
        rc = busy(s, who, writes, e);
    }
    free(line);
    if (f != NULL)
        fclose(f);
    return rc;
}

/* Other loop devices, Domain 0's own, or of guests that xenstore does not show yet. */
static int check_loops(const struct sought *s, struct hl_error *e)
{
    DIR *dir = opendir("/sys/block");
    struct dirent *entry;
    int rc = 0;

    while (rc == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[320], who[64];
        struct loop_file f;
        unsigned int number;

        if (sscanf(entry->d_name, "loop%u", &number) != 1)
            continue;
        snprintf(path, sizeof(path), "/sys/block/%s/loop", entry->d_name);
        if (access(path, F_OK) != 0 || s->device == makedev(LOOP_MAJOR_NUMBER, number) ||
            !loop_file(number, &f) || !meets(s, &f) || (f.readonly && !s->disk->readwrite))
            continue;
        snprintf(who, sizeof(who), "/dev/loop%u", number);
        rc = busy(s, who, !f.readonly, e);
    }
    if (dir != NULL)
        closedir(dir);
    return rc;
}

int disk_users_check_list(const struct hl_device_list *list, const struct hl_device *dev,
                          const struct stat *st, struct hl_error *e)
{
    const struct sought s = seek(st, &dev->disk);
    char who[64];

    for (size_t i = 0; i < list->count && &list->items[i] != dev; i++) {
        const struct hl_disk *d = &list->items[i].disk;

        if (list->items[i].kind != HL_DEVICE_VBD || d->target == NULL || d->script != NULL ||
            !driver_domain_is_none(d->backend_domain) || d->shared || dev->disk.shared ||
            (!d->readwrite && !dev->disk.readwrite) || !is_same_file(&s, d->target))
            continue;
        snprintf(who, sizeof(who), "its disk %.31s", d->vdev);
        return busy(&s, who, d->readwrite, e);
    }
    return 0;
}

int disk_users_check_locks(int fd, const struct hl_disk *disk, struct hl_error *e)
{
    const struct sought s = {.disk = disk};
    struct flock range = {.l_type = disk->readwrite ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    /* A file system without locks has nobody who locked. */
    if (disk->shared || fcntl(fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK)
        return 0;
    return busy(&s, "a program (as an image, or as what another image is based on)",
                range.l_type == F_WRLCK, e);
}

/* Programs that have locked the file of a loop device: the kernel itself takes no lock. */
static int check_locks_behind(const struct sought *s, struct hl_error *e)
{
    char path[PATH_MAX + 16], sys[64];
    struct stat st;
    FILE *f;
    int fd, rc = 0;

    snprintf(sys, sizeof(sys), "/sys/block/loop%u/loop/backing_file", minor(s->device));
    f = fopen(sys, "re");
    if (f == NULL)
        return 0;
    path[0] = '\0';
    if (fgets(path, sizeof(path), f) != NULL)
        path[strcspn(path, "\n")] = '\0';
    fclose(f);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0; /* without a name, or in another mount namespace */
    if (fstat(fd, &st) == 0 && st.st_dev == s->file.dev && st.st_ino == s->file.ino)
        rc = disk_users_check_locks(fd, s->disk, e);
    close(fd);
    return rc;
}

int disk_users_check_device(struct hl_ctx *ctx, const struct stat *st, const struct hl_disk *disk,
                            struct hl_error *e)
{
    const struct sought s = seek(st, disk);
    int fd, rc;

    if (disk->shared)
        return 0;
    rc = check_guests(ctx, &s, e);
    if (rc == 0)
        rc = check_mounts(&s, e);
    if (rc == 0 && s.has_file)
        rc = check_loops(&s, e);
    if (rc == 0 && s.has_file)
        rc = check_locks_behind(&s, e);
    if (rc != 0 || !disk->readwrite)
        return rc;
    /* Volume managers, RAID, swap ... hold a device exclusively. */
    fd = open(disk->target, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        close(fd);
    else if (errno == EBUSY)
        return busy(&s, "Domain 0 (a volume manager, RAID or swap)", true, e);
    return 0;
}

int disk_users_check_file(struct hl_ctx *ctx, const struct stat *st, const struct hl_disk *disk,
                          struct hl_error *e)
{
    const struct sought s = seek(st, disk);
    int rc;

    if (disk->shared)
        return 0;
    rc = check_guests(ctx, &s, e);
    return rc == 0 ? check_loops(&s, e) : rc;
}

int disk_users_check_backing(struct hl_ctx *ctx, const char *path, struct hl_error *e)
{
    const struct hl_disk disk = {.target = (char *)path};
    struct stat st;
    int rc;

    if (stat(path, &st) < 0)
        return 0; /* gone since it was opened */
    rc = S_ISBLK(st.st_mode) ? disk_users_check_device(ctx, &st, &disk, e)
                             : disk_users_check_file(ctx, &st, &disk, e);
    if (rc == -EBUSY) {
        hl_error_within(e, "use it as a backing file");
        hl_error_advise(e, "what an image is based on must not change while the image is in use");
    }
    return rc;
}
