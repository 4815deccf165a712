/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open files: their contents, folders' entries, locks. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pv-backends/9p/ops.h"

/* Of the flags, whose values are Linux's, those that mean something here. Appending is the guest's to do: its writes come
 * with their places. */
#define OPEN_FLAGS  (O_ACCMODE | O_TRUNC | O_EXCL | O_DSYNC | O_SYNC)
#define IO_OVERHEAD 24u /* of a read or a write, around its data */

static void put_open(const struct p9_server *s, struct p9_out *out, const struct p9_qid *qid)
{
    p9_put_qid(out, qid);
    p9_put_number(out, s->message_size - IO_OVERHEAD, 4);
}

/* fid[4] flags[4]. Devices, pipes and sockets are the guest's own: only what has contents is opened. */
int p9_lopen(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    uint32_t flags = p9_get32(in);
    struct p9_qid qid;
    char path[32];

    if (in->bad)
        return -EINVAL;
    if (f == NULL || f->open >= 0)
        return -EBADF;
    if (f->type != S_IFREG && f->type != S_IFDIR)
        return f->type == S_IFLNK ? -ELOOP : -EPERM;
    int fd = open(p9_proc_path(f->path, path), (int)(flags & OPEN_FLAGS & ~(uint32_t)O_EXCL) |
                                                   O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int rc = p9_qid(fd, &qid);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    f->open = fd;
    put_open(s, out, &qid);
    return 0;
}

static int create(int folder, const char *name, uint32_t flags, uint32_t mode)
{
    struct open_how how = {
        .flags = (flags & OPEN_FLAGS) | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .mode = mode & P9_MODES,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

/* fid[4] name[s] flags[4] mode[4] gid[4]: fid is the folder, and then the file. */
int p9_lcreate(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    char name[P9_NAME_MAX + 1];
    struct p9_qid qid;
    struct stat st;

    p9_get_name(in, name);
    uint32_t flags = p9_get32(in), mode = p9_get32(in), gid = p9_get32(in);
    if (in->bad)
        return -EINVAL;
    if (f == NULL || f->open >= 0)
        return -EBADF;
    bool there = fstatat(f->path, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISREG(st.st_mode))
        return -EEXIST;
    int fd = create(f->path, name, flags, mode);
    if (fd < 0)
        return fd;
    int rc = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EPERM;
    if (rc == 0 && !there && fchown(fd, f->uid, gid) < 0)
        rc = -errno;
    if (rc == 0)
        rc = p9_qid(fd, &qid);
    int path = rc == 0 ? open(p9_proc_path(fd, name), O_PATH | O_CLOEXEC) : -1;
    if (rc == 0 && path < 0)
        rc = -errno;
    if (rc < 0) {
        close(fd);
        return rc;
    }
    close(f->path);
    f->path = path;
    f->open = fd;
    f->type = S_IFREG;
    put_open(s, out, &qid);
    return 0;
}

/* fid[4] offset[8] count[4] */
int p9_read(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    uint64_t offset = p9_get64(in);
    uint32_t count = p9_get32(in);
    uint8_t *length = p9_put(out, 4);
    size_t room = (size_t)(out->end - out->p);

    if (in->bad || offset > INT64_MAX)
        return -EINVAL;
    if (f == NULL || f->open < 0)
        return -EBADF;
    ssize_t n = pread(f->open, out->p, count < room ? count : room, (off_t)offset);
    if (n < 0)
        return -errno;
    out->p += n;
    uint32_t le = htole32((uint32_t)n);
    memcpy(length, &le, 4);
    return 0;
}

/* fid[4] offset[8] count[4] data[count] */
int p9_write(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    uint64_t offset = p9_get64(in);
    uint32_t count = p9_get32(in);
    const void *data = p9_get(in, count);

    if (in->bad || offset > INT64_MAX - (uint64_t)count)
        return -EINVAL;
    if (f == NULL || f->open < 0)
        return -EBADF;
    ssize_t n = pwrite(f->open, data, count, (off_t)offset);
    if (n < 0)
        return -errno;
    p9_put_number(out, (uint64_t)n, 4);
    return 0;
}

/* As getdents64() gives them. */
struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

static size_t put_entry(const struct entry *e, struct p9_out *out)
{
    size_t name = strlen(e->name), size = 13 + 8 + 1 + 2 + name;
    struct p9_qid qid = {.type = e->type == 4    ? P9_QID_DIR /* DT_DIR */
                                 : e->type == 10 ? P9_QID_SYMLINK
                                                 : P9_QID_FILE,
                         .path = e->inode};

    if (size > (size_t)(out->end - out->p))
        return 0;
    p9_put_qid(out, &qid);
    p9_put_number(out, (uint64_t)e->next, 8);
    p9_put_number(out, e->type, 1);
    p9_put_text(out, e->name, name);
    return size;
}

/* Entries from `offset` on, whole ones, as many as fit into `out`. */
static int put_entries(int fd, uint64_t offset, struct p9_out *out)
{
    _Alignas(8) char buffer[16384];
    bool room = true;

    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return -errno;
    while (room) {
        long n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));

        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (long at = 0; room && at < n;) {
            const struct entry *e = (const struct entry *)(buffer + at);

            room = put_entry(e, out) != 0;
            at += e->length;
        }
    }
    return 0;
}

/* fid[4] offset[8] count[4] */
int p9_readdir(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    uint64_t offset = p9_get64(in);
    uint32_t count = p9_get32(in);
    uint8_t *length = p9_put(out, 4);
    struct p9_out entries = *out;

    if (in->bad || offset > INT64_MAX)
        return -EINVAL;
    if (f == NULL || f->open < 0)
        return -EBADF;
    if (f->type != S_IFDIR)
        return -ENOTDIR;
    if (count < (size_t)(out->end - out->p))
        entries.end = out->p + count;
    int rc = put_entries(f->open, offset, &entries);
    uint32_t le = htole32((uint32_t)(entries.p - out->p));
    memcpy(length, &le, 4);
    out->p = entries.p;
    return rc;
}

/* fid[4] datasync[4] */
int p9_fsync(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    bool data = p9_get32(in) != 0;

    (void)out;
    if (f == NULL || f->open < 0)
        return -EBADF;
    return (data ? fdatasync(f->open) : fsync(f->open)) < 0 ? -errno : 0;
}

/* ---- locks: of the open file, so that they hold between guests, too ---- */

enum { RANGE_READ, RANGE_WRITE, RANGE_NONE };
enum { STATUS_SUCCESS, STATUS_BLOCKED };

static int get_range(struct p9_in *in, uint8_t type, struct flock *range)
{
    uint64_t start = p9_get64(in), length = p9_get64(in);

    if (in->bad || type > RANGE_NONE || start > INT64_MAX || length > INT64_MAX ||
        length > INT64_MAX - start)
        return -EINVAL;
    *range = (struct flock){
        .l_type = type == RANGE_READ    ? F_RDLCK
                  : type == RANGE_WRITE ? F_WRLCK
                                        : F_UNLCK,
        .l_whence = SEEK_SET,
        .l_start = (off_t)start,
        .l_len = (off_t)length,
    };
    return 0;
}

/* fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s]. Never waits: the guest asks again. */
int p9_lock(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    uint8_t type = p9_get8(in);
    struct flock range;

    p9_get32(in);
    int rc = get_range(in, type, &range);
    if (rc < 0)
        return rc;
    if (f == NULL || f->open < 0)
        return -EBADF;
    rc = fcntl(f->open, F_OFD_SETLK, &range) < 0 ? -errno : 0;
    if (rc < 0 && rc != -EAGAIN && rc != -EACCES)
        return rc;
    p9_put_number(out, rc == 0 ? STATUS_SUCCESS : STATUS_BLOCKED, 1);
    return 0;
}

/* fid[4] type[1] start[8] length[8] proc_id[4] client_id[s] */
int p9_getlock(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    uint8_t type = p9_get8(in);
    struct flock range;
    int rc = get_range(in, type, &range);
    uint32_t process = p9_get32(in);
    char client[256] = "";

    if (in->p != in->end)
        p9_get_text(in, client, sizeof(client));
    if (rc < 0 || in->bad)
        return -EINVAL;
    if (f == NULL || f->open < 0)
        return -EBADF;
    if (fcntl(f->open, F_OFD_GETLK, &range) < 0)
        return -errno;
    p9_put_number(out,
                  range.l_type == F_UNLCK   ? RANGE_NONE
                  : range.l_type == F_RDLCK ? RANGE_READ
                                            : RANGE_WRITE,
                  1);
    p9_put_number(out, (uint64_t)range.l_start, 8);
    p9_put_number(out, (uint64_t)range.l_len, 8);
    p9_put_number(out, process, 4);
    p9_put_text(out, client, strlen(client));
    return 0;
}
