/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of files, and the names in a folder. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "pv-backends/9p/ops.h"

#define GETATTR_BASIC 0x7ffull

static void put_time(struct p9_out *out, const struct timespec *t)
{
    p9_put_number(out, (uint64_t)t->tv_sec, 8);
    p9_put_number(out, (uint64_t)t->tv_nsec, 8);
}

/* fid[4] request_mask[8] */
int p9_getattr(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    static const struct timespec none;
    struct p9_fid *f = p9_get_fid(s, in);
    struct p9_qid qid;
    struct stat st;

    p9_get64(in);
    if (in->bad)
        return -EINVAL;
    if (f == NULL)
        return -EBADF;
    if (fstat(f->path, &st) < 0)
        return -errno;
    int rc = p9_qid(f->path, &qid);
    if (rc < 0)
        return rc;
    p9_put_number(out, GETATTR_BASIC, 8);
    p9_put_qid(out, &qid);
    p9_put_number(out, st.st_mode, 4);
    p9_put_number(out, st.st_uid, 4);
    p9_put_number(out, st.st_gid, 4);
    p9_put_number(out, st.st_nlink, 8);
    p9_put_number(out, st.st_rdev, 8);
    p9_put_number(out, (uint64_t)st.st_size, 8);
    p9_put_number(out, (uint64_t)st.st_blksize, 8);
    p9_put_number(out, (uint64_t)st.st_blocks, 8);
    put_time(out, &st.st_atim);
    put_time(out, &st.st_mtim);
    put_time(out, &st.st_ctim);
    put_time(out, &none); /* birth */
    p9_put_number(out, 0, 8);
    p9_put_number(out, 0, 8);
    return 0;
}

enum {
    SET_MODE = 0x1,
    SET_UID = 0x2,
    SET_GID = 0x4,
    SET_SIZE = 0x8,
    SET_ATIME = 0x10,
    SET_MTIME = 0x20,
    SET_ATIME_TO = 0x80,
    SET_MTIME_TO = 0x100,
};

struct attributes {
    uint32_t valid, mode, uid, gid;
    uint64_t size;
    struct timespec times[2];
};

static struct timespec get_time(struct p9_in *in)
{
    uint64_t seconds = p9_get64(in), rest = p9_get64(in);

    if (rest > 999999999)
        in->bad = true;
    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)rest};
}

static void get_attributes(struct p9_in *in, struct attributes *a)
{
    a->valid = p9_get32(in);
    a->mode = p9_get32(in);
    a->uid = p9_get32(in);
    a->gid = p9_get32(in);
    a->size = p9_get64(in);
    a->times[0] = get_time(in);
    a->times[1] = get_time(in);
    if (a->size > INT64_MAX)
        in->bad = true;
}

static int set_owner(const struct p9_fid *f, const struct attributes *a)
{
    uid_t uid = a->valid & SET_UID ? a->uid : (uid_t)-1;
    gid_t gid = a->valid & SET_GID ? a->gid : (gid_t)-1;

    return fchownat(f->path, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_times(const struct p9_fid *f, struct attributes *a)
{
    for (int i = 0; i < 2; i++) {
        if (!(a->valid & (i == 0 ? SET_ATIME : SET_MTIME)))
            a->times[i].tv_nsec = UTIME_OMIT;
        else if (!(a->valid & (i == 0 ? SET_ATIME_TO : SET_MTIME_TO)))
            a->times[i].tv_nsec = UTIME_NOW;
    }
    return utimensat(f->path, "", a->times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* fid[4], then struct attributes */
int p9_setattr(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    struct attributes a;
    char path[32];
    int rc = 0;

    (void)out;
    get_attributes(in, &a);
    if (in->bad)
        return -EINVAL;
    if (f == NULL)
        return -EBADF;
    p9_proc_path(f->path, path);
    /* By that path these two would follow a symbolic link. */
    if ((a.valid & (SET_MODE | SET_SIZE)) && f->type == S_IFLNK)
        return -EOPNOTSUPP;
    if ((a.valid & SET_SIZE) && f->type != S_IFREG)
        return -EINVAL;
    if (a.valid & (SET_UID | SET_GID))
        rc = set_owner(f, &a);
    if (rc == 0 && (a.valid & SET_MODE) && chmod(path, a.mode & P9_MODES) < 0)
        rc = -errno;
    if (rc == 0 && (a.valid & SET_SIZE) && truncate(path, (off_t)a.size) < 0)
        rc = -errno;
    if (rc == 0 && (a.valid & (SET_ATIME | SET_MTIME)))
        rc = set_times(f, &a);
    return rc;
}

int p9_statfs(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    struct statfs fs;
    uint64_t id;

    if (f == NULL)
        return -EBADF;
    if (fstatfs(f->path, &fs) < 0)
        return -errno;
    memcpy(&id, &fs.f_fsid, sizeof(id));
    p9_put_number(out, (uint32_t)fs.f_type, 4);
    p9_put_number(out, (uint32_t)fs.f_bsize, 4);
    p9_put_number(out, fs.f_blocks, 8);
    p9_put_number(out, fs.f_bfree, 8);
    p9_put_number(out, fs.f_bavail, 8);
    p9_put_number(out, fs.f_files, 8);
    p9_put_number(out, fs.f_ffree, 8);
    p9_put_number(out, id, 8);
    p9_put_number(out, (uint32_t)fs.f_namelen, 4);
    return 0;
}

/* ---- names ---- */

static int is_folder(const struct p9_fid *f)
{
    return f == NULL ? -EBADF : f->type != S_IFDIR ? -ENOTDIR : 0;
}

/* What was just made there gets its owner, and is described. */
static int made(const struct p9_fid *folder, const char *name, uint32_t gid, struct p9_out *out)
{
    struct p9_qid qid;
    int rc = fchownat(folder->path, name, folder->uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;

    if (rc == 0)
        rc = p9_qid_at(folder->path, name, &qid);
    if (rc == 0)
        p9_put_qid(out, &qid);
    return rc;
}

/* dfid[4] name[s] mode[4] gid[4] */
int p9_mkdir(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    char name[P9_NAME_MAX + 1];

    p9_get_name(in, name);
    uint32_t mode = p9_get32(in), gid = p9_get32(in);
    int rc = in->bad ? -EINVAL : is_folder(f);
    if (rc == 0 && mkdirat(f->path, name, mode & P9_MODES) < 0)
        rc = -errno;
    return rc < 0 ? rc : made(f, name, gid, out);
}

/* dfid[4] name[s] target[s] gid[4]. Where it leads to is for the guest to find out. */
int p9_symlink(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    char name[P9_NAME_MAX + 1], target[PATH_MAX];

    p9_get_name(in, name);
    p9_get_text(in, target, sizeof(target));
    uint32_t gid = p9_get32(in);
    int rc = in->bad ? -EINVAL : is_folder(f);
    if (rc == 0 && symlinkat(target, f->path, name) < 0)
        rc = -errno;
    return rc < 0 ? rc : made(f, name, gid, out);
}

/* dfid[4] name[s] mode[4] major[4] minor[4] gid[4] */
int p9_mknod(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    char name[P9_NAME_MAX + 1];

    p9_get_name(in, name);
    uint32_t mode = p9_get32(in);
    p9_get64(in);
    uint32_t gid = p9_get32(in), type = mode & S_IFMT;
    int rc = in->bad ? -EINVAL : is_folder(f);
    if (rc == 0 && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
        rc = -EPERM;
    if (rc == 0 && mknodat(f->path, name, type | (mode & P9_MODES), 0) < 0)
        rc = -errno;
    return rc < 0 ? rc : made(f, name, gid, out);
}

int p9_readlink(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    char target[PATH_MAX];

    if (f == NULL)
        return -EBADF;
    if (f->type != S_IFLNK)
        return -EINVAL;
    ssize_t n = readlinkat(f->path, "", target, sizeof(target));
    if (n < 0)
        return -errno;
    p9_put_text(out, target, (size_t)n);
    return 0;
}

/* dfid[4] fid[4] name[s] */
int p9_link(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *folder = p9_get_fid(s, in), *f = p9_get_fid(s, in);
    char name[P9_NAME_MAX + 1];

    (void)out;
    p9_get_name(in, name);
    int rc = in->bad ? -EINVAL : f == NULL ? -EBADF : is_folder(folder);
    if (rc == 0 && linkat(f->path, "", folder->path, name, AT_EMPTY_PATH) < 0)
        rc = -errno;
    return rc;
}

/* olddirfid[4] oldname[s] newdirfid[4] newname[s] */
int p9_renameat(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    char from[P9_NAME_MAX + 1], to[P9_NAME_MAX + 1];

    (void)out;
    struct p9_fid *old = p9_get_fid(s, in);
    p9_get_name(in, from);
    struct p9_fid *new = p9_get_fid(s, in);
    p9_get_name(in, to);
    int rc = in->bad ? -EINVAL : is_folder(old);
    if (rc == 0)
        rc = is_folder(new);
    if (rc == 0 && renameat(old->path, from, new->path, to) < 0)
        rc = -errno;
    return rc;
}

/* dirfd[4] name[s] flags[4] */
int p9_unlinkat(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);
    char name[P9_NAME_MAX + 1];

    (void)out;
    p9_get_name(in, name);
    uint32_t flags = p9_get32(in);
    int rc = in->bad || (flags & ~(uint32_t)AT_REMOVEDIR) ? -EINVAL : is_folder(f);
    if (rc == 0 && unlinkat(f->path, name, (int)flags) < 0)
        rc = -errno;
    return rc;
}
